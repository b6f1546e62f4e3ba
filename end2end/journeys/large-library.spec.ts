import { expect, test } from "@playwright/test";

import { NODES_MAX, PHOTOGRAPHER, nodes, onScrubber, reachesBothEnds, scrubTo, seeded } from "../large.ts";
import { MINUTE_MS, flaws, gallery } from "../library.ts";
import { Person } from "../person.ts";
import type { Server } from "../server.ts";

const PHOTOS = 10_000;
const SCREENS = 20;
const SCREEN_PIXELS = 800;

let server: Server;

test.beforeAll(async () => {
  test.setTimeout(20 * MINUTE_MS);
  server = await seeded(PHOTOS, PHOTOS);
});

test.afterAll(() => server.stop());

for (const deviceScaleFactor of [1, 2]) {
  test(`10,000 photos are all within reach at device pixel ratio ${deviceScaleFactor}`, async ({ browser }) => {
    test.setTimeout(5 * MINUTE_MS);
    const one = await Person.on(browser, server.url, { viewport: { width: 1440, height: 900 }, deviceScaleFactor });
    const { page } = one;
    await one.signIn(PHOTOGRAPHER);
    await page.goto("/photos");
    await expect(gallery(page)).toBeVisible();
    await expect(page.locator("[data-place].is-loaded").first()).toBeVisible();
    let most = await reachesBothEnds(page, PHOTOS);
    await page.mouse.move(700, 500);
    for (let screen = 0; screen < SCREENS; screen++) {
      await page.mouse.wheel(0, SCREEN_PIXELS);
      await page.evaluate(() => new Promise(requestAnimationFrame));
      most = Math.max(most, await nodes(page));
    }
    // Each answers once the very day that was named stands at the top.
    for (const share of [0.9, 0.35, 0.62, 0.04]) {
      await scrubTo(page, ...(await onScrubber(page, share)));
      most = Math.max(most, await nodes(page));
      await expect(page.locator("[data-place]:not(.is-loaded):not(.is-unknown)")).toHaveCount(0);
    }
    expect(most).toBeLessThanOrEqual(NODES_MAX);
    expect(await flaws(page)).toEqual([]);
    await one.context.close();
  });
}
