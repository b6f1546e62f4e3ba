import { randomUUID } from "node:crypto";

import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type Locator, expect, test } from "@playwright/test";

import { Client, type Item } from "../client.ts";
import { Gate } from "../gate.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

const LIST = ["Milk", "Bread", "Two lemons", "Butter", "Flour", "Six eggs", ""].join("\n");
const MINE = LIST.replace("Two lemons", "Three lemons");
const THEIRS = LIST.replace("Two lemons", "Two limes");
// Far enough from the others' line that both fit.
const ELSEWHERE = LIST.replace("Six eggs", "A dozen eggs");

let server: Server;

test.beforeEach(async () => {
  server = await Server.start();
});

test.afterEach(async () => {
  await server.stop();
});

/** Ann in a browser, and her laptop beside it. */
async function annAndHerLaptop(browser: Browser, url = server.url): Promise<{ ann: Person; laptop: Client }> {
  const ann = await Person.on(browser, url);
  await ann.register("ann");
  return { ann, laptop: await Client.signIn(server, "ann", "Ann's laptop") };
}

async function create(laptop: Client, name: string, data: string | Buffer, mimeType: string): Promise<Item> {
  const bytes = Buffer.from(data);
  const change = {
    operationId: randomUUID(),
    fileId: randomUUID(),
    baseVersion: {},
    kind: "create",
    parentId: laptop.rootId,
    name,
    size: bytes.length,
    data: bytes.toString("base64"),
    mimeType,
  };
  const answer = await laptop.push([change]);
  return answer.body.applied[0]!.item;
}

function edit(item: Item, data: string | Buffer): object {
  const bytes = Buffer.from(data);
  return {
    operationId: randomUUID(),
    fileId: item.id,
    baseVersion: item.version,
    kind: "content",
    size: bytes.length,
    data: bytes.toString("base64"),
  };
}

/** An edit that this browser's device made on what it had seen. */
async function editsHere(person: Person, item: Item, data: string | Buffer): Promise<void> {
  await person.editsUnseen(item, Buffer.from(data));
}

/** The laptop edits, and this browser edits what was there before. */
async function conflict(ann: Person, laptop: Client, name: string): Promise<Item> {
  const item = await create(laptop, name, LIST, "text/plain");
  await expect(ann.item(name)).toBeVisible();
  await laptop.push([edit(item, THEIRS)]);
  await editsHere(ann, item, MINE);
  return item;
}

function question(person: Person, name: string): Locator {
  return person.page.getByRole("dialog", { name });
}

/** A line of the difference. */
function line(dialog: Locator, words: string): Locator {
  return dialog.getByRole("cell", { name: words });
}

test("whoever writes in a text with two versions gets from there to the choice between them", async ({ browser }) => {
  const { ann, laptop } = await annAndHerLaptop(browser);
  const { page } = ann;
  const item = await conflict(ann, laptop, "list.txt");
  const question = page.getByRole("dialog", { name: /list\.txt/ });
  await expect(question).toBeVisible();
  await page.keyboard.press("Escape");
  await page.goto(`/edit/${item.id}`);
  const banner = page.getByRole("alert").filter({ hasText: "Both versions are kept until you choose" });
  await banner.getByRole("button", { name: "Review" }).click();
  await expect(question).toBeVisible();
});

test("edits of different lines are joined, and the activity tells of it and takes it back", async ({ browser }) => {
  const { ann, laptop } = await annAndHerLaptop(browser);
  const item = await create(laptop, "list.txt", LIST, "text/plain");
  await expect(ann.item("list.txt")).toBeVisible();
  await laptop.push([edit(item, MINE)]);
  await editsHere(ann, item, ELSEWHERE);
  const joined = MINE.replace("Six eggs", "A dozen eggs");
  expect(await laptop.text(item.id)).toBe(joined);
  await expect(ann.page.getByRole("dialog")).toHaveCount(0);

  // The page is not told what its own device did past it: it asks when it is loaded.
  await ann.page.goto("/activity");
  const told = ann.page.getByRole("listitem").filter({ hasText: "list.txt" });
  await expect(told).toContainText("The changes were joined");
  await told.getByRole("button", { name: "Undo" }).click();
  await expect.poll(() => laptop.text(item.id)).toBe(MINE);
});

