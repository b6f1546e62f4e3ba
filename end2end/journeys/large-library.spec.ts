import { type Page, expect, test } from "@playwright/test";

import { NODES_MAX, PHOTOGRAPHER, isFilled, nodes, onScrubber, reachesBothEnds, scrubTo, seeded } from "../large.ts";
import { MINUTE_MS, card, flaws, gallery, listedCount } from "../library.ts";
import { Person } from "../person.ts";
import type { Server } from "../server.ts";

const PHOTOS = 10_000;
const SCREENS = 20;
const SCREEN_PIXELS = 800;
/** Not so fast that pictures are not asked for. */
const QUICK_PIXELS = 500;
const SLOW_ANSWER_MS = 300;
/** What photos are called and look like. */
const SEGMENTS = /\/api\/v1\/photos\?/;
/** As the server takes them in within seconds. */
const MANY = 1_500;

let server: Server;

test.beforeAll(async () => {
  test.setTimeout(20 * MINUTE_MS);
  server = await seeded(PHOTOS, PHOTOS);
});

test.afterAll(() => server.stop());

for (const deviceScaleFactor of [1, 2]) {
  test(`10,000 photos are all within reach at device pixel ratio ${deviceScaleFactor}`, async ({ browser }) => {
    test.setTimeout(5 * MINUTE_MS);
    const one = await Person.on(browser, server.url, { viewport: { width: 1440, height: 900 }, deviceScaleFactor });
    const { page } = one;
    await one.signIn(PHOTOGRAPHER);
    await page.goto("/photos");
    await expect(gallery(page)).toBeVisible();
    await expect(page.locator("[data-place].is-loaded").first()).toBeVisible();
    let most = await reachesBothEnds(page, PHOTOS);
    await page.mouse.move(700, 500);
    for (let screen = 0; screen < SCREENS; screen++) {
      await page.mouse.wheel(0, SCREEN_PIXELS);
      await page.evaluate(() => new Promise(requestAnimationFrame));
      most = Math.max(most, await nodes(page));
    }
    // Each answers once the very day that was named stands at the top.
    for (const share of [0.9, 0.35, 0.62, 0.04]) {
      await scrubTo(page, ...(await onScrubber(page, share)));
      most = Math.max(most, await nodes(page));
      await isFilled(page);
    }
    expect(most).toBeLessThanOrEqual(NODES_MAX);
    expect(await flaws(page)).toEqual([]);
    await one.context.close();
  });
}

const sticky = (page: Page) => page.locator(".gallery-sticky");
const selected = (page: Page) => page.getByRole("group", { name: "For what is selected" }).getByRole("status");
const count = async (page: Page) => Number.parseInt((await selected(page).textContent())!.replaceAll(",", ""), 10);

