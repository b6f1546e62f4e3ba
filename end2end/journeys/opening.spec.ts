import { expect, test } from "@playwright/test";

import { MINUTE_MS, gallery, listed, world } from "../library.ts";
import { Person } from "../person.ts";
import { photographs } from "../photographs.ts";

declare global {
  interface Window {
    /** Goes on with what was held up. */
    letIn: () => void;
  }
}

const here = world();

test("photos are looked at while what is on this device is still opened", async ({ browser }) => {
  test.setTimeout(4 * MINUTE_MS);
  const ann = await Person.on(browser, here.gate.url);
  await ann.register("ann");
  const { page } = ann;
  const [late, ...first] = await photographs(page, 4);
  await page.goto("/photos");
  await page.locator("#pick-files").setInputFiles(first);
  await ann.seesStatus("Up to date", 2 * MINUTE_MS);
  await expect.poll(async () => (await listed(page)).filter((photo) => photo.status === "ready").length, { timeout: MINUTE_MS }).toBe(3);

  // Before a tab reads its items it looks whether another one leads: a library of a million takes as long.
  await page.addInitScript(() => {
    const held = new Promise<void>((resolve) => (window.letIn = resolve));
    const request = navigator.locks.request.bind(navigator.locks) as (...given: unknown[]) => Promise<unknown>;
    navigator.locks.request = async (...given: unknown[]) => {
      if (/^cloudstead-[0-9a-f-]{36}$/.test(given[0] as string)) await held;
      return request(...given);
    };
  });
  await page.goto("/photos");
  await expect(gallery(page)).toBeVisible();
  await expect(page.locator("[data-place].is-loaded")).toHaveCount(3);
  await ann.seesStatus("Opening what is on this device");

  await test.step("what needs the items says so, and what is added waits for them", async () => {
    await page.locator("[data-place]").first().click();
    const viewer = page.getByRole("dialog", { name: /IMG_/ });
    await viewer.getByRole("button", { name: "Favorite" }).click();
    await expect(page.locator(".toast", { hasText: "Still opening" })).toBeVisible();
    await page.keyboard.press("Escape");
    await page.locator("#pick-files").setInputFiles([late!]);
    await page.getByRole("navigation", { name: "Main" }).first().getByRole("link", { name: "Files" }).click();
    await expect(page.getByRole("main").getByText("Opening what is on this device")).toBeVisible();
  });

  await page.evaluate(() => window.letIn());
  await expect(page.getByRole("heading", { name: "A place for your files" })).toBeVisible();
  await ann.seesStatus("Up to date", MINUTE_MS);
  await expect.poll(async () => (await listed(page)).length).toBe(4);
  await page.getByRole("navigation", { name: "Main" }).first().getByRole("link", { name: "Photos" }).click();
  await expect(page.locator("[data-place].is-loaded")).toHaveCount(4, { timeout: MINUTE_MS });
});
