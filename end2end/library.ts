// A library of photos behind a network that can be cut: what journeys through photos begin with.

import AxeBuilder from "@axe-core/playwright";
import { type Locator, type Page, expect, test } from "@playwright/test";

import { Gate } from "./gate.ts";
import type { Person } from "./person.ts";
import { photographs } from "./photographs.ts";
import { Server } from "./server.ts";

export const MINUTE_MS = 60_000;

/** The server of the test that runs, and the network before it. */
export type World = { server: Server; gate: Gate };

/** Each test of the file gets a server of its own. */
export function world(): World {
  const world = {} as World;
  test.beforeEach(async () => {
    world.server = await Server.start();
    world.gate = await Gate.before(world.server);
  });
  test.afterEach(async () => {
    await world.gate.cut();
    await world.server.stop();
  });
  return world;
}

/** What axe finds, with nothing halfway through a fade. */
export async function flaws(page: Page) {
  await page.emulateMedia({ reducedMotion: "reduce" });
  const { violations } = await new AxeBuilder({ page }).analyze();
  await page.emulateMedia({ reducedMotion: null });
  return violations;
}

export const gallery = (page: Page): Locator => page.getByRole("grid", { name: "Library" });
export const photo = (page: Page, name: string): Locator => page.getByRole("gridcell", { name: new RegExp(name) });
/** The open photo. */
export const viewer = (page: Page, name = ""): Locator => page.getByRole("dialog", { name: new RegExp(`^Photo: .*${name}`) });
export const card = (page: Page, name: string): Locator =>
  page.getByRole("list", { name: "Albums" }).getByRole("link", { name });

/** What the server lists. */
export type Listed = {
  id: string;
  fileName: string;
  takenAt: string;
  status: string;
  location: { latitude: number; longitude: number } | null;
};

export const listed = (page: Page, query = ""): Promise<Listed[]> =>
  page.evaluate(async (query) => (await (await fetch(`/api/v1/photos?limit=1000${query}`)).json()).photos, query);

/** How many photos the server lists. */
export const listedCount = (page: Page, query: string): Promise<number> =>
  page.evaluate(async (query) => {
    let [count, cursor] = [0, ""];
    do {
      const answer = await fetch(`/api/v1/photos?limit=1000${query}${cursor}`);
      const { photos, nextCursor } = await answer.json();
      count += photos.length;
      cursor = nextCursor ? `&cursor=${encodeURIComponent(nextCursor)}` : "";
    } while (cursor !== "");
    return count;
  }, query);

type Amount = { count: number; bytes: number };

/** What the service worker holds of photos. */
export type Forms = {
  thumbnail: Amount;
  preview: Amount;
  display: Amount;
  library?: { here: number; all: number; isFull: boolean };
};

/** The same, after it was told something. */
export const forms = (page: Page, wish: object = { forms: "tell" }): Promise<Forms> =>
  page.evaluate(
    (wish) =>
      new Promise((answered) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => answered(data);
        navigator.serviceWorker.controller!.postMessage(wish, [port2]);
      }),
    wish,
  );

/** The addresses of the smaller forms of photos that a device holds. */
export const heldForms = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const held = await (await caches.open("forms")).keys();
    return held.map(({ url }) => new URL(url).pathname + new URL(url).search);
  });

/** Somebody's empty library gets photos, each with its day. */
export async function fill(person: Person, count: number): Promise<void> {
  const { page } = person;
  await page.goto("/photos");
  await expect(page.getByRole("heading", { name: "Your photos belong here" })).toBeVisible();
  await page.locator("#pick-files").setInputFiles(await photographs(page, count));
  await person.seesStatus("Up to date", 3 * MINUTE_MS);
  await inPlace(page, count);
}

/** Everything has been looked at, and every photo in the document is the one that belongs to its place. */
export async function inPlace(page: Page, count: number): Promise<void> {
  const ready = async () => (await listed(page)).filter(({ status }) => status === "ready").length;
  await expect.poll(ready, { timeout: 3 * MINUTE_MS }).toBe(count);
  // While the server looks at one after the other, tiles move to their days.
  const outOfPlace = (all: Element[]) =>
    all.filter((cell) => {
      const place = (cell.getAttribute("data-place") ?? "").padStart(4, "0");
      return !cell.getAttribute("aria-label")?.includes(`IMG_${place}`);
    }).length;
  await expect.poll(() => page.getByRole("gridcell").evaluateAll(outOfPlace), { timeout: MINUTE_MS }).toBe(0);
}
