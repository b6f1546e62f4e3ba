// What every journey begins with: none begins once the time for them is over.

import { test as base } from "@playwright/test";

export { type Browser, type Locator, type Page, expect } from "@playwright/test";

/** In milliseconds since 1970; `cargo xtask test --within` sets it. */
const UNTIL_MS = Number(process.env.CLOUDSTEAD_JOURNEYS_UNTIL ?? Number.POSITIVE_INFINITY);

/** Leaves out the test that asks, or all that come after, where the time is over. */
export const onlyInTime = (): void => base.skip(Date.now() > UNTIL_MS, "There was no time left to begin it");

export const test = base.extend<{ inTime: void }>({
  inTime: [
    async ({}, use) => {
      onlyInTime();
      await use();
    },
    { auto: true },
  ],
});
