import { type Page, expect, test } from "@playwright/test";

import { MINUTE_MS, card, fill, flaws, heldForms, listed, photo, world } from "../library.ts";
import { Person } from "../person.ts";
import { photographs } from "../photographs.ts";

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
    expect(await flaws(page)).toEqual([]);
  });

  await test.step("it shows its photos, and so does another browser", async () => {
    await ann.seesStatus("Up to date");
    await card(page, "Lake in autumn").click();
    await expect(page.getByRole("gridcell")).toHaveCount(2);
    expect(await flaws(page)).toEqual([]);
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

test("what is dropped on an open album goes there as well, and its originals open without the server", async ({ browser }) => {
  test.setTimeout(5 * MINUTE_MS);
  const ann = await Person.on(browser, here.gate.url);
  await ann.register("ann");
  const { page } = ann;
  const inAlbum = async () => (await listed(page, `&album=${page.url().split("/").pop()}`)).map(({ fileName }) => fileName).sort();
  await page.goto("/photos/albums");
  await page.getByRole("button", { name: "New album" }).first().click();
  await page.getByRole("textbox", { name: "Name" }).fill("Dropped here");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "This album is still empty" })).toBeVisible();
  const [first, second, third, fourth] = await photographs(page, 4);

  await test.step("photos are picked while the album is open", async () => {
    await page.locator("#pick-files").setInputFiles([first!, second!]);
    await expect(page.getByRole("gridcell")).toHaveCount(2);
    await ann.seesStatus("Up to date", MINUTE_MS);
    await expect.poll(inAlbum).toEqual(["IMG_0000.jpg", "IMG_0001.jpg"]);
    await expect(photo(page, "May 2024.*IMG_0001")).toBeVisible({ timeout: MINUTE_MS });
  });

  await test.step("a photo that the library has already is put into the album", async () => {
    const album = page.url();
    await page.goto("/photos");
    await page.locator("#pick-files").setInputFiles([third!]);
    await expect(photo(page, "May 2024.*IMG_0002")).toBeVisible({ timeout: MINUTE_MS });
    await page.goto(album);
    await page.locator("#pick-files").setInputFiles([third!]);
    await expect.poll(inAlbum).toEqual(["IMG_0000.jpg", "IMG_0001.jpg", "IMG_0002.jpg"]);
    expect((await listed(page)).length).toBe(3);
  });

  await test.step("another cover is chosen, and taken back", async () => {
    const cover = () =>
      page.evaluate(async () => (await (await fetch("/api/v1/photos/albums")).json()).albums[0].cover.id as string);
    await expect(photo(page, "May 2024.*IMG_0002")).toBeVisible({ timeout: MINUTE_MS });
    const before = await cover();
    await photo(page, "IMG_0002").click({ modifiers: ["ControlOrMeta"] });
    await page.getByRole("button", { name: "Use as cover" }).click();
    await expect.poll(cover).not.toBe(before);
    await page.getByRole("button", { name: "Undo" }).last().click();
    await expect.poll(cover).toBe(before);
  });

  await test.step("originals are kept: the album opens on a device that never saw it, and shows them", async () => {
    await ann.seesStatus("Up to date");
    const album = page.url();
    const phone = await Person.on(browser, here.gate.url);
    await phone.signIn("ann");
    await phone.isReadyForOffline();
    await phone.seesStatus("Up to date");
    await phone.page.goto(album);
    await phone.page.getByRole("button", { name: "Download and keep originals" }).click();
    await expect(phone.page.getByText(/^3 originals here/)).toBeVisible({ timeout: MINUTE_MS });
    await expect.poll(async () => (await heldForms(phone.page)).length, { timeout: MINUTE_MS }).toBe(6);
    await phone.page.goto("/files");
    await here.gate.cut();
    await phone.page.reload();
    await phone.seesStatus(/Offline/);
    await phone.page.goto(album);
    await expect(phone.page.getByRole("gridcell")).toHaveCount(3);
    await expect(phone.page.locator("[data-place].is-loaded")).toHaveCount(3);
    await photo(phone.page, "IMG_0001").click();
    const picture = phone.page.getByRole("dialog", { name: /IMG_0001/ }).getByRole("img", { name: "IMG_0001.jpg" });
    await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(400);
    // The library itself was never opened here.
    await phone.page.goto("/photos");
    await expect(phone.page.getByRole("gridcell")).toHaveCount(3);
    await phone.page.goto("/settings");
    const storage = phone.page.getByRole("region", { name: "Storage on this device" });
    await expect(storage).toContainText("Photo originals kept3 photos");
    await expect(storage).toContainText("Thumbnails3 pictures");
  });

  await test.step("what is added without the server is in the album at once", async () => {
    await ann.seesStatus(/Offline/);
    await page.locator("#pick-files").setInputFiles([fourth!]);
    await expect(page.getByRole("gridcell")).toHaveCount(4);
    await here.gate.restore();
    await ann.seesStatus("Up to date", MINUTE_MS);
    await expect.poll(inAlbum).toContain("IMG_0003.jpg");
  });
});

