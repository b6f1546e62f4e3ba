// A library that `bench seed` fills: too many photos to send one by one, and how to get about in it.

import { execFile } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { type Page, expect } from "@playwright/test";

import { MINUTE_MS } from "./library.ts";
import { EXECUTABLE, SITE, Server } from "./server.ts";

export const PHOTOGRAPHER = "photographer";
/** What of it is in the document, whatever its size. */
export const NODES_MAX = 400;
/** Once one rests. */
const FILLED_WITHIN_MS = 15_000;

/** A server with the photographer's library; the first `uploaded` of its photos are really sent. They are of so many `days`. */
export async function seeded(photos: number, uploaded: number, days?: number): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), "cloudstead-photos-"));
  // Beside the server, as both are built.
  const bench = join(EXECUTABLE, "../bench");
  const size = ["--photos", String(photos), "--uploaded", String(uploaded), ...(days === undefined ? [] : ["--days", String(days)])];
  await promisify(execFile)(bench, ["seed", "--server", EXECUTABLE, "--site", SITE, "--data", join(folder, "data"), ...size]);
  return Server.start({ folder });
}

export const nodes = (page: Page) => page.locator("[data-place]").count();

/** The places of photos on the screen that show neither a picture nor what stands for it. */
export const empty = (page: Page): Promise<number[]> =>
  page.locator("[data-place]").evaluateAll((tiles) => {
    const seen = document.querySelector("[role=grid]")!.getBoundingClientRect();
    const isEmpty = (tile: Element) => {
      const { top, bottom } = tile.getBoundingClientRect();
      const [picture, hash] = [tile.querySelector("img")!, tile.querySelector("canvas")!];
      const isShown = tile.matches(".is-loaded") && picture.naturalWidth > 0;
      const stands = hash.width > 1 && getComputedStyle(hash).display !== "none";
      return bottom > seen.top && top < seen.bottom && !isShown && !stands;
    };
    return tiles.filter(isEmpty).map((tile) => Number(tile.getAttribute("data-place")));
  });

/** At rest nothing is empty, and in the end every photo shows its picture. */
export async function isFilled(page: Page): Promise<void> {
  await expect.poll(() => empty(page), { timeout: FILLED_WITHIN_MS }).toEqual([]);
  await expect(page.locator("[data-place]:not(.is-loaded)")).toHaveCount(0);
}

const places = (page: Page) =>
  page.locator("[data-place]").evaluateAll((all) => all.map((tile) => Number(tile.getAttribute("data-place"))));

/** The last photo can be looked at, at the bottom, and then the first again; answers how many were in the document. */
export async function reachesBothEnds(page: Page, photos: number): Promise<number> {
  await page.getByRole("grid", { name: "Library" }).focus();
  await page.keyboard.press("End");
  await expect.poll(async () => Math.max(...(await places(page)))).toBe(photos - 1);
  await expect(page.locator(`[data-place="${photos - 1}"].is-loaded`)).toBeVisible({ timeout: MINUTE_MS });
  const most = await nodes(page);
  const isAtBottom = await page.evaluate(() => {
    const tile = [...document.querySelectorAll("[data-place]")].at(-1)!.getBoundingClientRect();
    return tile.bottom <= innerHeight + 1;
  });
  expect(isAtBottom).toBe(true);
  await page.keyboard.press("Home");
  await expect.poll(async () => Math.min(...(await places(page)))).toBe(0);
  await expect(page.locator('[data-place="0"].is-loaded')).toBeVisible({ timeout: MINUTE_MS });
  return Math.max(most, await nodes(page));
}

/** A point of the scrubber, `share` of the way down. */
export async function onScrubber(page: Page, share: number): Promise<[number, number]> {
  const { x, y, width, height } = (await page.getByRole("slider", { name: "Date" }).boundingBox())!;
  return [x + width / 2, y + 2 + share * (height - 4)];
}

/** Presses the scrubber; answers after how long the day that it names stood at the top, in milliseconds. */
export async function scrubTo(page: Page, x: number, y: number): Promise<number> {
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
