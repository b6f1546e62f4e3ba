// One photo as large as the window: what of it is loaded, how one gets about in it and on to the next.

import { readFile } from "node:fs/promises";

import { type Locator, type Page, expect, test } from "@playwright/test";

import { Client, changeOf } from "../client.ts";
import { MINUTE_MS, gallery, listed, photo, viewer, world } from "../library.ts";
import { Person } from "../person.ts";
import { LATEST, type Photograph, photographs } from "../photographs.ts";
import { clip } from "../specimens.ts";

const here = world();
const HOUR_MS = 3_600_000;
/** As large as a preview; a large photo seen nearer needs more. */
const WINDOW = { width: 1000, height: 700 };
const LARGE: [number, number] = [3_000, 2_400];
const PLACE = { latitude: 48.137, longitude: 11.576 };
const FILM_SECONDS = 6;
/** For how long a slideshow shows what is no film. */
const SLIDE_MS = 4_000;
/** What clocks and a busy machine may make of it. */
const ABOUT_MS = 300;

/** The latest is large; of six small ones one is a Live Photo; a film comes before the last of them. */
async function aLibrary(desk: Person): Promise<Photograph[]> {
  const { page } = desk;
  await desk.register("ann");
  await page.goto("/photos");
  const [large] = await photographs(page, 1, LATEST + 24 * HOUR_MS, [LARGE]);
  const small = await photographs(page, 6);
  const films = [
    await clip("Sea.mp4", new Date(LATEST - 32 * HOUR_MS), FILM_SECONDS),
    await clip("IMG_0003.mp4", new Date(LATEST - 21 * HOUR_MS), 2),
  ].map(({ name, mimeType, bytes }) => ({ name, mimeType, buffer: Buffer.from(bytes) }));
  const files = [{ ...large!, name: "Large.jpg" }, ...small, ...films];
  await page.locator("#pick-files").setInputFiles(files);
  const ready = async () => (await listed(page)).filter(({ status }) => status === "ready").map(({ fileName }) => fileName);
  const inOrder = ["Large.jpg", ...[0, 1, 2, 3, 4].map((n) => `IMG_000${n}.jpg`), "Sea.mp4", "IMG_0005.jpg"];
  await expect.poll(ready, { timeout: 2 * MINUTE_MS }).toEqual(inOrder);
  await desk.seesStatus("Up to date");
  const client = await Client.signIn(here.server, "ann");
  const item = (await client.items()).find(({ name }) => name === "Large.jpg")!;
  expect((await client.push([changeOf(item, "photo", { location: PLACE })])).status).toBe(200);
  return files;
}

type View = { scale: number; x: number; y: number };

/** How near the open photo is, and how far it was moved from the middle. */
const view = (page: Page): Promise<View> =>
  page.locator(".viewer-frame").evaluate((frame) => {
    const { a, e, f } = new DOMMatrix(getComputedStyle(frame).transform);
    // Not -0.
    return { scale: a, x: e + 0, y: f + 0 };
  });

const picture = (page: Page, name: string): Locator => viewer(page).getByRole("img", { name: `${name}.jpg` });
const isPlaying = (film: Locator) =>
  expect.poll(() => film.evaluate((film: HTMLVideoElement) => !film.paused && film.currentTime > 0.1)).toBe(true);
/** A Live Photo is seen to move: what is short may be over before anybody asks. */
const moves = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<void>((seen) => {
        const look = ({ target }: Event) => {
          const film = target as HTMLVideoElement;
          if (film.matches(".photo-moving, .is-moving") && film.currentTime > 0.1) seen();
        };
        document.addEventListener("timeupdate", look, { capture: true });
      }),
  );
const middle = async (photo: Locator) => {
  const { x, y, width, height } = (await photo.boundingBox())!;
  return { x: x + width / 2, y: y + height / 2 };
};

