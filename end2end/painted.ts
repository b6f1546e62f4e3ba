// When something stood on the screen: seen by the page itself, after the frame that shows it.

import type { Page } from "@playwright/test";

declare global {
  interface Window {
    /** Milliseconds since 1970 at which each of the awaited texts or elements was painted. */
    painted: Map<string, number>;
    awaitPainted(name: string, shown: () => boolean): void;
  }
}

/** Gives the page's documents, this one and later ones, the means to note what was painted. */
export async function notePaints(page: Page): Promise<void> {
  const note = () => {
    if (window.painted !== undefined) return;
    window.painted = new Map();
    const awaited = new Map<string, () => boolean>();
    const look = () => {
      for (const [name, shown] of awaited) {
        if (!shown()) continue;
        awaited.delete(name);
        // A message that is sent in a frame arrives after that frame was drawn.
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => window.painted.set(name, performance.timeOrigin + performance.now());
          port2.postMessage(null);
        });
      }
    };
    window.awaitPainted = (name, shown) => {
      awaited.set(name, shown);
      look();
    };
    const watch = new MutationObserver(look);
    watch.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
    window.awaitPainted("list", () => document.querySelector("[role=grid] [role=row][id^=item-]") !== null);
  };
  await page.addInitScript(note);
  await page.evaluate(note);
}

/** Waits until it was painted, and tells when. */
export async function paintedAt(page: Page, name: string, timeout = 60_000): Promise<number> {
  const handle = await page.waitForFunction((name) => window.painted?.get(name), name, { polling: 20, timeout });
  return (await handle.jsonValue()) as number;
}

/** When the present document began to load. */
export async function began(page: Page): Promise<number> {
  return page.evaluate(() => performance.timeOrigin);
}
