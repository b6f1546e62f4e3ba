import { readFile } from "node:fs/promises";

import { type Locator, type Page, chromium, test } from "@playwright/test";

import { Client } from "../client.ts";
import { fill } from "../crowd.ts";
import { median, ms, percentile, print } from "../figures.ts";
import { began, notePaints, paintedAt } from "../painted.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

const ENTRIES = 50_000;
const SCROLLS = 120;
const SCROLL_PIXELS = 700;
const MINUTE_MS = 60_000;
/** What the main thread does in a frame; their thread time repeats from run to run without a GPU. */
const FRAME_WORK = new Set(["FunctionCall", "EventDispatch", "Layout", "UpdateLayoutTree", "Paint", "FireAnimationFrame"]);

test("a folder of 50,000 entries opens at once and scrolls smoothly", async ({}, info) => {
  test.setTimeout(10 * MINUTE_MS);
  const server = await Server.start();
  await Client.register(server, "ann");
  await fill(await Client.signIn(server, "ann"), ENTRIES);
  const browser = await chromium.launch(info.project.use.launchOptions);
  const ann = await Person.on(browser, server.url, { viewport: { width: 1280, height: 800 } });
  const { page } = ann;
  await page.goto("/sign-in");
  await notePaints(page);
  const pressed = Date.now();
  await ann.signInHere("ann");
  const first = (await paintedAt(page, "list", 5 * MINUTE_MS)) - pressed;
  await ann.seesStatus("Up to date", 5 * MINUTE_MS);
  const synced = Date.now() - pressed;
  await page.reload();
  const again = (await paintedAt(page, "list")) - (await began(page));
  await ann.seesStatus("Up to date");

  const settings = page.getByRole("banner").getByRole("link", { name: "Settings: ann" });
  const small = await scrolled(page, info.outputPath("few.json"), settings);
  const files = page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Files", exact: true });
  const frames = await scrolled(page, info.outputPath("many.json"), files.first());
  const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
  print(`A folder of ${ENTRIES} entries`, [
    ["from sign-in to the first entries", ms(first)],
    ["from sign-in to all of them in step", ms(synced)],
    ["loaded again, from the local store", ms(again)],
    ["nodes in the document", String(nodes)],
    ["the main thread's work in a frame while it scrolls, p50", ms(median(frames.frames)), "< 8 ms"],
    ["the same, p99", ms(percentile(frames.frames, 0.99)), "< 16 ms"],
    ["tasks over 50 ms while it scrolls", String(frames.longTasks), "0"],
    ["the same in a page that is not a list (bound), p50", ms(median(small.frames))],
  ]);
  await browser.close();
  await server.stop();
});

/** Turns the wheel over a page, and reads from a trace what each frame cost. */
async function scrolled(page: Page, trace: string, place: Locator): Promise<{ frames: number[]; longTasks: number }> {
  await place.click();
  await page.mouse.move(700, 500);
  const browser = page.context().browser()!;
  await browser.startTracing(page, { path: trace, categories: ["devtools.timeline", "disabled-by-default-devtools.timeline"] });
  for (let turn = 0; turn < SCROLLS; turn++) {
    await page.mouse.wheel(0, SCROLL_PIXELS);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  await browser.stopTracing();
  return frameCosts(JSON.parse(await readFile(trace, "utf8")).traceEvents);
}

type TraceEvent = { name: string; ph: string; ts: number; dur?: number; tdur?: number; pid: number; tid: number; args?: { name?: string } };

function frameCosts(events: TraceEvent[]): { frames: number[]; longTasks: number } {
  const frames: number[] = [];
  let cost = 0;
  const main = events.find((event) => event.name === "FireAnimationFrame");
  const mine = events.filter((event) => event.pid === main?.pid && event.tid === main?.tid).sort((a, b) => a.ts - b.ts);
  let until = 0;
  for (const event of mine) {
    if (event.name === "BeginCommitCompositorFrame") {
      // What a frame shows is handed over to be drawn.
      if (cost > 0) frames.push(cost / 1_000);
      cost = 0;
    } else if (FRAME_WORK.has(event.name) && event.ph === "X" && event.ts >= until) {
      // One inside another is counted with the outer.
      cost += event.tdur ?? 0;
      until = event.ts + (event.dur ?? 0);
    }
  }
  const tasks = mine.filter((event) => event.name === "RunTask" && (event.tdur ?? 0) > 50_000);
  return { frames, longTasks: tasks.length };
}