test("10,000 photos are seen by year and month, asked for as they are looked at, and acted on unseen", async ({ browser }) => {
  test.setTimeout(10 * MINUTE_MS);
  // Without its worker the page's own requests are all there are.
  const one = await Person.on(browser, server.url, { viewport: { width: 1440, height: 900 }, serviceWorkers: "block" });
  const { page } = one;
  await one.signIn(PHOTOGRAPHER);
  await one.seesStatus("Up to date", 3 * MINUTE_MS);
  await page.goto("/photos");
  await expect(page.locator("[data-place].is-loaded").first()).toBeVisible();
  const near = (name: string) => page.getByRole("group", { name: "Group by" }).getByRole("button", { name });

  await test.step("what did not come is asked for again, though nobody scrolls", async () => {
    let refused = 0;
    await page.route(SEGMENTS, (route) => (refused++ < 2 ? route.fulfill({ status: 503 }) : route.continue()));
    await scrubTo(page, ...(await onScrubber(page, 0.8)));
    await expect.poll(() => refused).toBeGreaterThan(1);
    await expect(page.locator("[data-place]:not(.is-loaded)")).toHaveCount(0);
    await page.unrouteAll({ behavior: "ignoreErrors" });
  });

  await test.step("what leaves the screen is not waited for, and at rest nothing is empty", async () => {
    // Not what was read already.
    await page.reload();
    await expect(page.locator("[data-place].is-loaded").first()).toBeVisible();
    const browser = await one.context.newCDPSession(page);
    await browser.send("Network.enable");
    const [sent, cancelled] = [new Map<string, string>(), [] as string[]];
    browser.on("Network.requestWillBeSent", ({ requestId, request }) => sent.set(requestId, request.url));
    browser.on("Network.loadingFailed", ({ requestId, canceled }) => canceled && cancelled.push(sent.get(requestId) ?? ""));
    const answered = (addresses: RegExp, due: () => Promise<void>) =>
      page.route(addresses, async (route) => {
        await due();
        // What was given up meanwhile has no answer.
        await route.continue().catch(() => undefined);
      });
    await answered(/\/(thumbnail|preview)\?/, () => new Promise((late) => setTimeout(late, SLOW_ANSWER_MS)));
    await page.mouse.move(700, 500);
    for (let screen = 0; screen < 2 * SCREENS; screen++) {
      await page.mouse.wheel(0, QUICK_PIXELS);
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
    await isFilled(page);
    let rest = () => {};
    const isAtRest = new Promise<void>((resolve) => (rest = resolve));
    await answered(SEGMENTS, () => isAtRest);
    await page.mouse.move(...(await onScrubber(page, 0.3)));
    await page.mouse.down();
    for (const share of [0.5, 0.7, 0.9]) {
      const asked = page.waitForRequest(SEGMENTS);
      await page.mouse.move(...(await onScrubber(page, share)));
      await asked;
    }
    await page.mouse.up();
    rest();
    await isFilled(page);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    expect(cancelled.filter((url) => url.includes("/thumbnail?")).length).toBeGreaterThan(0);
    expect(cancelled.filter((url) => url.includes("/photos?")).length).toBeGreaterThan(0);
  });

  await test.step("the dates along the edge tell the years, and the day that one is at", async () => {
    const track = page.getByRole("slider", { name: "Date" });
    await page.mouse.move(700, 500);
    await expect(track).toHaveCSS("opacity", "0");
    await track.hover();
    await expect(track).toHaveCSS("opacity", "1");
    const marks = await page.locator(".scrubber-year").evaluateAll((all) =>
      all.map((mark) => ({ year: Number(mark.textContent), ...mark.getBoundingClientRect().toJSON() })),
    );
    expect(marks.length).toBeGreaterThan(9);
    for (const [at, { year, top }] of marks.entries()) {
      if (at > 0) expect(year).toBeLessThan(marks[at - 1]!.year);
      if (at > 0) expect(top).toBeGreaterThanOrEqual(marks[at - 1]!.bottom);
    }
    const middle = marks[Math.floor(marks.length / 2)]!;
    const bubble = page.locator(".scrubber-date");
    await page.mouse.move(middle.x + 10, middle.top + 4);
    await page.mouse.down();
    for (const [mark, below] of [[middle, 6], [marks.at(-1)!, 6], [marks[1]!, 6]] as const) {
      await page.mouse.move(mark.x + 10, mark.top + below, { steps: 4 });
      await expect(bubble).toContainText(String(mark.year));
      await expect(sticky(page)).toHaveText((await bubble.textContent())!);
      await expect(bubble).toBeInViewport({ ratio: 1 });
    }
    await page.mouse.up();
    await isFilled(page);
    await track.focus();
    const before = await track.getAttribute("aria-valuetext");
    await page.keyboard.press("PageDown");
    await expect(track).not.toHaveAttribute("aria-valuetext", before!);
    await expect(sticky(page)).toHaveText((await track.getAttribute("aria-valuetext"))!);
  });

  await test.step("by month, by year and by day again one is where one was", async () => {
    const day = (await sticky(page).textContent())!;
    const [month, year] = [day.split(" ").slice(-2).join(" "), day.split(" ").at(-1)!];
    for (const [name, heading] of [["Months", month], ["Years", year], ["Months", month], ["Days", month]] as const) {
      await near(name).click();
      await expect(near(name)).toHaveAttribute("aria-pressed", "true");
      if (name === "Days") await expect(sticky(page)).toContainText(heading);
      else await expect(sticky(page)).toHaveText(heading);
      expect(await nodes(page)).toBeLessThanOrEqual(NODES_MAX);
      await isFilled(page);
    }
  });

  await test.step("thousands are favourites, of which most were never here", async () => {
    await gallery(page).focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("x");
    await near("Years").click();
    await scrubTo(page, ...(await onScrubber(page, 0.25)));
    const [x, y] = [600, 500];
    const under = () =>
      page.evaluate(([x, y]) => Number(document.elementFromPoint(x, y)?.closest("[data-place]")?.getAttribute("data-place")), [x, y] as const);
    await expect.poll(under).toBeGreaterThan(MANY);
    const last = await under();
    await page.keyboard.down("Shift");
    await page.mouse.click(x, y);
    await page.keyboard.up("Shift");
    await expect.poll(() => count(page)).toBe(last + 1);
    await page.keyboard.press("f");
    const said = `${(last + 1).toLocaleString("en-GB")} photos added to your favorites`;
    await expect(page.locator(".toast", { hasText: said })).toBeVisible({ timeout: 3 * MINUTE_MS });
    await one.seesStatus("Up to date", 3 * MINUTE_MS);
    expect(await listedCount(page, "&favorite=true")).toBe(last + 1);
    await gallery(page).focus();
    await page.keyboard.press("Escape");
  });

  await test.step("what a band was drawn over goes into an album, whole", async () => {
    await page.keyboard.press("Home");
    await expect(page.locator('[data-place="0"].is-loaded')).toBeVisible();
    const grid = (await gallery(page).boundingBox())!;
    await page.mouse.move(grid.x + 20, grid.y + 60);
    await page.mouse.down();
    await page.mouse.move(grid.x + 200, grid.y + 200, { steps: 3 });
    await page.mouse.move(grid.x + grid.width - 80, grid.y + grid.height - 2, { steps: 3 });
    await expect.poll(() => count(page), { intervals: [100] }).toBeGreaterThan(MANY / 2);
    await page.mouse.move(700, 500);
    await page.mouse.up();
    const many = await count(page);
    await page.keyboard.press("l");
    await page.getByRole("button", { name: "New album" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("All of these");
    await page.keyboard.press("Enter");
    const said = `Added ${many.toLocaleString("en-GB")} photos to “All of these”`;
    await expect(page.locator(".toast", { hasText: said })).toBeVisible({ timeout: 3 * MINUTE_MS });
    await one.seesStatus("Up to date", 3 * MINUTE_MS);
    const { albums } = await page.evaluate(async () => (await fetch("/api/v1/photos/albums")).json());
    expect(albums.map(({ name, count }: { name: string; count: number }) => [name, count])).toEqual([["All of these", many]]);
    await page.goto("/photos/albums");
    await expect(card(page, `All of these ${many.toLocaleString("en-GB")} photos`)).toBeVisible();
  });
});
