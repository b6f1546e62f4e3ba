// Pages that the server renders, before and while the app's code takes over.

import { AxeBuilder } from "@axe-core/playwright";
import { type Page, expect, test } from "@playwright/test";

import { Client, PASSWORD } from "../client.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

let server: Server;

test.beforeEach(async () => {
  server = await Server.start({ environment: { CLOUDSTEAD_REGISTRATION: "open" } });
});

test.afterEach(() => server.stop());

/** Keeps the app's code from the page until it is let go. */
async function holdCode(page: Page): Promise<() => void> {
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/cloudstead_bg.wasm", async (route) => {
    await released;
    await route.continue();
  });
  return release;
}

const isWaiting = (page: Page) => page.locator("html[data-waiting]");

test("without JavaScript the pages can be read, and say what is missing", async ({ browser }) => {
  const context = await browser.newContext({ baseURL: server.url, javaScriptEnabled: false });
  const page = await context.newPage();
  for (const [address, button] of [
    ["/sign-in", "Sign in"],
    ["/register", "Create account"],
  ] as const) {
    await page.goto(address);
    await expect(page.getByLabel("Username")).toBeVisible();
    await expect(page.getByRole("textbox", { name: "Password" })).toBeVisible();
    await expect(page.getByRole("button", { name: button, exact: true })).toBeVisible();
    // Words in a <noscript> are none for getByText.
    await expect(page.locator("noscript p")).toBeVisible();
  }
});

test("what is typed before the code arrives stays, and so does the place in it", async ({ browser }) => {
  const { page } = await Person.on(browser, server.url);
  const release = await holdCode(page);
  await page.goto("/register", { waitUntil: "commit" });
  await page.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await page.getByLabel("Username").click();
  await page.keyboard.type("an");
  await page.keyboard.press("ArrowLeft");
  await expect(isWaiting(page)).toHaveCount(1);

  release();
  await expect(isWaiting(page)).toHaveCount(0);
  await expect(page.getByRole("main")).toHaveCount(1);
  await expect(page.getByLabel("Username")).toBeFocused();
  await page.keyboard.type("n");
  await expect(page.getByLabel("Username")).toHaveValue("ann");
  await expect(page.getByRole("textbox", { name: "Password" })).toHaveValue(PASSWORD);
  await page.keyboard.press("Enter");
  await Person.at(page).seesFiles();
});

test("a form that is sent before the code arrives is sent once, and never as an address", async ({ browser }) => {
  await Client.register(server, "ann");
  const { page } = await Person.on(browser, server.url);
  const asked: { method: string; url: string }[] = [];
  page.on("request", (request) => asked.push({ method: request.method(), url: request.url() }));
  const release = await holdCode(page);
  await page.goto("/sign-in", { waitUntil: "commit" });
  await page.getByLabel("Username").fill("ann");
  await page.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  const button = page.getByRole("button", { name: "Sign in", exact: true });
  await button.click();
  // Somebody impatient.
  await button.click({ force: true });
  await expect(page.locator("html[data-waiting=submit]")).toHaveCount(1);
  expect(asked.filter(({ url }) => url.includes("/auth/login"))).toEqual([]);

  release();
  await Person.at(page).seesFiles();
  expect(asked.filter(({ url }) => url.includes("/auth/login"))).toHaveLength(1);
  expect(asked.filter(({ url }) => /password|correct/.test(url))).toEqual([]);
  expect(asked.filter(({ method, url }) => method === "POST" && !url.includes("/api/"))).toEqual([]);
});

test("nothing on the page moves when the code takes over", async ({ browser }) => {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const viewport of [
      { width: 390, height: 844 },
      { width: 1440, height: 900 },
    ]) {
      for (const address of ["/sign-in", "/register"]) {
        const { page, context } = await Person.on(browser, server.url, { colorScheme, viewport });
        const release = await holdCode(page);
        await page.goto(address, { waitUntil: "commit" });
        await page.getByLabel("Username").fill("ann");
        const before = await page.screenshot();
        const axe = new AxeBuilder({ page }).setLegacyMode(true);
        expect((await axe.analyze()).violations).toEqual([]);
        release();
        await expect(isWaiting(page)).toHaveCount(0);
        const after = await page.screenshot();
        expect(after.equals(before), `${address}, ${colorScheme}, ${viewport.width} px`).toBe(true);
        await context.close();
      }
    }
  }
});

test("the chosen theme is there before the code is", async ({ browser }) => {
  const { page } = await Person.on(browser, server.url, { colorScheme: "light" });
  await page.addInitScript(() => localStorage.setItem("cloudstead.preferences", JSON.stringify({ theme: "Dark" })));
  await holdCode(page);
  await page.goto("/sign-in", { waitUntil: "commit" });
  await expect(page.getByLabel("Username")).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});
