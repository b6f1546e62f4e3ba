import { type Browser, type Page, chromium, expect, test } from "@playwright/test";

import { median, ms, percentile, print } from "../figures.ts";
import { scrolled } from "../frames.ts";
import { NODES_MAX, PHOTOGRAPHER, nodes, onScrubber, reachesBothEnds, scrubTo, seeded } from "../large.ts";
import { MINUTE_MS } from "../library.ts";
import { began, notePaints, paintedAt } from "../painted.ts";
import { Person } from "../person.ts";
import type { Server } from "../server.ts";
import { Heap, mib, rowsOf, traced } from "../tasks.ts";

/** Really sent; further ones show their pictures. */
const UPLOADED = 10_000;
type Library = { photos: number; days?: number };
/** `CLOUDSTEAD_PHOTOS` asks for one of so many photos instead. */
const LIBRARIES: Library[] = process.env.CLOUDSTEAD_PHOTOS
  ? [{ photos: Number(process.env.CLOUDSTEAD_PHOTOS) }]
  : [{ photos: 10_000 }, { photos: 100_000 }, { photos: 100_000, days: 1 }, { photos: 1_000_000 }];
/** 3,000 pixels a second, at 60 frames a second. */
const STEP_PIXELS = 50;
const STEPS = 300;
const SCRUBS = 20;
const SCROLLED_MINUTES = 10;
const SCREEN_PIXELS = 700;

for (const { photos, days } of LIBRARIES) {
  const name = `${photos} photos${days === undefined ? "" : ` of ${days} day`}`;
  test.describe(name, () => {
    let browser: Browser;
    let server: Server;

    test.beforeAll(async ({}, { project }) => {
      test.setTimeout(40 * MINUTE_MS);
      browser = await chromium.launch(project.use.launchOptions);
      server = await seeded(photos, Math.min(photos, UPLOADED), days);
    });

    test.afterAll(async () => {
      await browser.close();
      await server.stop();
    });

    for (const deviceScaleFactor of [1, 2]) {
      test(`${name} at device pixel ratio ${deviceScaleFactor}`, async ({}, info) => {
        test.setTimeout(20 * MINUTE_MS);
        const folder = info.outputPath("profile");
        const options = { ...info.project.use.launchOptions, baseURL: server.url, viewport: { width: 1440, height: 900 }, deviceScaleFactor };
        const before = Person.at((await chromium.launchPersistentContext(folder, options)).pages()[0]!);
        await before.signIn(PHOTOGRAPHER);
        await before.seesStatus("Up to date", 10 * MINUTE_MS);
        // In a browser that starts anew: in the same one it also takes down the page before, whose hundreds of MiB go in
        // a task that no page can cut up.
        await before.context.close();
        const page = (await chromium.launchPersistentContext(folder, options)).pages()[0]!;
        const one = Person.at(page);
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

        most = Math.max(most, await reachesBothEnds(page, photos));

        const scrubs: number[] = [];
        for (let scrub = 0; scrub < SCRUBS; scrub++) {
          // From place to place all over the library.
          const share = ((scrub * 7) % SCRUBS) / SCRUBS;
          scrubs.push(await scrubTo(page, ...(await onScrubber(page, share))));
          most = Math.max(most, await nodes(page));
        }
        expect(most).toBeLessThanOrEqual(NODES_MAX);
        // What was looked at so far was so while the browser read what it holds of the account.
        await one.seesStatus("Up to date", MINUTE_MS);
        await page.mouse.move(700, 500);
        const calm = await scrolled(page, info.outputPath("scrolled-again.json"), STEPS, -STEP_PIXELS);
        print(`${name}, device pixel ratio ${deviceScaleFactor}`, [
          ["from the address to the first picture", ms(cold), photos >= 1_000_000 ? "≤ 1500 ms" : undefined],
          ...rowsOf("two seconds after opening", rest),
          ["photos in the document at most", String(most), `≤ ${NODES_MAX}`],
          ["the main thread's work in a frame at 3,000 px/s, p50", ms(median(calm.frames)), "≤ 4 ms"],
          ["the same, p99", ms(percentile(calm.frames, 0.99))],
          ["the same right after opening, while all of the account is read, p50", ms(median(slow.frames))],
          ["the same, p99", ms(percentile(slow.frames, 0.99))],
          ["tasks over 50 ms meanwhile, both times", String(slow.longTasks + calm.longTasks), "0"],
          ["from a date on the scrubber to its day's photos in place, p50", ms(median(scrubs)), "≤ 100 ms"],
          ["the same, the slowest of 20", ms(Math.max(...scrubs)), "≤ 100 ms"],
        ].map((row) => row.filter((figure) => figure !== undefined)) as [string, string, string?][]);
        await one.context.close();
      });
    }

    if (photos === Math.max(...LIBRARIES.map((library) => library.photos))) {
      test(`${name}, looked at for ten minutes`, async () => {
        test.setTimeout(30 * MINUTE_MS);
        const one = await Person.on(browser, server.url, { viewport: { width: 1440, height: 900 } });
        const { page } = one;
        const heap = await Heap.of(page);
        await one.signIn(PHOTOGRAPHER);
        await one.seesStatus("Up to date", 10 * MINUTE_MS);
        await page.goto("/photos");
        await expect(page.locator("[data-place].is-loaded").first()).toBeVisible({ timeout: MINUTE_MS });
        // What the browser holds of the account is read by then.
        await one.seesStatus("Up to date", MINUTE_MS);
        const rows: [string, string, string?][] = [];
        let [first, most] = [0, 0];
        for (let minute = 1; minute <= SCROLLED_MINUTES; minute++) {
          most = Math.max(most, await lookedAround(page, minute));
          const { script, wasm } = await heap.settled();
          if (minute === 1) first = script + wasm;
          rows.push([`after ${minute} min: script and WebAssembly, without garbage`, mib(script + wasm)]);
          if (minute === SCROLLED_MINUTES) rows.push(["the last against the first", ((script + wasm) / first).toFixed(2), "flat"]);
        }
        expect(most).toBeLessThanOrEqual(NODES_MAX);
        print(`${name}, looked at for ${SCROLLED_MINUTES} minutes`, rows);
        await one.context.close();
      });
    }
  });
}

/** A minute of scrolling down and up, with leaps by the scrubber and a photo opened now and then. */
async function lookedAround(page: Page, minute: number): Promise<number> {
  const until = Date.now() + MINUTE_MS;
  let most = 0;
  for (let turn = 0; Date.now() < until; turn++) {
    await scrubTo(page, ...(await onScrubber(page, ((minute * 7 + turn * 3) % 19) / 19)));
    await page.mouse.move(700, 500);
    for (let step = 0; step < 60; step++) {
      await page.mouse.wheel(0, step % 3 === 2 ? -SCREEN_PIXELS : SCREEN_PIXELS);
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
    most = Math.max(most, await nodes(page));
    await page.locator("[data-place].is-loaded").first().click();
    await expect(page.getByRole("dialog")).toBeVisible();
    for (let next = 0; next < 5; next++) await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toBeHidden();
  }
  return most;
}