test("a photo is opened, looked at from near, turned, played, marked, deleted and downloaded", async ({ browser }) => {
  test.setTimeout(6 * MINUTE_MS);
  const desk = await Person.on(browser, here.server.url);
  const files = await aLibrary(desk);
  // Another device, which has no originals.
  const ann = await Person.on(browser, here.gate.url, { viewport: WINDOW });
  const { page } = ann;
  const requested: string[] = [];
  page.on("request", (request) => requested.push(request.url()));
  await ann.signIn("ann");
  await ann.isReadyForOffline();
  await page.goto("/photos");
  await expect(page.locator("[data-place].is-loaded")).toHaveCount(8);
  const ids = new Map((await listed(page)).map(({ fileName, id }) => [fileName, id]));
  const asked = (name: string, kind: string) => here.gate.asked.filter((it) => it.includes(`/${ids.get(name)}/${kind}?`)).length;
  const opens = async (name: string) => {
    await photo(page, name).click();
    await expect(viewer(page, name)).toBeVisible();
  };
  const isGrown = () => page.locator(".viewer-stage").evaluate((stage) => stage.getAnimations().length === 0);
  const closes = async () => {
    await page.keyboard.press("Escape");
    await expect(viewer(page)).toBeHidden();
    await expect(gallery(page)).toBeFocused();
  };

  await test.step("it grows out of its tile, and returns to where that is", async () => {
    await page.evaluate(() => {
      const seen: string[] = [];
      Object.assign(window, { seen });
      document.addEventListener("animationstart", ({ animationName }) => seen.push(animationName), true);
      const note = ({ target, propertyName }: TransitionEvent) => seen.push(`${(target as Element).className} ${propertyName}`);
      document.addEventListener("transitionrun", note, true);
    });
    const tile = (await photo(page, "IMG_0001").boundingBox())!;
    const from = { x: tile.x + tile.width / 2 - WINDOW.width / 2, y: tile.y + tile.height / 2 - WINDOW.height / 2 };
    const scale = Math.max(tile.width / WINDOW.width, tile.height / WINDOW.height);
    const way = () =>
      viewer(page).evaluate(({ style }) => ["x", "y", "scale"].map((name) => Number.parseFloat(style.getPropertyValue(`--from-${name}`))));
    await opens("IMG_0001");
    const [x, y, size] = await way();
    expect([x! - from.x, y! - from.y, size! - scale].every((off) => Math.abs(off) < 1.5)).toBe(true);
    await expect(picture(page, "IMG_0001")).toBeVisible();
    await expect.poll(isGrown).toBe(true);
    await closes();
    const seen = await page.evaluate(() => (window as unknown as { seen: string[] }).seen);
    expect(seen).toEqual(expect.arrayContaining(["viewer-grow", "viewer-stage transform"]));
  });

  await test.step("its neighbours are here before one turns to them", async () => {
    await opens("IMG_0001");
    const neighbours = ["IMG_0000.jpg", "IMG_0002.jpg"];
    await expect.poll(() => neighbours.map((name) => asked(name, "display"))).toEqual([1, 1]);
    expect(asked("IMG_0003.jpg", "display")).toBe(0);
    await page.keyboard.press("ArrowRight");
    await expect(viewer(page, "IMG_0002")).toBeVisible();
    await expect(picture(page, "IMG_0002")).toHaveJSProperty("naturalWidth", 500);
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await expect(viewer(page, "IMG_0000")).toBeVisible();
    expect(neighbours.map((name) => asked(name, "display"))).toEqual([1, 1]);
    await closes();
  });

  await test.step("the keyboard goes on where a button was that is no more", async () => {
    await opens("IMG_0004");
    for (const _ of [1, 2]) await viewer(page).getByRole("button", { name: "Next" }).click();
    await expect(viewer(page, "IMG_0005")).toBeVisible();
    await expect(viewer(page).getByRole("button", { name: "Next" })).toBeHidden();
    await page.keyboard.press("ArrowLeft");
    await expect(viewer(page, "Sea")).toBeVisible();
    await isPlaying(viewer(page).locator("video"));
    await closes();
  });

  await test.step("from near it is loaded larger, as far as that shows more", async () => {
    await opens("Large");
    const large = picture(page, "Large");
    await expect(large).toHaveAttribute("src", /\/preview\?/);
    await expect(large).toHaveJSProperty("naturalWidth", 1_024);
    // Before, no point of the window has one of the photo.
    await expect.poll(isGrown).toBe(true);
    const whole = await view(page);
    expect(whole).toEqual({ scale: 1, x: 0, y: 0 });
    expect(asked("Large.jpg", "display")).toBe(0);
    await page.mouse.move(WINDOW.width / 2 + 100, WINDOW.height / 2 - 50);
    await page.mouse.wheel(0, -240);
    await expect.poll(async () => (await view(page)).scale).toBeCloseTo(Math.exp(0.48), 2);
    const { scale, x, y } = await view(page);
    expect([x, y].map(Math.round), "what is under the pointer stays there").toEqual([100, -50].map((at) => Math.round(at - at * scale)));
    await expect(large).toHaveAttribute("src", /\/display\?/);
    await expect(large).toHaveJSProperty("naturalWidth", 2_048);
    await page.mouse.wheel(0, -240);
    await expect(large).not.toHaveAttribute("src", /\/photos\//);
    await expect(large).toHaveJSProperty("naturalWidth", LARGE[0]);
    await page.mouse.dblclick(WINDOW.width / 2, WINDOW.height / 2);
    await expect.poll(() => view(page)).toEqual(whole);
  });

  await test.step("a double click comes near, and what is moved stays in the window", async () => {
    await page.mouse.dblclick(WINDOW.width / 2, WINDOW.height / 2);
    await expect.poll(async () => (await view(page)).scale).toBe(2.5);
    const corners = [{ x: 100, y: 150 }, { x: 980, y: 680 }];
    for (const side of [1, -1]) {
      const [from, to] = side > 0 ? corners : corners.toReversed();
      for (const _ of [1, 2]) {
        await page.mouse.move(from!.x, from!.y);
        await page.mouse.down();
        await page.mouse.move(to!.x, to!.y, { steps: 3 });
        await page.mouse.up();
      }
      // 875 × 700 px where it fits: the edges of both are one.
      const { x, y } = await view(page);
      expect([x * side, y * side]).toEqual([(875 * 2.5 - 1_000) / 2, (700 * 2.5 - 700) / 2]);
    }
    await closes();
  });

  await test.step("the controls go after two seconds, and come with the mouse", async () => {
    await opens("IMG_0000");
    const head = page.locator(".viewer-head");
    await page.evaluate(() => {
      const dialog = document.querySelector("dialog.viewer")!;
      const idle = new Promise<number>((done) => {
        const began = () => {
          const since = performance.now();
          new MutationObserver((_, observer) => {
            if (!dialog.classList.contains("is-idle")) return;
            observer.disconnect();
            done(performance.now() - since);
          }).observe(dialog, { attributeFilter: ["class"] });
        };
        dialog.addEventListener("pointermove", began, { once: true });
      });
      Object.assign(window, { idle });
    });
    await page.mouse.move(520, 360);
    await expect(head).toHaveCSS("opacity", "1");
    const took = await page.evaluate(() => (window as unknown as { idle: Promise<number> }).idle);
    expect(took).toBeGreaterThan(2_000 - ABOUT_MS);
    expect(took).toBeLessThan(2_000 + 3 * ABOUT_MS);
    await expect(head).toHaveCSS("opacity", "0");
    await page.mouse.move(500, 350);
    await expect(head).toHaveCSS("opacity", "1");
  });

  await test.step("it is a favourite, is deleted and brought back where it was", async () => {
    await page.keyboard.press("f");
    await expect(viewer(page).getByRole("button", { name: "Favorite" })).toHaveAttribute("aria-pressed", "true");
    await expect(viewer(page).locator(".toast", { hasText: "1 photo added to your favorites" })).toBeVisible();
    await viewer(page).getByRole("button", { name: "Delete" }).click();
    await expect(viewer(page, "IMG_0001")).toBeVisible();
    await expect.poll(async () => (await listed(page)).length).toBe(7);
    await viewer(page).getByRole("button", { name: "Undo" }).last().click();
    await expect(page.locator('[data-place="1"][aria-label*="IMG_0000"]')).toBeAttached();
    await page.keyboard.press("ArrowLeft");
    await expect(viewer(page, "IMG_0000")).toBeVisible();
    await expect(viewer(page).getByRole("button", { name: "Favorite" })).toHaveAttribute("aria-pressed", "true");
  });

  await test.step("what is downloaded is the original", async () => {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      viewer(page).getByRole("button", { name: "Download" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("IMG_0000.jpg");
    const { buffer } = files.find(({ name }) => name === "IMG_0000.jpg")!;
    expect(buffer.equals(await readFile(await download.path()))).toBe(true);
    await closes();
  });

  await test.step("a Live Photo moves under the mouse, in its tile and open", async () => {
    const moved = moves(page);
    await photo(page, "Live Photo.*IMG_0003").hover();
    // Before it begins, and still under the mouse.
    await page.mouse.wheel(0, -20);
    await moved;
    await photo(page, "IMG_0001").hover();
    await expect(page.locator(".photo-moving")).toHaveCount(0);
    await opens("IMG_0003");
    const button = viewer(page).getByRole("button", { name: "Play the Live Photo" });
    const moving = viewer(page).locator("video.is-moving");
    const movedOpen = moves(page);
    await button.hover();
    await movedOpen;
    await page.mouse.move(500, 350);
    await expect(moving).toHaveCount(0);
    await closes();
  });

  await test.step("a slideshow goes on by itself, shows films to their end, and ends with the last photo", async () => {
    await opens("IMG_0004");
    const button = viewer(page).getByRole("button", { name: "Slideshow" });
    const began = Date.now();
    await button.click();
    await expect(button).toHaveAttribute("aria-pressed", "true");
    await expect(viewer(page, "Sea")).toBeVisible();
    expect(Date.now() - began).toBeGreaterThan(SLIDE_MS - ABOUT_MS);
    await expect(viewer(page, "IMG_0005")).toBeVisible();
    expect(Date.now() - began).toBeGreaterThan(SLIDE_MS + FILM_SECONDS * 1_000 - 2 * ABOUT_MS);
    await expect(button).toHaveAttribute("aria-pressed", "false");
    await closes();
  });

  await test.step("its details have the place on a map that is here, and nothing was asked of anybody else", async () => {
    await here.gate.cut();
    await ann.seesStatus(/Offline/);
    await opens("Large");
    await page.keyboard.press("i");
    const details = viewer(page).getByRole("complementary", { name: "Details" });
    await expect(details.getByText("Munich, Bavaria, Germany")).toBeVisible();
    await expect(details.getByText("3000 × 2400", { exact: false })).toBeVisible();
    const map = details.getByRole("img", { name: /Map of the world around 48\.13700° N/ });
    await expect.poll(() => map.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
    const foreign = requested.filter((url) => !url.startsWith(here.gate.url) && !/^(blob|data):/.test(url));
    expect(foreign).toEqual([]);
    await closes();
    await here.gate.restore();
  });

  await test.step("a finger turns, comes near, moves, plays and closes, and finds the photos at the edge", async () => {
    const phone = await Person.on(browser, here.server.url, { viewport: { width: 390, height: 844 }, hasTouch: true });
    await phone.signIn("ann");
    await byFinger(phone);
  });
});

async function byFinger(phone: Person): Promise<void> {
  const { page } = phone;
  await page.goto("/photos");
  await expect(page.locator("[data-place].is-loaded")).toHaveCount(8);
  const touch = await phone.fingers();
  const drawn = async (...ways: [number, number][][]) => {
    const at = (step: number) => ways.map((way) => ({ x: way[step]![0], y: way[step]![1] }));
    await touch("touchStart", ...at(0));
    for (let step = 1; step < ways[0]!.length; step++) await touch("touchMove", ...at(step));
    await touch("touchEnd");
  };
  const left: [number, number][] = [[300, 400], [200, 404], [100, 404]];

  // Where the dates along the edge are, which are not seen.
  const edge = await photo(page, "Sea").boundingBox();
  expect(edge).not.toBeNull();
  const last = page.locator("[data-place]").filter({ visible: true });
  const right = await last.evaluateAll((tiles) => {
    const ends = tiles.map((tile) => tile.getBoundingClientRect()).filter(({ right }) => right > innerWidth - 30);
    const { right: x, top, height } = ends.at(-1)!;
    return { x: x - 15, y: top + height / 2 };
  });
  await page.touchscreen.tap(right.x, right.y);
  await expect(viewer(page)).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(viewer(page)).toBeHidden();

  const of = await middle(photo(page, "IMG_0003"));
  await page.touchscreen.tap(of.x, of.y);
  await expect(viewer(page, "IMG_0003")).toBeVisible();
  const moving = viewer(page).locator("video.is-moving");
  const moved = moves(page);
  await touch("touchStart", { x: 195, y: 420 });
  await moved;
  await touch("touchEnd");
  await expect(moving).toHaveCount(0);
  await drawn(left);
  await expect(viewer(page, "IMG_0004")).toBeVisible();
  await drawn(left);
  await expect(viewer(page, "Sea")).toBeVisible();
  await drawn(left);
  await expect(viewer(page, "IMG_0005")).toBeVisible();

  // 390 px wide where it fits, and so it is until it was enlarged.
  await drawn([[150, 420], [120, 420], [100, 420]], [[240, 420], [270, 420], [280, 420]]);
  const { scale } = await view(page);
  expect(scale).toBeCloseTo(2, 5);
  await expect(viewer(page, "IMG_0005"), "what two fingers do is no swipe").toBeVisible();
  for (const _ of [1, 2]) await drawn([[40, 420], [200, 420], [380, 420]]);
  expect((await view(page)).x).toBe(195);
  await drawn([[100, 420], [150, 420], [180, 420]], [[290, 420], [240, 420], [200, 420]]);
  await expect.poll(() => view(page)).toEqual({ scale: 1, x: 0, y: 0 });
  await touch("touchStart", { x: 195, y: 300 });
  await touch("touchMove", { x: 197, y: 380 });
  expect(await view(page)).toEqual({ scale: 1, x: 0, y: 80 });
  await touch("touchMove", { x: 197, y: 460 });
  await touch("touchEnd");
  await expect(viewer(page)).toBeHidden();
}
