import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";

import { MINUTE_MS, card, fill, photo, world } from "../library.ts";
import { Person } from "../person.ts";

const here = world();
const COUNT = 6;

test("photos go into an album, by hand and by keyboard, offline too, and stay in the library", async ({ browser }) => {
  test.setTimeout(5 * MINUTE_MS);
  const ann = await Person.on(browser, here.gate.url);
  await ann.register("ann");
  const { page } = ann;
  await fill(ann, COUNT);

  await test.step("an album is made for what is selected", async () => {
    await page.getByRole("grid", { name: "Library" }).focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("x");
    await page.keyboard.press("Shift+ArrowRight");
    await page.keyboard.press("l");
    await page.getByRole("button", { name: "New album" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("Lake in autumn");
    await page.keyboard.press("Enter");
    await expect(page.locator(".toast", { hasText: "Added 2 photos to “Lake in autumn”" })).toBeAttached();
    await expect(page.getByRole("grid", { name: "Library" })).toBeFocused();
    await page.keyboard.press("Escape");
  });

  await test.step("it is among the albums, with its cover", async () => {
    await page.getByRole("link", { name: "Albums" }).click();
    await expect(page).toHaveURL(/\/photos\/albums$/);
    await expect(card(page, "Lake in autumn 2 photos")).toBeVisible();
    await expect(card(page, "Lake in autumn").locator("img")).toHaveJSProperty("complete", true);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations).toEqual([]);
  });

  await test.step("it shows its photos, and so does another browser", async () => {
    await ann.seesStatus("Up to date");
    await card(page, "Lake in autumn").click();
    await expect(page.getByRole("gridcell")).toHaveCount(2);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations).toEqual([]);
  });

  const far = await Person.on(browser, here.server.url);
  await far.signIn("ann");
  await far.page.goto(`${here.server.url}/photos/albums`);
  await expect(card(far.page, "Lake in autumn 2 photos")).toBeVisible();

  await test.step("offline it is filled, renamed and another one made, and all of it arrives", async () => {
    await ann.isReadyForOffline();
    await here.gate.cut();
    await ann.seesStatus(/Offline/);
    await page.getByRole("button", { name: "Rename album" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("Lake Starnberg");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: "Lake Starnberg" })).toBeVisible();
    await photo(page, "IMG_0001").click({ modifiers: ["ControlOrMeta"] });
    await page.getByRole("button", { name: "Remove from album" }).click();
    await expect(page.getByRole("gridcell")).toHaveCount(1);
    await page.getByRole("link", { name: "Albums" }).click();
    await page.getByRole("button", { name: "New album" }).first().click();
    await page.getByRole("textbox", { name: "Name" }).fill("To print");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: "This album is still empty" })).toBeVisible();
    await here.gate.restore();
    await ann.seesStatus("Up to date");
    await expect(card(far.page, "Lake Starnberg 1 photo")).toBeVisible();
    await expect(card(far.page, "To print 0 photos")).toBeVisible();
  });

  await test.step("a deleted album leaves its photos, and comes back with them", async () => {
    await page.goto(`${here.gate.url}/photos/albums`);
    await card(page, "Lake Starnberg").click();
    await page.getByRole("button", { name: "Delete album" }).click();
    await expect(page).toHaveURL(/\/photos\/albums$/);
    await expect(card(page, "Lake Starnberg")).toBeHidden();
    await page.getByRole("button", { name: "Undo" }).last().click();
    await expect(card(page, "Lake Starnberg 1 photo")).toBeVisible();
    await page.getByRole("link", { name: "Library" }).click();
    await expect(page.getByRole("gridcell")).toHaveCount(COUNT);
  });
});
