import { type Page, expect, test } from "@playwright/test";

import { MINUTE_MS, fill, flaws, forms, gallery, inPlace, listed, photo, world } from "../library.ts";
import { Person } from "../person.ts";
import { photographs } from "../photographs.ts";

const here = world();
const COUNT = 60;

/** Every row's photos stand side by side, 4 px apart, and fill the width but for the last row of a day. */
async function rowsOnScreen(page: Page): Promise<{ width: number; rows: [number, number][][] }> {
  return page.evaluate(() => {
    const grid = document.querySelector("[role=grid]")!;
    const rows = [...grid.querySelectorAll("[role=row]:not([hidden])")].map((row) =>
      [...row.querySelectorAll<HTMLElement>("[data-place]")]
        .map((tile): [number, number] => [tile.offsetLeft, tile.offsetLeft + tile.offsetWidth])
        .sort(([a], [b]) => a - b),
    );
    return { width: grid.clientWidth, rows };
  });
}

test("photos go in, are seen by day, opened, liked, deleted and brought back, and are there offline", async ({ browser }) => {
  test.setTimeout(6 * MINUTE_MS);
  const ann = await Person.on(browser, here.gate.url);
  await ann.register("ann");
  const { page } = ann;
  await ann.isReadyForOffline();
  await forms(page, { forms: "ahead", isAhead: false });
  await page.getByRole("navigation", { name: "Main" }).first().getByRole("link", { name: "Photos" }).click();
  await expect(page.getByRole("heading", { name: "Your photos belong here" })).toBeVisible();

  await test.step("what is dropped is here at once, and has its day when the server has looked at it", async () => {
    const files = await photographs(page, COUNT);
    const text = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no photo") };
    await Promise.all([
      // It is said for a few seconds only.
      expect(page.locator(".toast", { hasText: "1 file left out" })).toBeVisible(),
      page.locator("#pick-files").setInputFiles([...files, text]),
    ]);
    await expect(gallery(page)).toBeVisible();
    await ann.seesStatus("Up to date", 3 * MINUTE_MS);
    await expect(photo(page, "20 May 2024.*IMG_0000")).toBeVisible({ timeout: 2 * MINUTE_MS });
    await inPlace(page, COUNT);
    await expect(page.locator(".photo-heading:not([hidden])", { hasText: "20 May 2024" }).first()).toBeVisible();
    await expect(page.locator("[data-place].is-loaded").first()).toBeVisible();
  });

  await test.step("rows are justified", async () => {
    await expect.poll(async () => (await rowsOnScreen(page)).rows.some((row) => row.length > 2)).toBe(true);
    const { width, rows } = await rowsOnScreen(page);
    for (const row of rows) {
      for (const [index, [left]] of row.entries()) expect(left).toBe(index === 0 ? 0 : row[index - 1]![1] + 4);
      expect(row.at(-1)![1]).toBeLessThanOrEqual(width);
    }
    expect(rows.some((row) => row.at(-1)![1] === width)).toBe(true);
    expect(await page.locator("[data-place]").count()).toBeLessThanOrEqual(400);
  });

  await test.step("a photo opens, and is a favourite", async () => {
    await photo(page, "IMG_0002").click();
    const viewer = page.getByRole("dialog", { name: /IMG_0002/ });
    await expect(viewer.getByRole("img", { name: "IMG_0002.jpg" })).toBeVisible();
    await page.keyboard.press("f");
    await expect(page.locator(".toast", { hasText: "1 photo added to your favorites" })).toBeAttached();
    await page.keyboard.press("ArrowRight");
    await expect(page.getByRole("dialog", { name: /IMG_0003/ })).toBeVisible();
    await page.goBack();
    await expect(page.getByRole("dialog", { name: /IMG_/ })).toBeHidden();
    await expect(photo(page, "IMG_0002.*favorite")).toBeVisible();
  });

  await test.step("what is deleted is gone at once, and comes back", async () => {
    await expect(gallery(page)).toBeFocused();
    await page.keyboard.press("Home");
    await page.keyboard.press("Delete");
    await expect(photo(page, "IMG_0000")).toBeHidden();
    await ann.seesStatus("Up to date");
    await page.getByRole("button", { name: "Undo" }).last().click();
    await expect(photo(page, "IMG_0000")).toBeVisible();
    await ann.seesStatus("Up to date");
  });

  await test.step("nothing is wrong for those who hear it", async () => {
    expect(await flaws(page)).toEqual([]);
  });

  await test.step("another list has an address of its own", async () => {
    await page.getByRole("link", { name: "Favorites" }).click();
    await expect(page).toHaveURL(/\/photos\/favorites$/);
    await expect(page.getByRole("gridcell")).toHaveCount(1);
    await page.goBack();
  });

  await test.step("what is shown of photos stays within what is allowed, thumbnails the longest", async () => {
    await ann.isReadyForOffline();
    await page.reload();
    await expect.poll(async () => (await forms(page)).preview.count).toBeGreaterThan(2);
    // What still comes in would count beside what had to go.
    await page.waitForLoadState("networkidle");
    const before = await forms(page);
    const budget = before.thumbnail.bytes + Math.floor(before.preview.bytes / 2);
    const after = await forms(page, { forms: "budget", bytes: budget });
    expect(after.thumbnail.count).toBe(before.thumbnail.count);
    expect(after.preview.count).toBeLessThan(before.preview.count);
    expect(after.thumbnail.bytes + after.preview.bytes + after.display.bytes).toBeLessThanOrEqual(budget);
    await forms(page, { forms: "budget", bytes: 100_000_000 });
  });

  await test.step("the gallery opens without the server, with what was seen", async () => {
    await ann.isReadyForOffline();
    await page.reload();
    await expect(page.locator("[data-place].is-loaded").first()).toBeVisible();
    await here.gate.cut();
    await page.reload();
    await ann.seesStatus(/Offline/);
    await expect(photo(page, "20 May 2024.*IMG_0000")).toBeVisible();
    await expect(page.locator("[data-place].is-loaded").first()).toBeVisible();
  });
});

