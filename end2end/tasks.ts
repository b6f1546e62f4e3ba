// How long the page was not its person's: what the main thread did at one stretch, and what it holds.

import { readFile } from "node:fs/promises";

import type { Browser, CDPSession, Page } from "@playwright/test";

import { ms } from "./figures.ts";

/** A task that is longer is felt: the browsers' own measure, in milliseconds. */
export const LONG_TASK_MS = 50;
const MIB = 1024 * 1024;

declare global {
  interface Window {
    /** Of each long task of this document, in milliseconds. */
    longTasks: number[];
    /** The sandboxes of the page's WebAssembly, as they were made. */
    memories: WebAssembly.Memory[];
  }
}

type TraceEvent = { name: string; ph: string; ts: number; dur?: number; tdur?: number; pid: number; tid: number };

export type Tasks = {
  longest: number;
  longestByClock: number;
  long: number;
  total: number;
  /** As the browser's own observer of long tasks tells, by the clock. */
  observed: number[];
  /** What the browser itself took to hand over the files that were picked, which no page can cut up. */
  handedOver: number;
};

const HANDED_OVER = "files handed over";

/** Watches the main thread of one page, the only one of its browser that does anything. */
export async function traced(page: Page, path: string, act: () => Promise<void>): Promise<Tasks> {
  const browser = page.context().browser()!;
  // The tasks themselves and a sign of which thread is the page's.
  await browser.startTracing(page, { path, categories: ["-*", "disabled-by-default-devtools.timeline", "blink.user_timing"] });
  await page.evaluate(() => performance.mark("here"));
  await page.addInitScript(observe, HANDED_OVER);
  await page.evaluate(observe, HANDED_OVER);
  await act();
  const observed = await page.evaluate(() => window.longTasks);
  await stopped(browser);
  const events: TraceEvent[] = JSON.parse(await readFile(path, "utf8")).traceEvents;
  const here = events.find((event) => event.name === "here");
  if (here === undefined) throw new Error("the trace does not tell which thread is the page's");
  const mine = events.filter((event) => event.pid === here.pid && event.tid === here.tid);
  const handing = mine.filter((event) => event.name === HANDED_OVER);
  const isHanding = (task: TraceEvent) =>
    handing.some((mark) => mark.ts >= task.ts && mark.ts <= task.ts + (task.dur ?? 0));
  const all = mine.filter((event) => event.name === "RunTask");
  const tasks = all.filter((task) => !isHanding(task));
  // What the thread itself worked: on a busy machine the clock also counts others' turns.
  const worked = tasks.map((task) => (task.tdur ?? 0) / 1_000);
  return {
    longest: worked.reduce((longest, task) => Math.max(longest, task), 0),
    longestByClock: tasks.reduce((longest, task) => Math.max(longest, (task.dur ?? 0) / 1_000), 0),
    long: worked.filter((task) => task > LONG_TASK_MS).length,
    total: worked.reduce((sum, task) => sum + task, 0),
    observed,
    handedOver: all.filter(isHanding).reduce((sum, task) => sum + (task.tdur ?? 0) / 1_000, 0),
  };
}

/** Notes long tasks as the page itself can, but for the one in which the browser hands over picked files. */
function observe(handedOver: string): void {
  if (window.longTasks !== undefined) return;
  window.longTasks = [];
  addEventListener("change", () => performance.mark(handedOver), { capture: true });
  new PerformanceObserver((list) => {
    const handing = performance.getEntriesByName(handedOver).map((mark) => mark.startTime);
    for (const { startTime, duration } of list.getEntries()) {
      if (!handing.some((at) => at >= startTime && at <= startTime + duration)) window.longTasks.push(duration);
    }
  }).observe({ type: "longtask" });
}

const stopped = (browser: Browser) => browser.stopTracing();

export function rowsOf(what: string, tasks: Tasks): [name: string, figure: string, aim?: string][] {
  return [
    [`${what}: the longest task, in processor time`, ms(tasks.longest), `< ${LONG_TASK_MS} ms`],
    [`${what}: the same by the clock`, ms(tasks.longestByClock)],
    [`${what}: tasks over ${LONG_TASK_MS} ms`, String(tasks.long), "0"],
    [`${what}: long tasks by the browser's own observer, on this machine's clock`, String(tasks.observed.length), "0"],
    ...(tasks.handedOver > 0 ? [[`${what}: the browser's own, to hand over the files (bound)`, ms(tasks.handedOver)] as [string, string]] : []),
    [`${what}: the main thread's work in all`, ms(tasks.total)],
  ];
}

/** Notes what the page's documents, this one and later ones, hold. */
export class Heap {
  private peakBytes = 0;
  private watching: ReturnType<typeof setInterval> | undefined;

  private constructor(
    private readonly page: Page,
    private readonly devtools: CDPSession,
  ) {}

  static async of(page: Page): Promise<Heap> {
    await page.addInitScript(() => {
      window.memories = [];
      const note = ({ instance }: WebAssembly.WebAssemblyInstantiatedSource) => {
        for (const it of Object.values(instance.exports)) if (it instanceof WebAssembly.Memory) window.memories.push(it);
      };
      const { instantiateStreaming } = WebAssembly;
      WebAssembly.instantiateStreaming = async (...given) => {
        const made = await instantiateStreaming(...given);
        note(made);
        return made;
      };
    });
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Performance.enable");
    return new Heap(page, devtools);
  }

  /** JavaScript's heap, garbage included, and WebAssembly's memory, in bytes. */
  async bytes(): Promise<{ script: number; wasm: number }> {
    const { metrics } = await this.devtools.send("Performance.getMetrics");
    const script = metrics.find((metric) => metric.name === "JSHeapUsedSize")!.value;
    const wasm = await this.page.evaluate(() => window.memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0));
    return { script, wasm };
  }

  /** As [`bytes`], without the garbage. */
  async settled(): Promise<{ script: number; wasm: number }> {
    await this.devtools.send("HeapProfiler.collectGarbage");
    return this.bytes();
  }

  watch(everyMs: number): void {
    this.watching = setInterval(() => {
      this.bytes().then(
        ({ script, wasm }) => (this.peakBytes = Math.max(this.peakBytes, script + wasm)),
        // Between two documents there is nothing to ask.
        () => undefined,
      );
    }, everyMs);
  }

  /** The most that was held at once since it was watched. */
  peak(): number {
    clearInterval(this.watching);
    return this.peakBytes;
  }
}

export const mib = (bytes: number): string => `${(bytes / MIB).toFixed(0)} MiB`;
