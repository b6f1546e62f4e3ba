import { type Locator, type Page, expect, test } from "@playwright/test";

import { MINUTE_MS, fill, flaws, gallery, listed, photo, viewer, world } from "../library.ts";
import { Person } from "../person.ts";
import { photographs } from "../photographs.ts";

const here = world();
const COUNT = 60;
const OFFLINE = 200;

const selected = (page: Page) => page.getByRole("group", { name: "For what is selected" }).getByRole("status");

/** How many are selected. */
async function count(page: Page): Promise<number> {
  const words = await selected(page).textContent({ timeout: 1_000 }).catch(() => "0");
  return Number.parseInt(words!.replaceAll(",", ""), 10);
}

/** The places of the photos in the order of the document, which is that in which they are heard. */
const heard = (page: Page): Promise<number[]> =>
  page.locator("[data-place]").evaluateAll((all) => all.map((cell) => Number(cell.getAttribute("data-place"))));

const middle = async (photo: Locator) => {
  const { x, y, width, height } = (await photo.boundingBox())!;
  return { x: x + width / 2, y: y + height / 2 };
};

test("photos are selected by dragging, and get other dates and places", async ({ browser }) => {
  test.setTimeout(6 * MINUTE_MS);
  const ann = await Person.on(browser, here.gate.url);
  await ann.register("ann");
  const { page } = ann;
  await fill(ann, COUNT);

  await test.step("a band selects what it touches, on and on at the edge, and lets go of what it leaves", async () => {
    const from = await middle(photo(page, "IMG_0000"));
    const grid = (await gallery(page).boundingBox())!;
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(from.x + 30, from.y + 10, { steps: 3 });
    await expect.poll(() => count(page)).toBe(1);
    await page.mouse.move(grid.x + grid.width - 80, grid.y + grid.height - 4, { steps: 5 });
    await expect.poll(() => count(page)).toBeGreaterThan(COUNT / 2);
    await expect(photo(page, "IMG_0059")).toBeVisible();
    await expect.poll(() => count(page)).toBeGreaterThan(COUNT - 15);
    await page.mouse.move(grid.x + grid.width - 80, grid.y + 4, { steps: 5 });
    await expect.poll(() => count(page)).toBeLessThan(10);
    await page.mouse.up();
    await expect(viewer(page)).toBeHidden();
    await page.getByRole("button", { name: "Clear selection" }).click();
  });

  await test.step("what is heard is in the order of what is seen", async () => {
    await page.mouse.wheel(0, 1_800);
    const sorted = (places: number[]) => places.every((place, at) => at === 0 || places[at - 1]! < place);
    await expect.poll(async () => sorted(await heard(page))).toBe(true);
    await page.mouse.wheel(0, -1_000);
    await page.waitForTimeout(300);
    await expect.poll(async () => sorted(await heard(page))).toBe(true);
    expect(await flaws(page)).toEqual([]);
  });

  const dialog = page.getByRole("dialog", { name: "Date and place" });

  await test.step("by keyboard alone: into the photos, one opened, its date and place corrected", async () => {
    await page.goto("/photos");
    await expect(photo(page, "IMG_0000")).toBeVisible();
    for (let tabs = 0; tabs < 40 && !(await gallery(page).evaluate((grid) => grid === document.activeElement)); tabs++) {
      await page.keyboard.press("Tab");
    }
    await expect(gallery(page)).toBeFocused();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await expect(viewer(page, "IMG_0001")).toBeVisible();
    await page.keyboard.press("i");
    const adjust = viewer(page).getByRole("button", { name: "Date and place" });
    for (let tabs = 0; tabs < 20 && !(await adjust.evaluate((it) => it === document.activeElement)); tabs++) {
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await expect(dialog.getByLabel("Taken")).toHaveValue("2024-05-20T11:00");
    await dialog.getByLabel("Taken").fill("2020-01-02T03:04:05");
    await dialog.getByLabel("Place").focus();
    await page.keyboard.insertText("nowhere");
    await expect(dialog.getByText("Write it as latitude, longitude")).toBeVisible();
    await expect(dialog.getByRole("button", { name: "Done" })).toBeDisabled();
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.insertText("48.137, 11.576");
    const map = dialog.getByRole("img", { name: /Map of the world/ });
    await expect.poll(() => map.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
    expect(await flaws(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await expect(dialog).toBeHidden();
    await expect(viewer(page).getByText("48.13700° N, 11.57600° E")).toBeVisible();
    await expect(viewer(page).getByText(/Thursday,? 2 January 2020 at 03:04/)).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(gallery(page)).toBeFocused();
    await ann.seesStatus("Up to date");
    const [changed] = (await listed(page)).filter(({ fileName }) => fileName === "IMG_0001.jpg");
    expect(changed!.takenAt).toBe("2020-01-02T03:04:05.000");
    expect(changed!.location).toEqual({ latitude: 48.137, longitude: 11.576 });
    await page.keyboard.press("End");
    await expect(photo(page, "2 Jan 2020.*IMG_0001")).toBeVisible();
  });

  await test.step("many keep what is between them, without the server too, and it is taken back", async () => {
    await here.gate.cut();
    await ann.seesStatus(/Offline/);
    await page.keyboard.press("Home");
    for (const _ of [1, 2]) await page.keyboard.press("Shift+ArrowRight");
    await expect.poll(() => count(page)).toBe(3);
    await page.getByRole("button", { name: "Date and place" }).click();
    await dialog.getByLabel("The earliest was taken").fill("2021-06-01T00:00:00");
    await expect(dialog.getByText(/All 3 photos: .* earlier/)).toBeVisible();
    await dialog.getByRole("button", { name: "Done" }).click();
    await expect(page.locator(".toast", { hasText: "Adjusted 3 photos" })).toBeVisible();
    await expect(photo(page, "IMG_0000")).toBeHidden();
    await page.keyboard.press("End");
    await expect(photo(page, "1 Jun 2021.*IMG_0003")).toBeVisible();
    await expect(photo(page, "1 Jun 2021.*IMG_0000")).toBeVisible();
    await page.keyboard.press("ControlOrMeta+z");
    await expect(photo(page, "IMG_0003")).toBeHidden();
    await page.keyboard.press("Home");
    await expect(photo(page, "20 May 2024.*IMG_0000")).toBeVisible();
    await page.keyboard.press("ControlOrMeta+Shift+z");
    await expect(photo(page, "IMG_0000")).toBeHidden();
    await here.gate.restore();
    await ann.seesStatus("Up to date", MINUTE_MS);
    const times = (await listed(page)).filter(({ takenAt }) => takenAt.startsWith("2021")).map(({ takenAt }) => takenAt);
    expect(times).toEqual(["2021-06-01T21:00:00.000", "2021-06-01T07:00:00.000", "2021-06-01T00:00:00.000"]);
    await page.keyboard.press("End");
    await expect(photo(page, "1 Jun 2021.*IMG_0000")).toBeVisible();
  });

  await test.step("a finger that rested selects what it is drawn over", async () => {
    const phone = await Person.on(browser, here.gate.url, { viewport: { width: 390, height: 844 }, hasTouch: true });
    await phone.signIn("ann");
    await phone.page.goto("/photos");
    const touch = await phone.fingers();
    const from = await middle(photo(phone.page, "IMG_0004"));
    await touch("touchStart", from);
    await expect.poll(() => count(phone.page)).toBe(1);
    const grid = (await gallery(phone.page).boundingBox())!;
    for (let y = from.y; y < grid.y + grid.height - 100; y += 40) await touch("touchMove", { x: from.x, y });
    await expect.poll(() => count(phone.page)).toBeGreaterThan(3);
    const before = await gallery(phone.page).evaluate((grid) => grid.scrollTop);
    expect(before).toBe(0);
    await touch("touchMove", { x: 200, y: grid.y + grid.height - 3 });
    await expect.poll(() => count(phone.page)).toBeGreaterThan(30);
    await touch("touchEnd");
    const now = await count(phone.page);
    await phone.page.waitForTimeout(300);
    expect(await count(phone.page)).toBe(now);
    await expect(viewer(phone.page)).toBeHidden();
  });
});

test("200 photos that are added offline are delivered once", async ({ browser }) => {
  test.setTimeout(5 * MINUTE_MS);
  const ann = await Person.on(browser, here.gate.url);
  await ann.register("ann");
  const { page } = ann;
  await page.goto("/photos");
  await expect(page.getByRole("heading", { name: "Your photos belong here" })).toBeVisible();
  const files = await photographs(page, OFFLINE);
  await ann.isReadyForOffline();
  await here.gate.cut();
  await ann.seesStatus(/Offline/);
  await page.locator("#pick-files").setInputFiles(files);
  await ann.seesStatus(`Offline, ${OFFLINE} changes`, MINUTE_MS);
  await expect(page.locator(".photo-heading", { hasText: "On their way" }).first()).toBeVisible();
  await page.reload();
  await ann.seesStatus(`Offline, ${OFFLINE} changes`, MINUTE_MS);
  await here.gate.restore();
  await ann.seesStatus("Up to date", 2 * MINUTE_MS);
  const names = (await listed(page)).map(({ fileName }) => fileName).sort();
  expect(names).toEqual(files.map(({ name }) => name).sort());
  // What is sent again after a lost answer would be there twice, or have another version.
  const versions = await page.evaluate(async () => {
    const { changes } = await (await fetch("/api/v1/sync/pull?limit=1000")).json();
    return changes.filter((item: { photo?: object }) => item.photo !== undefined && item.photo !== null).length;
  });
  expect(versions).toBe(OFFLINE);
});