test("an album is put in order by hand, by keyboard and by finger, offline too, and every device shows it so", async ({ browser }) => {
  test.setTimeout(6 * MINUTE_MS);
  const ann = await Person.on(browser, here.gate.url);
  await ann.register("ann");
  const { page } = ann;
  await fill(ann, 5);
  await page.getByRole("grid", { name: "Library" }).focus();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.press("l");
  await page.getByRole("button", { name: "New album" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("In order");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("grid", { name: "Library" })).toBeFocused();
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Albums" }).click();
  await card(page, "In order 5 photos").click();
  await ann.seesStatus("Up to date");
  const far = await Person.on(browser, here.server.url);
  await far.signIn("ann");
  await far.page.goto(`${here.server.url}${new URL(page.url()).pathname}`);
  const both = async (...numbers: number[]) => {
    for (const device of [page, far.page]) await expect.poll(() => shown(device)).toEqual(numbers);
  };
  await both(0, 1, 2, 3, 4);
  const headings = page.locator(".photo-heading:visible");
  await expect(headings).not.toHaveCount(0);
  const arrange = page.getByRole("button", { name: "Arrange" });
  const byDate = page.getByRole("button", { name: "By date" });
  const said = (text: string) => expect(page.locator(".toast", { hasText: text }).last()).toBeAttached();

  await test.step("a photo is dragged before another one", async () => {
    await arrange.click();
    await expect(arrange).toHaveAttribute("aria-pressed", "true");
    await expect(headings).toHaveCount(0);
    await expect(byDate).toBeHidden();
    await drag(page, "IMG_0004", await edge(page, "IMG_0001", 0.2));
    await expect(page.locator(".photo-gap")).toBeVisible();
    expect(await flaws(page)).toEqual([]);
    await page.mouse.up();
    await expect(page.locator(".photo-gap")).toBeHidden();
    await said("Moved to place 2 of 5");
    await both(0, 4, 1, 2, 3);
    await expect(far.page.locator(".photo-heading:visible")).toHaveCount(0);
    await expect(page.getByRole("button", { name: "Clear selection" })).toBeHidden();
    expect((await listed(page)).map(({ fileName }) => fileName)[4]).toBe("IMG_0004.jpg");
  });

  await test.step("what is dragged and given up stays", async () => {
    await drag(page, "IMG_0004", await edge(page, "IMG_0003", 0.8));
    await page.keyboard.press("Escape");
    await expect(page.locator(".photo-gap")).toBeHidden();
    await page.mouse.up();
    await expect(arrange).toHaveAttribute("aria-pressed", "true");
    await page.waitForTimeout(500);
    await both(0, 4, 1, 2, 3);
  });

  await test.step("those that are selected are dragged together, to the end", async () => {
    await photo(page, "IMG_0000").click();
    await photo(page, "IMG_0004").click();
    await drag(page, "IMG_0000", await edge(page, "IMG_0003", 0.8));
    await page.mouse.up();
    await said("Moved 2 photos to place 4 of 5");
    await both(1, 2, 3, 0, 4);
    await page.getByRole("grid", { name: "Album" }).focus();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("button", { name: "Clear selection" })).toBeHidden();
  });

  await test.step("by keyboard one place, to the ends, and back", async () => {
    await page.keyboard.press("Home");
    await page.keyboard.press("Alt+ArrowRight");
    await said("Moved to place 2 of 5");
    await both(2, 1, 3, 0, 4);
    await page.keyboard.press("Alt+End");
    await said("Moved to place 5 of 5");
    await both(2, 3, 0, 4, 1);
    await page.keyboard.press("Alt+ArrowLeft");
    await both(2, 3, 0, 1, 4);
    await page.keyboard.press("Alt+Home");
    await both(1, 2, 3, 0, 4);
    await page.keyboard.press("ControlOrMeta+z");
    await both(2, 3, 0, 1, 4);
    await page.keyboard.press("ControlOrMeta+Shift+z");
    await both(1, 2, 3, 0, 4);
  });

  await test.step("without the server, and it arrives", async () => {
    await ann.isReadyForOffline();
    await here.gate.cut();
    await ann.seesStatus(/Offline/);
    await page.keyboard.press("Home");
    await page.keyboard.press("Alt+ArrowRight");
    await page.keyboard.press("Alt+ArrowRight");
    await expect.poll(() => shown(page)).toEqual([2, 3, 1, 0, 4]);
    await page.reload();
    await expect.poll(() => shown(page)).toEqual([2, 3, 1, 0, 4]);
    await expect(headings).toHaveCount(0);
    expect(await shown(far.page)).toEqual([1, 2, 3, 0, 4]);
    await here.gate.restore();
    await ann.seesStatus("Up to date", MINUTE_MS);
    await both(2, 3, 1, 0, 4);
  });

  await test.step("by date again, and that is taken back", async () => {
    await arrange.click();
    await byDate.click();
    await both(0, 1, 2, 3, 4);
    await expect(byDate).toBeHidden();
    await arrange.click();
    await expect(headings).not.toHaveCount(0);
    await page.getByRole("button", { name: "Undo" }).last().click();
    await both(2, 3, 1, 0, 4);
    await expect(headings).toHaveCount(0);
  });

  await test.step("a finger that rested carries a photo", async () => {
    const phone = await Person.on(browser, here.gate.url, { viewport: { width: 390, height: 844 }, hasTouch: true });
    await phone.signIn("ann");
    await phone.page.goto(new URL(page.url()).pathname);
    await expect.poll(() => shown(phone.page)).toEqual([2, 3, 1, 0, 4]);
    await phone.page.getByRole("button", { name: "Arrange" }).click();
    const touch = await phone.fingers();
    await touch("touchStart", await edge(phone.page, "IMG_0004", 0.5));
    await expect(phone.page.locator(".photo-gap")).toBeVisible();
    await touch("touchMove", await edge(phone.page, "IMG_0002", 0.2));
    await touch("touchEnd");
    await expect.poll(() => shown(phone.page)).toEqual([4, 2, 3, 1, 0]);
    await both(4, 2, 3, 1, 0);
  });
});

/** The photos of an album as they stand on the page, by their numbers. */
const shown = (page: Page): Promise<number[]> =>
  page.locator("[data-place]:not([hidden])").evaluateAll((all) =>
    all
      .sort((one, other) => Number(one.getAttribute("data-place")) - Number(other.getAttribute("data-place")))
      .map((cell) => Number(/IMG_(\d+)/.exec(cell.getAttribute("aria-label") ?? "")?.[1])),
  );

/** A point of a photo, so far from its left as a share of its width. */
async function edge(page: Page, name: string, share: number): Promise<{ x: number; y: number }> {
  const { x, y, width, height } = (await photo(page, name).boundingBox())!;
  return { x: x + width * share, y: y + height / 2 };
}

/** Begins to drag a photo, and stays over a point. */
async function drag(page: Page, name: string, to: { x: number; y: number }): Promise<void> {
  const from = await edge(page, name, 0.5);
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(from.x + 15, from.y + 5, { steps: 2 });
  await page.mouse.move(to.x, to.y, { steps: 4 });
}
