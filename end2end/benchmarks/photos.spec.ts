import { type Browser, chromium, expect, test } from "@playwright/test";

import { median, ms, percentile, print } from "../figures.ts";
import { scrolled } from "../frames.ts";
import { NODES_MAX, PHOTOGRAPHER, nodes, onScrubber, reachesBothEnds, scrubTo, seeded } from "../large.ts";
import { MINUTE_MS } from "../library.ts";
import { began, notePaints, paintedAt } from "../painted.ts";
import { Person } from "../person.ts";
import type { Server } from "../server.ts";
import { rowsOf, traced } from "../tasks.ts";

/** How many photos the library has; `CLOUDSTEAD_PHOTOS` says otherwise. */
const PHOTOS = Number(process.env.CLOUDSTEAD_PHOTOS ?? 10_000);
const UPLOADED = Math.min(PHOTOS, 10_000);
/** 3,000 pixels a second, at 60 frames a second. */
const STEP_PIXELS = 50;
const STEPS = 300;
const SCRUBS = 20;

let browser: Browser;
let server: Server;

test.beforeAll(async ({}, { project }) => {
  test.setTimeout(40 * MINUTE_MS);
  browser = await chromium.launch(project.use.launchOptions);
  server = await seeded(PHOTOS, UPLOADED);
});

test.afterAll(async () => {
  await browser.close();
  await server.stop();
});

for (const deviceScaleFactor of [1, 2]) {
  test(`${PHOTOS} photos at device pixel ratio ${deviceScaleFactor}`, async ({}, info) => {
    test.setTimeout(20 * MINUTE_MS);
    const one = await Person.on(browser, server.url, { viewport: { width: 1440, height: 900 }, deviceScaleFactor });
    const { page } = one;
    await one.signIn(PHOTOGRAPHER);
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

    most = Math.max(most, await reachesBothEnds(page, PHOTOS));

    const scrubs: number[] = [];
    for (let scrub = 0; scrub < SCRUBS; scrub++) {
      // From place to place all over the library.
      const share = ((scrub * 7) % SCRUBS) / SCRUBS;
      scrubs.push(await scrubTo(page, ...(await onScrubber(page, share))));
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
