// What each frame cost the main thread, read from a trace: thread time repeats from run to run without a GPU.

import { readFile } from "node:fs/promises";

import type { Page } from "@playwright/test";

/** What the main thread does in a frame. */
const FRAME_WORK = new Set(["FunctionCall", "EventDispatch", "Layout", "UpdateLayoutTree", "Paint", "FireAnimationFrame"]);

export type Frames = { frames: number[]; longTasks: number };

/** Turns the wheel, a step a frame, over what is under the mouse. */
export async function scrolled(page: Page, trace: string, steps: number, pixels: number): Promise<Frames> {
  const browser = page.context().browser()!;
  await browser.startTracing(page, { path: trace, categories: ["devtools.timeline", "disabled-by-default-devtools.timeline"] });
  for (let step = 0; step < steps; step++) {
    await page.mouse.wheel(0, pixels);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  await browser.stopTracing();
  return frameCosts(JSON.parse(await readFile(trace, "utf8")).traceEvents);
}

type TraceEvent = { name: string; ph: string; ts: number; dur?: number; tdur?: number; pid: number; tid: number; args?: { name?: string } };

function frameCosts(events: TraceEvent[]): Frames {
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
