// Every page and state of the photo library, for the contact sheet.

import { type Page, expect } from "@playwright/test";

import { sidecar, zipped } from "../exports.ts";
import type { Gate } from "../gate.ts";
import { MINUTE_MS, card, fill, gallery, listed, photo } from "../library.ts";
import type { Person } from "../person.ts";
import { photographs } from "../photographs.ts";
import type { Camera } from "../sheet.ts";

const COUNT = 40;

export async function photoLibrary(ann: Person, camera: Camera, gate: Gate): Promise<void> {
  const { page } = ann;
  await page.goto("/photos");
  await expect(page.getByRole("heading", { name: "Your photos belong here" })).toBeVisible();
  await camera.takes("Photos, empty");
  await fill(ann, COUNT);
  await browsing(page, camera);
  await opened(page, camera);
  await found(page, camera);
  await albums(page, camera);
  await alike(page, camera);
  await imported(page, camera);
  await deleted(page, camera);
  await page.goto("/settings");
  await page.getByRole("heading", { name: "Storage on this device" }).scrollIntoViewIfNeeded();
  await camera.takes("Settings, what this device holds");
  await ann.isReadyForOffline();
  await page.goto("/photos");
  await gate.cut();
  await page.reload();
  await ann.seesStatus(/Offline/);
  await expect(gallery(page)).toBeVisible();
  await camera.takes("Photos, offline");
}

async function browsing(page: Page, camera: Camera): Promise<void> {
  await page.goto("/photos");
  await expect(page.locator("[data-place].is-loaded").first()).toBeVisible();
  await camera.takes("Photos, by day");
  await gallery(page).focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("x");
  await page.keyboard.press("Shift+ArrowRight");
  await camera.takes("Photos, some selected");
  await page.keyboard.press("Escape");
  for (const level of ["Months", "Years"]) {
    await page.getByRole("button", { name: level }).click();
    await camera.takes(`Photos, ${level.toLowerCase()}`);
  }
}

async function opened(page: Page, camera: Camera): Promise<void> {
  await page.goto("/photos");
  await photo(page, "IMG_0003").click();
  await expect(page.getByRole("dialog", { name: /IMG_0003/ })).toBeVisible();
  await expect(page.getByRole("img", { name: "IMG_0003.jpg" })).toBeVisible();
  await camera.takes("A photo, opened");
  await page.keyboard.press("i");
  await camera.takes("A photo's details");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog", { name: /IMG_0003/ })).toBeHidden();
}

async function found(page: Page, camera: Camera): Promise<void> {
  await page.goto("/photos?q=");
  await expect(page.getByRole("list", { name: "Years" })).toBeVisible();
  await camera.takes("Photo search, where to begin");
  await page.goto("/photos?q=may%202024");
  await expect(page.getByRole("grid", { name: "Photos found" })).toBeVisible();
  await expect(page.locator("[data-place].is-loaded").first()).toBeVisible();
  await camera.takes("Photo search, found");
  await page.goto("/photos?q=zebra");
  await expect(page.getByRole("heading", { name: "No photo found" })).toBeVisible();
  await camera.takes("Photo search, nothing found");
}

