// Thumbnails that come before anybody looks at them.

import AxeBuilder from "@axe-core/playwright";
import { type Browser, type Page, expect, test } from "@playwright/test";

import { MINUTE_MS, fill, forms, gallery, heldForms, listed, photo, world } from "../library.ts";
import { Person } from "../person.ts";
import { photographs } from "../photographs.ts";

const here = world();
const COUNT = 60;
const OLDEST = `IMG_00${COUNT - 1}`;
/** Longer than what fetches ahead waits before it looks whether there is more. */
const A_WHILE_MS = 6_000;

/** A person with photos, on another device than the one they look at. */
async function withPhotos(browser: Browser): Promise<Person> {
  const desk = await Person.on(browser, here.server.url);
  await desk.register("ann");
  await fill(desk, COUNT);
  return desk;
}

/** A small device that never scrolled, so sharp that thumbnails look soft on it. */
async function aPhone(browser: Browser): Promise<Person> {
  const phone = await Person.on(browser, here.gate.url, { viewport: { width: 390, height: 600 }, deviceScaleFactor: 2 });
  await phone.signIn("ann");
  await phone.isReadyForOffline();
  await phone.page.goto("/photos");
  await expect(photo(phone.page, "IMG_0000")).toBeVisible();
  await expect.poll(async () => (await forms(phone.page)).preview.count).toBeGreaterThan(0);
  return phone;
}

const seesLibrary = (page: Page, words: string) =>
  expect(page.getByRole("region", { name: "Storage on this device" })).toContainText(words, { timeout: MINUTE_MS });

const thumbnailsOf = (addresses: string[]) => addresses.filter((address) => address.includes("/thumbnail?"));

test("the whole library is seen without the server, though only its beginning was looked at", async ({ browser }) => {
  test.setTimeout(6 * MINUTE_MS);
  const desk = await withPhotos(browser);
  const phone = await aPhone(browser);
  const { page } = phone;

  await test.step("thumbnails come by themselves, each once", async () => {
    await expect.poll(async () => (await forms(page)).library, { timeout: MINUTE_MS }).toEqual({ here: COUNT, all: COUNT, isFull: false });
    const { thumbnail, preview } = await forms(page);
    expect(thumbnail.count).toBe(COUNT);
    expect(preview.count).toBeGreaterThan(0);
    expect(preview.count).toBeLessThan(COUNT / 2);
    await page.reload();
    await page.waitForTimeout(A_WHILE_MS);
    const asked = thumbnailsOf(here.gate.asked);
    expect(asked.length).toBe(new Set(asked).size);
  });

  await test.step("the oldest photo is shown from here", async () => {
    await here.gate.cut();
    await page.reload();
    await phone.seesStatus(/Offline/);
    await gallery(page).focus();
    await page.keyboard.press("End");
    const oldest = photo(page, OLDEST).locator("img");
    const shown = () => oldest.evaluate((image: HTMLImageElement) => [image.naturalWidth > 0, image.currentSrc.includes("/thumbnail?")]);
    await expect.poll(shown).toEqual([true, true]);
  });

  await test.step("as large as the window it is the thumbnail until the server is back, which is said", async () => {
    await photo(page, OLDEST).click();
    const picture = page.getByRole("dialog", { name: /IMG_/ }).locator(".viewer-frame img");
    const shown = () => picture.evaluate((image: HTMLImageElement) => [image.naturalWidth > 0, image.currentSrc.includes("/thumbnail?")]);
    const word = page.getByText("This photo isn't on this device");
    await expect.poll(shown).toEqual([true, true]);
    await expect(word).toBeVisible();
    await here.gate.restore();
    await expect(word).toBeHidden({ timeout: MINUTE_MS });
    await expect.poll(shown).toEqual([true, false]);
    await page.goBack();
    await here.gate.cut();
    await page.goto("/settings");
    await seesLibrary(page, `Thumbnails on this device: ${COUNT} of ${COUNT}`);
    await here.gate.restore();
  });

  await test.step("where that is not wanted, only what comes into sight does", async () => {
    await phone.seesStatus("Up to date");
    await page.getByRole("radio", { name: "Of what is seen" }).check({ force: true });
    const [latest] = (await photographs(desk.page, COUNT + 1)).slice(COUNT);
    await desk.page.locator("#pick-files").setInputFiles([latest!]);
    await seesLibrary(page, `Thumbnails on this device: ${COUNT} of ${COUNT + 1}`);
    await page.waitForTimeout(A_WHILE_MS);
    expect((await forms(page)).thumbnail.count).toBe(COUNT);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations).toEqual([]);
    await page.getByRole("radio", { name: "Of all photos" }).check({ force: true });
    await seesLibrary(page, `Thumbnails on this device: ${COUNT + 1} of ${COUNT + 1}`);
  });
});