const answers = [
  { press: "Keep mine", content: MINE, files: 1 },
  { press: "Keep the other", content: THEIRS, files: 1 },
  { press: "Keep both", content: THEIRS, files: 2 },
];

for (const { press, content, files } of answers) {
  test(`a conflict is asked about on every device, and "${press}" settles it on all`, async ({ browser }) => {
    const { ann, laptop } = await annAndHerLaptop(browser);
    const annsPhone = await Person.on(browser, server.url);
    await annsPhone.signIn("ann");
    const item = await conflict(ann, laptop, "list.txt");

    const here = question(ann, "list.txt");
    await expect(here.getByRole("region", { name: "From this device" })).toBeVisible();
    await expect(here.getByRole("region", { name: "From Ann's laptop" })).toContainText("In use now");
    await expect(line(here, "Three lemons")).toBeVisible();
    await expect(line(here, "Two limes")).toBeVisible();
    const there = question(annsPhone, "list.txt");
    await expect(there.getByRole("button", { name: "Keep the current one" })).toBeVisible();

    await here.getByRole("button", { name: press }).click();
    await expect(here).toBeHidden();
    await expect(there).toBeHidden();
    await expect.poll(() => laptop.text(item.id)).toBe(content);
    await ann.seesStatus("Up to date");
    await annsPhone.seesStatus("Up to date");
    await expect(annsPhone.page.getByRole("row").filter({ hasText: /^list/ })).toHaveCount(files);
  });
}

test("a decision made offline is sent later", async ({ browser }) => {
  const gate = await Gate.before(server);
  const { ann, laptop } = await annAndHerLaptop(browser, gate.url);
  const item = await conflict(ann, laptop, "list.txt");
  const here = question(ann, "list.txt");
  await expect(line(here, "Three lemons")).toBeVisible();
  await ann.page.keyboard.press("Escape");
  await ann.seesStatus("1 conflict");

  await gate.cut();
  await ann.page.getByRole("button", { name: /^Sync status/ }).click();
  await here.getByRole("button", { name: "Keep mine" }).click();
  await ann.seesStatus("Offline, 1 change waiting");
  await gate.restore();
  await ann.seesStatus("Up to date");
  expect(await laptop.text(item.id)).toBe(MINE);
});

