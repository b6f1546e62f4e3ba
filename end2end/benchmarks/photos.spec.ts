import { execFile } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { type Browser, type Page, chromium, expect, test } from "@playwright/test";

import { median, ms, percentile, print } from "../figures.ts";
import { scrolled } from "../frames.ts";
import { began, notePaints, paintedAt } from "../painted.ts";
import { Person } from "../person.ts";
import { EXECUTABLE, SITE, Server } from "../server.ts";
import { rowsOf, traced } from "../tasks.ts";

/** How many photos the library has; `CLOUDSTEAD_PHOTOS` says otherwise. */
const PHOTOS = Number(process.env.CLOUDSTEAD_PHOTOS ?? 10_000);
const UPLOADED = Math.min(PHOTOS, 1_000);
const MINUTE_MS = 60_000;
const NODES_MAX = 400;
/** 3,000 pixels a second, at 60 frames a second. */
const STEP_PIXELS = 50;
const STEPS = 300;
const SCRUBS = 20;

let browser: Browser;
let server: Server;

test.beforeAll(async ({}, { project }) => {
  test.setTimeout(20 * MINUTE_MS);
  const folder = await mkdtemp(join(tmpdir(), "cloudstead-photos-"));
  const bench = process.env.CLOUDSTEAD_BENCH ?? join(import.meta.dirname, "../../target/release/bench");
  const size = ["--photos", String(PHOTOS), "--uploaded", String(UPLOADED)];
  await promisify(execFile)(bench, ["seed", "--server", EXECUTABLE, "--site", SITE, "--data", join(folder, "data"), ...size]);
  browser = await chromium.launch(project.use.launchOptions);
  server = await Server.start({ folder });
});

test.afterAll(async () => {
  await browser.close();
  await server.stop();
});

const nodes = (page: Page) => page.locator("[data-place]").count();
const places = (page: Page) =>
  page.locator("[data-place]").evaluateAll((all) => all.map((tile) => Number(tile.getAttribute("data-place"))));

for (const deviceScaleFactor of [1, 2]) {
  test(`${PHOTOS} photos at device pixel ratio ${deviceScaleFactor}`, async ({}, info) => {
    test.setTimeout(20 * MINUTE_MS);
    const one = await Person.on(browser, server.url, { viewport: { width: 1440, height: 900 }, deviceScaleFactor });
    const { page } = one;
    await one.signIn("photographer");
    await one.seesStatus("Up to date", 10 * MINUTE_MS);
    await notePaints(page);
    await page.goto("/photos");
    const waiting = () =>
      page.evaluate(() => window.awaitPainted("photo", () => document.querySelector("[data-place].is-loaded") !== null));
    await waiting();
    const cold = (await paintedAt(page, "photo")) - (await began(page));

    const rest = await traced(page, info.outputPath("rest.json"), async () => {
      await page.waitForTimeout(2_000);
    });
    await page.mouse.move(700, 500);
    let most = await nodes(page);
    const slow = await scrolled(page, info.outputPath("scrolled.json"), STEPS, STEP_PIXELS);
    most = Math.max(most, await nodes(page));

    const grid = page.getByRole("grid", { name: "Library" });
    const scrubber = page.getByRole("slider", { name: "Date" });
    await grid.focus();
    await page.keyboard.press("End");
    await expect.poll(async () => Math.max(...(await places(page)))).toBe(PHOTOS - 1);
    await expect(page.locator(`[data-place="${PHOTOS - 1}"].is-loaded`)).toBeVisible({ timeout: MINUTE_MS });
    most = Math.max(most, await nodes(page));
    const last = await page.evaluate(() => {
      const tile = [...document.querySelectorAll("[data-place]")].at(-1)!.getBoundingClientRect();
      return tile.bottom <= innerHeight + 1;
    });
    expect(last).toBe(true);
    await page.keyboard.press("Home");
    await expect.poll(async () => Math.min(...(await places(page)))).toBe(0);
    await expect(page.locator('[data-place="0"].is-loaded')).toBeVisible({ timeout: MINUTE_MS });

    const scrubs: number[] = [];
    const box = (await scrubber.boundingBox())!;
    for (let scrub = 0; scrub < SCRUBS; scrub++) {
      // From place to place all over the library.
      const share = ((scrub * 7) % SCRUBS) / SCRUBS;
      scrubs.push(await scrubTo(page, box.x + box.width / 2, box.y + 2 + share * (box.height - 4)));
      most = Math.max(most, await nodes(page));
    }
    expect(most).toBeLessThanOrEqual(NODES_MAX);
    print(`${PHOTOS} photos, device pixel ratio ${deviceScaleFactor}`, [
      ["from the address to the first picture", ms(cold), PHOTOS >= 1_000_000 ? "≤ 1500 ms" : undefined],
      ...rowsOf("two seconds after opening", rest),
      ["photos in the document at most", String(most), `≤ ${NODES_MAX}`],
      ["the main thread's work in a frame at 3,000 px/s, p50", ms(median(slow.frames)), "≤ 4 ms"],
      ["the same, p99", ms(percentile(slow.frames, 0.99))],
      ["tasks over 50 ms meanwhile", String(slow.longTasks), "0"],
      ["from a date on the scrubber to its day's photos in place, p50", ms(median(scrubs)), "≤ 100 ms"],
      ["the same, the slowest of 20", ms(Math.max(...scrubs)), "≤ 100 ms"],
    ].map((row) => row.filter((figure) => figure !== undefined)) as [string, string, string?][]);
    await one.context.close();
  });
}

/** Presses the scrubber; answers after how long the day that it names stood at the top, in milliseconds. */
async function scrubTo(page: Page, x: number, y: number): Promise<number> {
  await page.evaluate(() => {
    const track = document.querySelector(".scrubber")!;
    const seen = window as unknown as { scrubbed: Promise<number> };
    seen.scrubbed = new Promise((done) => {
      track.addEventListener(
        "pointerdown",
        () => {
          const began = performance.now();
          const look = () => {
            const day = document.querySelector(".scrubber-date")!.textContent!;
            const sticky = document.querySelector(".gallery-sticky")!.textContent!;
            const grid = document.querySelector("[role=grid]")!.getBoundingClientRect();
            const tiles = [...document.querySelectorAll("[data-place]")];
            const placed = tiles.some((tile) => {
              const { top, bottom } = tile.getBoundingClientRect();
              return top < grid.top + 200 && bottom > grid.top + 44;
            });
            if (day === sticky && placed) done(performance.now() - began);
            else requestAnimationFrame(look);
          };
          requestAnimationFrame(look);
        },
        { once: true, capture: true },
      );
    });
  });
  await page.mouse.move(x, y);
  await page.mouse.down();
  const took = await page.evaluate(() => (window as unknown as { scrubbed: Promise<number> }).scrubbed);
  await page.mouse.up();
  return took;
}
