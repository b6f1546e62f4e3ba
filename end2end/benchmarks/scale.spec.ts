import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Browser, chromium, expect, test } from "@playwright/test";

import { Client } from "../client.ts";
import { fill, fillFolders } from "../crowd.ts";
import { ms, print } from "../figures.ts";
import { began, notePaints, paintedAt } from "../painted.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";
import { Heap, mib, rowsOf, traced } from "../tasks.ts";

const OPERATIONS = 10_000;
const LARGE_FOLDER = 50_000;
const FOLDERS = 50;
const FILES_EACH = 1_000;
const MINUTE_MS = 60_000;
const HEAP_LOOKS_MS = 200;

/** A browser of its own: a trace is of all that it does. */
let browser: Browser;
let server: Server;

test.beforeEach(async ({}, { project }) => {
  test.setTimeout(20 * MINUTE_MS);
  browser = await chromium.launch(project.use.launchOptions);
  server = await Server.start();
  await Client.register(server, "ann");
});

test.afterEach(async () => {
  await browser.close();
  await server.stop();
});

test("10,000 files that were added offline are sent while the page stays its person's", async ({}, info) => {
  const ann = await Person.on(browser, server.url);
  await ann.signIn("ann");
  await ann.seesStatus("Up to date");
  const folder = await smallFiles(OPERATIONS);
  await ann.context.setOffline(true);
  const queued = await traced(ann.page, info.outputPath("queued.json"), async () => {
    await ann.uploadsFolder(folder);
    await ann.seesStatus(/Offline, 10,00\d changes/, 5 * MINUTE_MS);
  });
  await drained(ann, "files added offline", queued, info.outputPath("drained.json"));
  await rm(folder, { recursive: true });
});

test("10,000 files that were deleted offline are sent while the page stays its person's", async ({}, info) => {
  await fill(await Client.signIn(server, "ann"), OPERATIONS);
  const ann = await Person.on(browser, server.url);
  await ann.signIn("ann");
  await ann.seesStatus("Up to date", MINUTE_MS);
  await ann.context.setOffline(true);
  const queued = await traced(ann.page, info.outputPath("queued.json"), () => deletesAll(ann));
  await drained(ann, "files deleted offline", queued, info.outputPath("drained.json"));
});

test("10,000 files that were deleted in a second tab are sent while that stays its person's too", async ({}, info) => {
  await fill(await Client.signIn(server, "ann"), OPERATIONS);
  const ann = await Person.on(browser, server.url);
  await ann.signIn("ann");
  await ann.seesStatus("Up to date", MINUTE_MS);
  const second = Person.at(await ann.context.newPage());
  await second.page.goto("/files");
  await second.seesStatus("Up to date", MINUTE_MS);
  await ann.context.setOffline(true);
  await second.seesStatus("Offline", MINUTE_MS);
  const queued = await traced(second.page, info.outputPath("queued.json"), () => deletesAll(second));
  await drained(second, "files deleted in a second tab", queued, info.outputPath("drained.json"));
});

async function deletesAll(person: Person): Promise<void> {
  await person.rows.first().click();
  await person.page.keyboard.press("ControlOrMeta+a");
  await person.page.keyboard.press("Delete");
  const question = person.page.getByRole("dialog", { name: "Delete 10,000 of your 10,000 items?" });
  await question.getByRole("button", { name: "Delete" }).click();
  await person.seesStatus("Offline, 10,000 changes", 5 * MINUTE_MS);
  await expect(person.rows).toHaveCount(0);
}

async function drained(ann: Person, what: string, queued: Awaited<ReturnType<typeof traced>>, trace: string): Promise<void> {
  let took = 0;
  const sent = await traced(ann.page, trace, async () => {
    const online = Date.now();
    await ann.context.setOffline(false);
    await ann.seesStatus("Up to date", 10 * MINUTE_MS);
    took = Date.now() - online;
  });
  print(`${OPERATIONS} ${what}`, [
    ...rowsOf("while they are queued", queued),
    ["from being online again to all of them sent", ms(took)],
    ...rowsOf("while they are sent", sent),
  ]);
}

/** A folder of so many files, with a few bytes each. */
async function smallFiles(count: number): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), "cloudstead-small-")), "Small");
  await mkdir(folder);
  for (let file = 0; file < count; file++) await writeFile(join(folder, `Note ${file}.txt`), `${file}`);
  return folder;
}

test("100,000 items take their first sync", async ({}, info) => {
  const client = await Client.signIn(server, "ann");
  await fillFolders(client, [LARGE_FOLDER, ...Array<number>(FOLDERS).fill(FILES_EACH)]);
  const ann = await Person.on(browser, server.url);
  const { page } = ann;
  const heap = await Heap.of(page);
  await page.goto("/sign-in");
  await notePaints(page);
  heap.watch(HEAP_LOOKS_MS);
  const pressed = Date.now();
  let [first, synced] = [0, 0];
  const tasks = await traced(page, info.outputPath("first-sync.json"), async () => {
    await ann.signInHere("ann");
    first = (await paintedAt(page, "list", 5 * MINUTE_MS)) - pressed;
    await ann.seesStatus("Up to date", 10 * MINUTE_MS);
    synced = Date.now() - pressed;
  });
  const peak = heap.peak();
  const after = await heap.settled();
  await ann.opens("Folder 0");
  await expect(ann.item("File 0.txt")).toBeVisible();
  const opened = await heap.settled();
  await page.mouse.move(700, 500);
  await page.mouse.wheel(0, 500_000);
  await expect(ann.item("File 0.txt")).toBeHidden();
  heap.watch(HEAP_LOOKS_MS);
  const again = await traced(page, info.outputPath("again.json"), async () => {
    await page.goto("/files");
    await paintedAt(page, "list", MINUTE_MS);
    await ann.seesStatus("Up to date", MINUTE_MS);
  });
  const listed = (await paintedAt(page, "list")) - (await began(page));
  const peakAgain = heap.peak();
  print(`${LARGE_FOLDER + FOLDERS * FILES_EACH} items, one folder with ${LARGE_FOLDER} of them`, [
    ["from sign-in to the first entries", ms(first)],
    ["from sign-in to all of them in step", ms(synced)],
    ...rowsOf("first sync", tasks),
    ["first sync: script and WebAssembly at their peak", mib(peak), "< 150 MB"],
    ["then, without garbage: script", mib(after.script)],
    ["then: WebAssembly", mib(after.wasm)],
    ["the large folder open: script", mib(opened.script)],
    ["the large folder open: WebAssembly", mib(opened.wasm)],
    ["loaded again: the list", ms(listed)],
    ...rowsOf("loaded again", again),
    ["loaded again: script and WebAssembly at their peak", mib(peakAgain), "< 150 MB"],
  ]);
});