test("both versions are here when the server goes away before anyone looked", async ({ browser }) => {
  const gate = await Gate.before(server);
  const { ann, laptop } = await annAndHerLaptop(browser, gate.url);
  // Typing somewhere, so that the question waits and fetches nothing itself.
  await ann.page.getByRole("searchbox").or(ann.page.getByPlaceholder("Search files")).first().focus();
  const fetched = ["local", "server"].map((side) => ann.page.waitForResponse((it) => it.url().endsWith(`/${side}`)));
  await conflictUnseen(ann, laptop);
  for (const response of await Promise.all(fetched)) await response.finished();
  await gate.cut();
  await ann.seesStatus("1 conflict");
  const here = question(ann, "list.txt");
  await expect(async () => {
    await ann.page.keyboard.press("Escape");
    await ann.page.getByRole("button", { name: /^Sync status/ }).click();
    await expect(line(here, "Three lemons")).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await expect(line(here, "Two limes")).toBeVisible();
});

test("nobody who types is interrupted", async ({ browser }) => {
  const { ann, laptop } = await annAndHerLaptop(browser);
  await ann.page.getByRole("searchbox").or(ann.page.getByPlaceholder("Search files")).first().focus();
  await conflictUnseen(ann, laptop);
  const toast = ann.page.locator(".toast").filter({ hasText: "“list.txt” was changed in two places" });
  await expect(toast).toBeVisible();
  await expect(ann.page.getByRole("dialog")).toHaveCount(0);
  await toast.getByRole("button", { name: "Review" }).click();
  await expect(question(ann, "list.txt")).toBeVisible();
});

async function conflictUnseen(ann: Person, laptop: Client): Promise<void> {
  const item = await create(laptop, "list.txt", LIST, "text/plain");
  await laptop.push([edit(item, THEIRS)]);
  await editsHere(ann, item, MINE);
}

test("one answer goes for the others too", async ({ browser }) => {
  const { ann, laptop } = await annAndHerLaptop(browser);
  const names = ["one.txt", "two.txt", "three.txt"];
  const items: Item[] = [];
  for (const name of names) items.push(await conflict(ann, laptop, name));
  const dialog = ann.page.getByRole("dialog");
  await dialog.getByLabel("Do this for the other 2").check();
  await dialog.getByRole("button", { name: "Keep mine" }).click();
  await expect(dialog).toHaveCount(0);
  for (const item of items) await expect.poll(() => laptop.text(item.id)).toBe(MINE);
});

test("what changes meanwhile is shown, and asked about anew", async ({ browser }) => {
  const { ann, laptop } = await annAndHerLaptop(browser);
  const item = await conflict(ann, laptop, "list.txt");
  const here = question(ann, "list.txt");
  await expect(line(here, "Two limes")).toBeVisible();
  const present = (await laptop.items()).find((one) => one.id === item.id)!;
  await laptop.push([edit(present, THEIRS.replace("Two limes", "Four limes"))]);
  await expect(line(here, "Four limes")).toBeVisible();
  await expect(here.getByText("It was changed again meanwhile").first()).toBeVisible();
  await here.getByRole("button", { name: "Keep mine" }).click();
  await expect.poll(() => laptop.text(item.id)).toBe(MINE);
});

test("a merge that is not taken unasked is offered", async ({ browser }) => {
  const { ann, laptop } = await annAndHerLaptop(browser);
  const data = (a: number, b: number) => `{\n  "a": ${a},\n  "b": 0,\n  "c": 0,\n  "d": ${b}\n}\n`;
  const item = await create(laptop, "data.json", data(0, 0), "application/json");
  await expect(ann.item("data.json")).toBeVisible();
  await laptop.push([edit(item, data(1, 0))]);
  await editsHere(ann, item, data(0, 1));
  const here = question(ann, "data.json");
  await here.getByText("The changes don't touch the same lines.").click();
  const merged = here.getByRole("button", { name: /Use the merged text/ });
  await expect(merged).toContainText("Recommended");
  await merged.click();
  await expect.poll(() => laptop.text(item.id)).toBe(data(1, 1));
});

test("two pictures are compared with a slider", async ({ browser }) => {
  const { ann, laptop } = await annAndHerLaptop(browser);
  const painter = await browser.newPage({ viewport: { width: 64, height: 48 } });
  const picture = async (colour: string) => {
    await painter.setContent(`<body style="background:${colour}">`);
    return painter.screenshot();
  };
  const item = await create(laptop, "garden.png", await picture("white"), "image/png");
  await expect(ann.item("garden.png")).toBeVisible();
  await laptop.push([edit(item, await picture("seagreen"))]);
  await editsHere(ann, item, await picture("darkorange"));
  const here = question(ann, "garden.png");
  await expect(here.getByText("64 × 48")).toHaveCount(2);
  const slider = here.getByRole("slider");
  await slider.focus();
  await ann.page.keyboard.press("ArrowRight");
  await expect(slider).toHaveAttribute("aria-valuetext", /51/);
});

test("the question can be answered with the keyboard alone, and axe finds nothing", async ({ browser }) => {
  // axe looks at every element twice, and there are many stops.
  test.slow();
  const { ann, laptop } = await annAndHerLaptop(browser);
  const { page } = ann;
  const item = await conflict(ann, laptop, "list.txt");
  const here = question(ann, "list.txt");
  await expect(line(here, "Three lemons")).toBeVisible();
  await expect(here.getByRole("heading", { name: "list.txt" })).toBeFocused();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).include("dialog").analyze();
    expect(violations, colorScheme).toEqual([]);
  }

  await page.keyboard.press("Escape");
  await expect(here).toBeHidden();
  const status = page.getByRole("button", { name: "Sync status: 1 conflict" });
  await status.focus();
  await page.keyboard.press("Enter");
  await expect(here).toBeVisible();
  const both = here.getByRole("button", { name: "Keep both" });
  const isThere = () => both.evaluate((element) => element === document.activeElement);
  // More stops than the dialog has.
  for (let stops = 0; stops < 20 && !(await isThere()); stops++) {
    await page.keyboard.press("Tab");
    expect(await here.evaluate((dialog) => dialog.contains(document.activeElement) || document.activeElement === document.body)).toBe(true);
  }
  await page.keyboard.press("Enter");
  await expect(here).toBeHidden();
  await expect.poll(() => laptop.text(item.id)).toBe(THEIRS);
});