test("the photo that was pressed opens, whatever comes while the pointer is down", async ({ browser }) => {
  test.setTimeout(4 * MINUTE_MS);
  const ann = await Person.on(browser, here.gate.url);
  await ann.register("ann");
  const { page } = ann;
  const [latest, ...files] = await photographs(page, 9);
  await page.goto("/photos");
  await page.locator("#pick-files").setInputFiles(files);
  for (const { name } of files) await expect(photo(page, `2024.*${name}`)).toBeVisible({ timeout: 2 * MINUTE_MS });
  const other = await Person.on(browser, here.gate.url);
  await other.signIn("ann");
  await other.page.goto("/photos");
  await expect(photo(other.page, "IMG_0001")).toBeVisible();

  await photo(page, "IMG_0004").hover();
  await page.mouse.down();
  const heard = page.waitForResponse(/\/photos\/index/);
  await other.page.locator("#pick-files").setInputFiles([latest!]);
  await expect(photo(other.page, "2024.*IMG_0000")).toBeVisible({ timeout: MINUTE_MS });
  await heard;
  // Listed before the others, which would make way for it.
  await page.waitForTimeout(1_500);
  await page.mouse.up();
  await expect(page.getByRole("dialog", { name: /IMG_/ })).toHaveAccessibleName(/IMG_0004/);
  await page.goBack();
  await expect(photo(page, "2024.*IMG_0000")).toBeVisible();
});

test("photos are found by date and name, at an address, without the server too", async ({ browser }) => {
  test.setTimeout(4 * MINUTE_MS);
  const ann = await Person.on(browser, here.gate.url);
  await ann.register("ann");
  const { page } = ann;
  await fill(ann, 12);
  const found = page.getByRole("grid", { name: "Photos found" });
  const field = page.getByRole("searchbox", { name: "Search photos" });

  await test.step("what is typed is in the address, and back leads back", async () => {
    await field.fill("IMG_0003");
    await expect(found.getByRole("gridcell")).toHaveCount(1);
    await expect(page).toHaveURL(/\/photos\?q=IMG_0003$/);
    await field.fill("20 may 2024");
    await expect.poll(() => found.getByRole("gridcell").count()).toBeGreaterThan(1);
    for (const label of await found.getByRole("gridcell").evaluateAll((all) => all.map((cell) => cell.ariaLabel))) {
      expect(label).toContain("20 May 2024");
    }
    expect(await flaws(page)).toEqual([]);
    await page.goBack();
    await expect(gallery(page).getByRole("gridcell")).toHaveCount(12);
  });

  await test.step("a photo that was found opens, and closing it leads to what was found", async () => {
    await page.goto("/photos?q=img_0005");
    await photo(page, "IMG_0005").click();
    await expect(page.getByRole("dialog", { name: /IMG_0005/ })).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog", { name: /IMG_0005/ })).toBeHidden();
    await expect(found.getByRole("gridcell")).toHaveCount(1);
    await field.fill("zebra");
    await expect(page.getByRole("heading", { name: "No photo found" })).toBeVisible();
  });

  await test.step("an empty search offers what there is", async () => {
    await page.goto("/photos?q=");
    await page.getByRole("list", { name: "Years" }).getByRole("link", { name: "2024" }).click();
    await expect(found.getByRole("gridcell")).toHaveCount(12);
  });

  await test.step("without the server, this device searches what it knows", async () => {
    await ann.isReadyForOffline();
    await page.goto("/photos");
    await here.gate.cut();
    await page.reload();
    await ann.seesStatus(/Offline/);
    await field.fill("img_0007 2024");
    await expect(found.getByRole("gridcell")).toHaveCount(1);
    await expect(photo(page, "IMG_0007")).toBeVisible();
  });
});

test("photos that look the same are reviewed, and the best one stays", async ({ browser }) => {
  test.setTimeout(3 * MINUTE_MS);
  const ann = await Person.on(browser, here.gate.url);
  await ann.register("ann");
  const { page } = ann;
  const [one, other] = await photographs(page, 2);
  // Another file of the same picture: something follows the end of the image.
  const again = { ...one!, name: "Copy.jpg", buffer: Buffer.concat([one!.buffer, Buffer.from("later")]) };
  await page.goto("/photos");
  await page.locator("#pick-files").setInputFiles([one!, other!, again]);
  await expect.poll(async () => (await listed(page)).filter(({ status }) => status === "ready").length, { timeout: MINUTE_MS }).toBe(3);
  await page.getByRole("link", { name: "Duplicates" }).click();
  const group = page.getByRole("group", { name: "2 photos that look the same" });
  await expect(group.getByRole("radio", { name: "Copy.jpg" })).toBeChecked();
  expect(await flaws(page)).toEqual([]);
  await group.getByRole("radio", { name: "IMG_0000.jpg" }).check();
  await group.getByRole("button", { name: "Keep this, delete the other" }).press("Enter");
  await expect(page.getByRole("heading", { name: "No photo is here twice" })).toBeVisible();
  await ann.seesStatus("Up to date");
  expect((await listed(page)).map(({ fileName }) => fileName).sort()).toEqual(["IMG_0000.jpg", "IMG_0001.jpg"]);
  await page.getByRole("button", { name: "Undo" }).last().click();
  await expect(group).toBeVisible();
});
