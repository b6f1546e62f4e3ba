// Where photos go from the library and come back from: the archive, what is hidden, favourites, albums, the trash; and
// new ones, which come while one looks at others.

import { type Page, expect, test } from "@playwright/test";

import { MINUTE_MS, card, fill, flaws, gallery, listed, listedCount, photo, world } from "../library.ts";
import { Person } from "../person.ts";
import { LATEST, photographs } from "../photographs.ts";
import { picture } from "../specimens.ts";

const here = world();
const COUNT = 24;
const HOUR_MS = 3_600_000;

const selects = (page: Page, name: string) => photo(page, name).click({ modifiers: ["ControlOrMeta"] });
/** What is done with those that are selected. */
const act = (page: Page, name: string) =>
  page.getByRole("group", { name: "For what is selected" }).getByRole("button", { name, exact: true }).click();
const goes = (page: Page, list: string) =>
  page.getByRole("navigation", { name: "Lists of photos" }).getByRole("link", { name: list, exact: true }).click();
const undoes = (page: Page) => page.getByRole("button", { name: "Undo" }).last().click();

test("photos go onto other shelves, into albums and the trash, and come back", async ({ browser }) => {
  test.setTimeout(5 * MINUTE_MS);
  const ann = await Person.on(browser, here.gate.url);
  await ann.register("ann");
  const { page } = ann;
  await fill(ann, COUNT);
  const on = (shelf: string) => listedCount(page, `&shelf=${shelf}`);

  await test.step("what is archived leaves the library, waits in the archive, and comes back", async () => {
    for (const name of ["IMG_0001", "IMG_0002"]) await selects(page, name);
    await act(page, "Archive");
    await expect(page.locator(".toast", { hasText: "Archived 2 photos" })).toBeVisible();
    await expect(photo(page, "IMG_0001")).toBeHidden();
    await expect.poll(() => on("archived")).toBe(2);
    await goes(page, "Archive");
    await expect(page.getByRole("grid", { name: "Archive" }).getByRole("gridcell")).toHaveCount(2);
    expect(await flaws(page)).toEqual([]);
    await selects(page, "IMG_0001");
    await act(page, "Back to the library");
    await expect(page.getByRole("gridcell")).toHaveCount(1);
    await goes(page, "Library");
    await expect(photo(page, "IMG_0001")).toBeVisible();
    await expect(photo(page, "IMG_0002")).toBeHidden();
    await expect.poll(() => on("archived")).toBe(1);
  });

  await test.step("what is hidden is only there, from wherever it was, and can be shown again", async () => {
    await selects(page, "IMG_0003");
    await act(page, "Hide");
    await expect(photo(page, "IMG_0003")).toBeHidden();
    await goes(page, "Archive");
    await selects(page, "IMG_0002");
    await act(page, "Hide");
    await expect(page.getByRole("heading", { name: "Out of the way, not gone" })).toBeVisible();
    await goes(page, "Hidden");
    await expect(page.getByRole("grid", { name: "Hidden" }).getByRole("gridcell")).toHaveCount(2);
    await expect.poll(() => on("hidden")).toBe(2);
    expect(await flaws(page)).toEqual([]);
    await selects(page, "IMG_0003");
    await act(page, "Show in the library");
    await expect(page.getByRole("gridcell")).toHaveCount(1);
    await undoes(page);
    await expect(page.getByRole("gridcell")).toHaveCount(2);
    await page.keyboard.press("ControlOrMeta+Shift+z");
    await expect(page.getByRole("gridcell")).toHaveCount(1);
    await goes(page, "Library");
    await expect(photo(page, "IMG_0003")).toBeVisible();
    await expect.poll(() => on("hidden")).toBe(1);
    await expect.poll(() => on("library")).toBe(COUNT - 1);
  });

  await test.step("favourites have a page of their own, and leave it", async () => {
    await goes(page, "Favorites");
    await expect(page.getByRole("heading", { name: "The photos you like best" })).toBeVisible();
    await goes(page, "Library");
    for (const name of ["IMG_0004", "IMG_0006"]) await selects(page, name);
    await page.keyboard.press("f");
    await page.keyboard.press("Escape");
    await goes(page, "Favorites");
    const favorites = page.getByRole("grid", { name: "Favorites" }).getByRole("gridcell");
    await expect(favorites).toHaveCount(2);
    await expect.poll(() => listedCount(page, "&favorite=true")).toBe(2);
    await selects(page, "IMG_0004");
    await act(page, "Favorite");
    await expect(favorites).toHaveCount(1);
    // What is not seen any more is not selected.
    await expect(page.getByRole("button", { name: "Clear selection" })).toBeHidden();
    await selects(page, "IMG_0006");
    await act(page, "Favorite");
    await expect(page.getByRole("heading", { name: "The photos you like best" })).toBeVisible();
    await expect.poll(() => listedCount(page, "&favorite=true")).toBe(0);
  });

  const covers = (name: string) => card(page, name).locator("img").getAttribute("src");
  const idOf = async (name: string) => (await listed(page)).find(({ fileName }) => fileName === `${name}.jpg`)!.id;
  let first = "";

  await test.step("an album's cover goes with its photo into the trash, and comes back with it", async () => {
    await goes(page, "Library");
    [first] = [await idOf("IMG_0000")];
    const second = await idOf("IMG_0005");
    for (const name of ["IMG_0000", "IMG_0005", "IMG_0007"]) await selects(page, name);
    await page.keyboard.press("l");
    await page.getByRole("button", { name: "New album" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("By the sea");
    await page.keyboard.press("Enter");
    await expect(gallery(page)).toBeFocused();
    await page.keyboard.press("Escape");
    await goes(page, "Albums");
    await expect(card(page, "By the sea 3 photos")).toBeVisible();
    await expect.poll(() => covers("By the sea")).toContain(first);
    await goes(page, "Library");
    for (const name of ["IMG_0000", "IMG_0008"]) await selects(page, name);
    await page.keyboard.press("Delete");
    await expect(photo(page, "IMG_0008")).toBeHidden();
    await goes(page, "Albums");
    await expect(card(page, "By the sea 2 photos")).toBeVisible();
    await expect.poll(() => covers("By the sea")).toContain(second);
    await expect.poll(() => on("library")).toBe(COUNT - 3);
  });

  await test.step("the trash gives back what is chosen there", async () => {
    await page.getByRole("navigation", { name: "Main" }).first().getByRole("link", { name: "Trash" }).click();
    await expect(ann.rows).toHaveCount(2);
    expect(await flaws(page)).toEqual([]);
    for (const name of ["IMG_0000.jpg", "IMG_0008.jpg"]) {
      await ann.item(name).click();
      await page.getByRole("button", { name: "Put back" }).click();
      await expect(ann.item(name)).toBeHidden();
    }
    await expect(page.getByText("The trash is empty")).toBeVisible();
    await ann.seesStatus("Up to date");
    await page.getByRole("navigation", { name: "Main" }).first().getByRole("link", { name: "Photos" }).click();
    for (const name of ["IMG_0000", "IMG_0008"]) await expect(photo(page, name)).toBeVisible();
    await goes(page, "Albums");
    await expect(card(page, "By the sea 3 photos")).toBeVisible();
    await expect.poll(() => covers("By the sea")).toContain(first);
  });

  await test.step("the cover of what has just come is there as soon as there is a picture", async () => {
    await card(page, "By the sea").click();
    await expect(page.getByRole("gridcell")).toHaveCount(3);
    // A picture that tells no date: nothing of the album changes when the server has looked at it.
    const drawn = Buffer.from(picture(2_000, 1_500, [[34, 52, 92], [246, 178, 132]], [[66, 68, 102]]));
    await page.locator("#pick-files").setInputFiles([{ name: "Latest.png", mimeType: "image/png", buffer: drawn }]);
    await expect(page.getByRole("gridcell")).toHaveCount(4);
    await page.getByRole("link", { name: "Albums" }).click();
    await expect(card(page, "By the sea 4 photos")).toBeVisible();
    const latestId = (await listed(page))[0]!.id;
    await expect.poll(() => covers("By the sea")).toContain(latestId);
    await expect(card(page, "By the sea").locator("img")).toHaveJSProperty("complete", true);
  });
});

test("new photos appear at the top, and move nothing that is looked at", async ({ browser }) => {
  test.setTimeout(4 * MINUTE_MS);
  const ann = await Person.on(browser, here.gate.url);
  await ann.register("ann");
  const { page } = ann;
  await fill(ann, COUNT);
  const other = await Person.on(browser, here.server.url);
  await other.signIn("ann");
  await other.page.goto(`${here.server.url}/photos`);
  const sends = async (name: string, latest: number) => {
    const [one] = await photographs(other.page, 1, latest);
    await other.page.locator("#pick-files").setInputFiles([{ ...one!, name }]);
  };

  await test.step("at the top they come into sight", async () => {
    await expect(photo(page, "IMG_0000")).toBeVisible();
    await sends("New.jpg", LATEST + 48 * HOUR_MS);
    await expect(photo(page, "22 May 2024.*New")).toBeVisible({ timeout: MINUTE_MS });
    await expect(photo(page, "New")).toHaveAttribute("data-place", "0");
    await expect(photo(page, "New")).toBeInViewport();
  });

  await test.step("further down everything stays, whether they belong above or below", async () => {
    await gallery(page).hover();
    await page.mouse.wheel(0, 700);
    await expect(gallery(page)).toHaveJSProperty("scrollTop", 700);
    await expect(page.locator(".scrubber.is-moving")).toHaveCount(0);
    const seen = photo(page, "IMG_0012");
    await expect(seen).toBeInViewport();
    const place = Number(await seen.getAttribute("data-place"));
    const before = (await seen.boundingBox())!;
    // Each frame from now on.
    await seen.evaluate((tile) => {
      const from = tile.getBoundingClientRect();
      const found = { moved: 0, changed: false };
      Object.assign(window, { found });
      const id = tile.getAttribute("aria-label");
      const look = () => {
        const now = [...document.querySelectorAll("[data-place]")].find((other) => other.getAttribute("aria-label") === id);
        if (now === undefined) found.changed = true;
        else found.moved = Math.max(found.moved, Math.abs(now.getBoundingClientRect().top - from.top));
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await sends("Newer.jpg", LATEST + 72 * HOUR_MS);
    await sends("Older.jpg", LATEST - 400 * 24 * HOUR_MS);
    await expect(seen).toHaveAttribute("data-place", String(place + 1), { timeout: MINUTE_MS });
    const ready = async () => (await listed(page)).filter(({ status }) => status === "ready").length;
    await expect.poll(ready, { timeout: MINUTE_MS }).toBe(COUNT + 3);
    await page.waitForTimeout(1_500);
    const found = await page.evaluate(() => (window as unknown as { found: { moved: number; changed: boolean } }).found);
    expect(found).toEqual({ moved: 0, changed: false });
    expect((await seen.boundingBox())!).toEqual(before);
    await gallery(page).focus();
    await page.keyboard.press("End");
    await expect(photo(page, "Older")).toBeInViewport();
    await page.keyboard.press("Home");
    await expect(photo(page, "Newer")).toBeInViewport();
  });
});
