import { type Locator, type Page, chromium, test } from "@playwright/test";

import { Client } from "../client.ts";
import { fill } from "../crowd.ts";
import { median, ms, percentile, print } from "../figures.ts";
import { type Frames, scrolled } from "../frames.ts";
import { began, notePaints, paintedAt } from "../painted.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

const ENTRIES = 50_000;
const SCROLLS = 120;
const SCROLL_PIXELS = 700;
const MINUTE_MS = 60_000;

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
  const small = await over(page, settings, info.outputPath("few.json"));
  const files = page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Files", exact: true });
  const frames = await over(page, files.first(), info.outputPath("many.json"));
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

async function over(page: Page, place: Locator, trace: string): Promise<Frames> {
  await place.click();
  await page.mouse.move(700, 500);
  return scrolled(page, trace, SCROLLS, SCROLL_PIXELS);
}