async function albums(page: Page, camera: Camera): Promise<void> {
  await page.goto("/photos/albums");
  await camera.takes("Albums, none");
  await page.goto("/photos");
  for (const [album, first] of [["Lake in autumn", "Home"], ["To print", "End"]] as const) {
    await gallery(page).focus();
    await page.keyboard.press(first);
    await page.keyboard.press("x");
    for (let more = 0; more < 4; more++) await page.keyboard.press(first === "Home" ? "Shift+ArrowRight" : "Shift+ArrowLeft");
    await page.keyboard.press("l");
    if (album === "To print") await camera.takes("Add to an album");
    await page.getByRole("button", { name: "New album" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill(album);
    await page.keyboard.press("Enter");
    await expect(page.locator(".toast", { hasText: album }).first()).toBeAttached();
    await page.keyboard.press("Escape");
  }
  await page.goto("/photos/albums");
  await expect(card(page, "Lake in autumn").locator("img")).toHaveJSProperty("complete", true);
  await camera.takes("Albums");
  await card(page, "Lake in autumn").click();
  await expect(page.getByRole("gridcell").first()).toBeVisible();
  await camera.takes("An album");
}

async function alike(page: Page, camera: Camera): Promise<void> {
  await page.goto("/photos/duplicates");
  await expect(page.getByRole("heading", { name: "No photo is here twice" })).toBeVisible();
  await camera.takes("Duplicates, none");
  await page.goto("/photos");
  const copies = (await photographs(page, 3)).map((picture, number) => {
    return { ...picture, name: `Copy ${number}.jpg`, buffer: Buffer.concat([picture.buffer, Buffer.from("later")]) };
  });
  await page.locator("#pick-files").setInputFiles(copies);
  const ready = async () => (await listed(page)).filter(({ status }) => status === "ready").length;
  await expect.poll(ready, { timeout: MINUTE_MS }).toBe(COUNT + copies.length);
  await page.goto("/photos/duplicates");
  await expect(page.getByRole("group", { name: "2 photos that look the same" }).first()).toBeVisible();
  await camera.takes("Duplicates, to review");
}

/** What was deleted, and what no preview can be made of. */
export async function deleted(page: Page, camera: Camera): Promise<void> {
  await page.goto("/photos/deleted");
  await expect(page.getByRole("heading", { name: "Nothing was deleted lately" })).toBeVisible();
  await camera.takes("Recently deleted photos, none");
  await page.goto("/photos");
  const damaged = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(4_000, 7)]);
  await page.locator("#pick-files").setInputFiles([{ name: "Damaged.png", mimeType: "image/png", buffer: damaged }]);
  await expect.poll(async () => (await listed(page)).some(({ status }) => status === "failed"), { timeout: MINUTE_MS }).toBe(true);
  await photo(page, "Damaged.png").click();
  await expect(page.getByText(/^There is no preview: /)).toBeVisible();
  await camera.takes("A photo without a preview");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog", { name: /Damaged/ })).toBeHidden();
  await gallery(page).focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("x");
  for (let more = 0; more < 6; more++) await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Delete");
  await page.goto("/photos/deleted");
  await expect(page.locator("[data-place].is-loaded").first()).toBeVisible();
  await camera.takes("Recently deleted photos");
  await page.getByRole("grid", { name: "Recently deleted" }).focus();
  await page.keyboard.press("x");
  await camera.takes("Recently deleted photos, one selected");
  await page.keyboard.press("Enter");
  // Of several photos of one time, any may be the first.
  await expect(page.getByRole("dialog")).toBeVisible();
  await camera.takes("A deleted photo, opened");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
}

async function imported(page: Page, camera: Camera): Promise<void> {
  await page.goto("/photos");
  const dialog = page.getByRole("dialog", { name: "Import photos" });
  const [one, two] = await photographs(page, 2);
  const year = "Takeout/Google Photos/Photos from 2019";
  const archive = zipped({
    "Takeout/archive_browser.html": "<!doctype html>",
    [`${year}/Harbour.jpg`]: Buffer.concat([one!.buffer, Buffer.from("other")]),
    [`${year}/Harbour.jpg.json`]: sidecar("Harbour.jpg", { at: "2024-05-20T09:00:00Z", favorited: true, place: [48.1, 11.5] }),
    [`${year}/Market.jpg`]: Buffer.concat([two!.buffer, Buffer.from("other")]),
    [`${year}/Lost.jpg.json`]: sidecar("Lost.jpg", { at: "2019-05-04T10:15:00Z" }),
  });
  await page.getByRole("button", { name: "Import photos" }).click();
  await expect(dialog.getByText("Google Takeout")).toBeVisible();
  await camera.takes("Import, where from");
  await page.locator("#import-archives").setInputFiles([{ name: "takeout-001.zip", mimeType: "application/zip", buffer: archive }]);
  await expect(dialog.getByText("Nothing is changed yet")).toBeVisible();
  await camera.takes("Import, what it would do");
  await dialog.getByRole("button", { name: /^Import \d/ }).click();
  await expect(dialog.getByRole("button", { name: "Done" })).toBeVisible({ timeout: MINUTE_MS });
  await camera.takes("Import, done");
  await dialog.getByRole("button", { name: "Done" }).click();
}