test("what comes ahead keeps to the budget, and what was looked at stays", async ({ browser }) => {
  test.setTimeout(6 * MINUTE_MS);
  const desk = await withPhotos(browser);
  const phone = await aPhone(browser);
  const { page } = phone;
  await expect.poll(async () => (await forms(page)).library?.here, { timeout: MINUTE_MS }).toBe(COUNT);
  // What stands near the screen was looked at, too.
  const seen = await page.locator("[data-place] img[src]").evaluateAll((all) => all.map((image) => image.getAttribute("src")!));
  const before = await forms(page);
  const lookedAt = before.preview.bytes + (before.thumbnail.bytes * seen.length) / COUNT;
  const budget = Math.floor(lookedAt + before.thumbnail.bytes / 3);
  await forms(page, { forms: "budget", bytes: budget });

  const keeps = async () => {
    const after = await forms(page);
    expect(after.thumbnail.bytes + after.preview.bytes + after.display.bytes).toBeLessThanOrEqual(budget);
    const held = await heldForms(page);
    for (const address of seen) expect(held).toContain(address);
    return thumbnailsOf(held).map((address) => address.split("/")[4]!);
  };
  const ids = (await listed(desk.page)).map(({ id }) => id);

  await test.step("the latest photos' thumbnails stay", async () => {
    const held = await keeps();
    expect(held.length).toBeLessThan(COUNT);
    expect(new Set(held)).toEqual(new Set(ids.slice(0, held.length)));
  });

  await test.step("nothing comes in place of what had to go", async () => {
    const asked = thumbnailsOf(here.gate.asked).length;
    await page.goto("/settings");
    await seesLibrary(page, "There is no space for more");
    await page.waitForTimeout(A_WHILE_MS);
    expect(thumbnailsOf(here.gate.asked).length).toBe(asked);
  });

  await test.step("a new photo takes the place of the oldest one", async () => {
    const former = await keeps();
    const newer = await photographs(desk.page, COUNT + 1, Date.UTC(2025, 0, 1));
    await desk.page.locator("#pick-files").setInputFiles([newer.at(-1)!]);
    const latest = async () => (await listed(desk.page))[0]!;
    await expect.poll(async () => (await latest()).takenAt.slice(0, 7), { timeout: MINUTE_MS }).toBe("2024-12");
    const { id } = await latest();
    await expect.poll(keeps, { timeout: MINUTE_MS }).toContain(id);
    expect((await keeps()).length).toBeLessThanOrEqual(former.length + 1);
  });

  await test.step("with more space the rest comes", async () => {
    await page.getByRole("radio", { name: "2 GB" }).check({ force: true });
    await seesLibrary(page, `Thumbnails on this device: ${COUNT + 1} of ${COUNT + 1}`);
  });
});

test("what a worker left undone when it was ended is counted by the next one", async ({ browser }) => {
  test.setTimeout(3 * MINUTE_MS);
  const ann = await Person.on(browser, here.gate.url);
  await ann.register("ann");
  const { page } = ann;
  await ann.isReadyForOffline();
  await page.reload();
  await forms(page);
  const bytes = 1_000;
  const address = (n: number) => `/api/v1/photos/00000000-0000-7000-8000-00000000000${n}/thumbnail?v=0123456789abcdef`;

  await test.step("a form that was put, and one that was not", async () => {
    await page.evaluate(
      async ([put, missing, bytes]) => {
        await (await caches.open("forms")).put(put, new Response(new Uint8Array(bytes)));
        const notes = await new Promise<IDBDatabase>((opened) => {
          const opening = indexedDB.open("photo-forms");
          opening.onsuccess = () => opened(opening.result);
        });
        const writing = notes.transaction(["held", "chosen"], "readwrite");
        for (const path of [put, missing]) {
          const form = { address: new URL(path, location.origin).href, id: path.split("/")[4], kind: "thumbnail" };
          writing.objectStore("held").put({ ...form, bytes, used: Date.now(), group: "small", coming: 1 });
        }
        const names = ["thumbnail", "small", "preview", "display", "ahead", "large", "kept"];
        const sums = names.map((name, at) => [name, at < 2 ? { count: 2, bytes: 2 * bytes } : { count: 0, bytes: 0 }]);
        writing.objectStore("chosen").put(Object.fromEntries(sums), "sums");
        await new Promise((done) => (writing.oncomplete = done));
        notes.close();
      },
      [address(1), address(2), bytes] as const,
    );
    expect((await forms(page)).thumbnail).toEqual({ count: 2, bytes: 2 * bytes });
    const devtools = await ann.context.newCDPSession(page);
    await devtools.send("ServiceWorker.enable");
    await devtools.send("ServiceWorker.stopAllWorkers");
    await expect.poll(async () => (await forms(page)).thumbnail).toEqual({ count: 1, bytes });
  });

  await test.step("a form that nothing is known of, once it is looked at", async () => {
    const shown = await page.evaluate(
      async ([address, bytes]) => {
        await (await caches.open("forms")).put(address, new Response(new Uint8Array(bytes)));
        return (await fetch(address)).status;
      },
      [address(3), bytes] as const,
    );
    expect(shown).toBe(200);
    await expect.poll(async () => (await forms(page)).thumbnail).toEqual({ count: 2, bytes: 2 * bytes });
  });
});
