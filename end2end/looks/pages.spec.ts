// Every page and state, for the contact sheet; and nothing for axe to find in any of them.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Browser, type Locator, expect, test } from "@playwright/test";

import { Client, type Item, PASSWORD, changeOf, createChange, createFolderChange } from "../client.ts";
import { Gate } from "../gate.ts";
import { noise } from "../material.ts";
import { photoLibrary } from "./photos.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";
import { Camera, beginSheet, writeSheet } from "../sheet.ts";
import { SPECIMENS, film, picture } from "../specimens.ts";

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const FULL_FOLDER_FILES = 400;
// Slow enough to be seen on its way.
const UPLOAD_BYTES_PER_SECOND = 400_000;

// A picture in one colour is smaller, whatever its size on the screen.
const BLANK_PICTURE_BYTES_MAX = 8_000;

const WIDTHS = [
  { name: "phone", viewport: { width: 390, height: 844 }, hasTouch: true },
  { name: "tablet", viewport: { width: 1024, height: 768 }, hasTouch: false },
  { name: "desk", viewport: { width: 1440, height: 900 }, hasTouch: false },
];

let server: Server;
let gate: Gate;
let folder: string;

test.beforeAll(async () => {
  await beginSheet();
});

test.beforeEach(async () => {
  // Room for the specimens, but not for the film that is refused.
  server = await Server.start({ environment: { CLOUDSTEAD_QUOTA: "24MiB", CLOUDSTEAD_REGISTRATION: "open" } });
  gate = await Gate.before(server);
  folder = await mkdtemp(join(tmpdir(), "cloudstead-material-"));
});

test.afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

test.afterAll(writeSheet);

for (const { name, viewport, hasTouch } of WIDTHS) {
  test(`every page and state on a ${name}`, async ({ browser }) => {
    test.setTimeout(15 * MINUTE_MS);
    await Client.register(server, "ann", "Ann Archer");
    const witness = await Client.signIn(server, "ann", "Ann's phone");
    await furnish(witness, browser);

    const ann = await Person.on(browser, gate.url, { viewport, hasTouch });
    const camera = new Camera(ann.page, viewport.width);
    await signedOut(ann, camera);
    await arriving(ann, camera);
    await browsing(ann, camera);
    await acting(ann, camera);
    await looking(ann, camera);
    await searching(ann, camera);
    await trash(ann, camera, witness);
    await writing(ann, camera, witness);
    await settings(ann, camera);
    await uploads(ann, camera);
    await offline(ann, camera);
    await conflicts(ann, camera, witness);
    await activity(ann, camera);
  });
}

for (const { name, viewport, hasTouch } of WIDTHS) {
  test(`every page of photos on a ${name}`, async ({ browser }) => {
    test.setTimeout(15 * MINUTE_MS);
    const ann = await Person.on(browser, gate.url, { viewport, hasTouch });
    await ann.register("ann");
    await photoLibrary(ann, new Camera(ann.page, viewport.width, 60), gate);
  });
}

async function signedOut({ page }: Person, camera: Camera): Promise<void> {
  await page.goto("/register");
  await page.getByLabel("Username").fill("ben");
  await camera.takes("Register");
  await page.goto("/sign-in");
  await camera.takes("Sign in");
  await page.getByLabel("Username").fill("ann");
  await page.getByRole("textbox", { name: "Password" }).fill("not the password");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("alert")).not.toBeEmpty();
  await camera.takes("Sign in, refused");
}

/** The first sync, held back until it was seen. */
async function arriving({ page }: Person, camera: Camera): Promise<void> {
  let goOn = () => {};
  const seen = new Promise<void>((resolve) => (goOn = resolve));
  await page.route("**/sync/pull*", async (route) => {
    await seen;
    // One that was given up meanwhile is asked again.
    await route.continue().catch(() => undefined);
  });
  await page.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByText("Getting your files").first()).toBeVisible();
  await camera.takes("First sync");
  goOn();
  await page.unroute("**/sync/pull*");
}

async function browsing(ann: Person, camera: Camera): Promise<void> {
  const { page } = ann;
  await ann.seesStatus("Up to date");
  await expect(ann.item("Photographs")).toBeVisible();
  await camera.takes("Files, list");
  await page.getByRole("button", { name: "Show as grid" }).click();
  await expect(page.getByRole("listbox", { name: "Folder contents" })).toBeVisible();
  await expect(ann.item("Morning ridge.png").locator("img")).toBeVisible();
  await camera.takes("Files, grid");
  await page.getByRole("button", { name: /^Sort by/ }).click();
  await camera.takes("Sort menu");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Show as list" }).click();

  await ann.opens("Field recordings");
  const list = page.getByRole("grid", { name: "Folder contents" });
  await list.evaluate((element) => element.scrollTo(0, element.scrollHeight / 4));
  await expect(ann.item("Recording 104.wav")).toBeVisible();
  await camera.takes("A full folder, scrolled");
  await page.goto("/files");
  await ann.opens("Drafts");
  await expect(page.getByText("This folder is empty")).toBeVisible();
  await camera.takes("An empty folder");
  await page.goto("/files/0198c0de-0000-7000-8000-000000000000");
  await expect(page.getByText("There is nothing at this address")).toBeVisible();
  await camera.takes("Nothing at this address");
  await page.goto("/files");
}

async function acting(ann: Person, camera: Camera): Promise<void> {
  const { page } = ann;
  await expect(ann.item("Contract.pdf")).toBeVisible();
  await ann.dragsOver();
  await expect(page.getByText("Drop to upload")).toBeVisible();
  await camera.takes("A drop on its way");
  await ann.dragsAway();
  await ann.item("Contract.pdf").click();
  await ann.item("Letter to Ben.txt").click({ modifiers: ["ControlOrMeta"] });
  await ann.item("Packing list.md").click({ modifiers: ["ControlOrMeta"] });
  await camera.takes("Three selected");
  await page.keyboard.press("Escape");
  await ann.item("Packing list.md").click({ button: "right" });
  await expect(page.getByRole("menu")).toBeVisible();
  await camera.takes("Context menu");
  await page.getByRole("menuitem", { name: "Rename" }).click();
  await expect(page.getByLabel(/^New name of/)).toBeFocused();
  await camera.takes("Renaming");
  await page.keyboard.press("Escape");
  await ann.item("Packing list.md").click({ button: "right" });
  await page.getByRole("menuitem", { name: "Move to…" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await camera.takes("Move dialog");
  await page.keyboard.press("Escape");
  // On a phone the button gives its place to what can be done with the selection.
  await ann.item("Packing list.md").click({ button: "right" });
  await page.getByRole("menuitem", { name: "Details" }).click();
  await expect(page.getByText("Current", { exact: true })).toBeVisible();
  await camera.takes("Details with versions");
  await page.getByRole("complementary", { name: "Details" }).getByRole("button", { name: "Close" }).click();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "New", exact: true }).click();
  await camera.takes("New menu");
  await page.keyboard.press("Escape");
}

async function looking(ann: Person, camera: Camera): Promise<void> {
  const { page } = ann;
  const sheet = page.getByRole("dialog", { name: /^Quick look/ });
  for (const [file, state, shown] of [
    ["Lake in the evening.png", "a picture", "img"],
    ["Letter to Ben.txt", "a text", "pre"],
    ["tides.rs", "code", "pre"],
    ["Packing list.md", "Markdown", "h1"],
    ["Household.csv", "a table", "pre"],
    ["Contract.pdf", "a PDF", "iframe"],
    ["Voice memo.wav", "sound", "audio"],
    ["Sunrise.webm", "a film", "video"],
    ["Old letters.zip", "no preview", "text=No preview for this kind of file"],
  ] as const) {
    await ann.looksAt(file);
    await expect(sheet.locator(shown).first()).toBeVisible();
    if (shown === "iframe") await isDrawn(sheet.locator(shown));
    else await page.waitForLoadState("networkidle");
    await camera.takes(`Quick look, ${state}`);
    await page.keyboard.press("Escape");
    await expect(sheet).toBeHidden();
  }
}

/** The browser's own viewer tells the page nothing, and its network is never idle: it is there once it is seen. */
async function isDrawn(viewer: Locator): Promise<void> {
  await expect.poll(async () => (await viewer.screenshot()).length, { timeout: MINUTE_MS }).toBeGreaterThan(BLANK_PICTURE_BYTES_MAX);
}

async function searching({ page }: Person, camera: Camera): Promise<void> {
  await page.goto("/search");
  await expect(page.getByText("Search your files by name")).toBeVisible();
  await camera.takes("Search, not begun");
  await page.goto("/search?q=le");
  await expect(page.getByText(/\d+ results/)).toBeVisible();
  await camera.takes("Search results");
  await page.goto("/search?q=zebra");
  await expect(page.getByText("Nothing found")).toBeVisible();
  await camera.takes("Nothing found");
}

async function trash(ann: Person, camera: Camera, witness: Client): Promise<void> {
  const { page } = ann;
  await page.goto("/files");
  await ann.item("Household.csv").click();
  await page.keyboard.press("Delete");
  await expect(page.getByRole("button", { name: "Undo" })).toBeVisible();
  await camera.takes("Deleted, with a way back");
  await page.goto("/trash");
  await expect(ann.item("Household.csv")).toBeVisible();
  await camera.takes("Trash");
  await page.getByRole("button", { name: "Empty trash" }).click();
  await camera.takes("Emptying the trash");
  await page.getByRole("dialog").getByRole("button", { name: "Empty trash" }).click();
  await expect(page.getByText("The trash is empty")).toBeVisible();
  await camera.takes("An empty trash");
  await expect.poll(async () => (await witness.items()).some((item) => item.name === "Household.csv")).toBe(false);
}

/** The editor with a text of each kind, finding, and refused. */
async function writing(ann: Person, camera: Camera, witness: Client): Promise<void> {
  const { page } = ann;
  const items = await witness.items();
  const named = (name: string) => items.find((item) => item.name === name)!;
  const field = page.getByRole("textbox", { name: /^Text of/ });
  await page.goto(`/edit/${named("Letter to Ben.txt").id}`);
  await expect(field).toHaveValue(/Dear Ben/);
  await camera.takes("Editor, a text");
  await page.goto(`/edit/${named("Packing list.md").id}`);
  await expect(field).toHaveValue(/Packing list/);
  await camera.takes("Editor, Markdown");
  await page.keyboard.press("ControlOrMeta+f");
  await page.keyboard.type("wat");
  await camera.takes("Editor, finding");
  await page.goto(`/edit/${named("Lake in the evening.png").id}`);
  await expect(page.getByRole("link", { name: /^Back to/ })).toBeVisible();
  await camera.takes("Editor, not a text");
}

/** Conflicts of every kind that looks different, then one of them settled. */
async function conflicts(ann: Person, camera: Camera, witness: Client): Promise<void> {
  const { page } = ann;
  await page.goto("/files");
  await ann.seesStatus("Up to date");
  const question = page.getByRole("dialog");
  const between = async (name: string, here: Uint8Array, there: Uint8Array) => {
    const item = (await witness.items()).find((item) => item.name === name)!;
    await applied(witness, [changeOf(item, "content", { size: there.length, data: Buffer.from(there).toString("base64") })]);
    await ann.editsUnseen(item, here);
    await expect(question.getByRole("heading", { name, exact: true })).toBeVisible();
  };
  const text = (name: string) => Buffer.from(SPECIMENS.find((it) => it.name === name)!.bytes).toString("utf8");
  const letter = text("Letter to Ben.txt");
  const letters = ["this evening", "on Sunday, there will be cake"].map((when) => Buffer.from(letter.replace("when you like", when)));
  await between("Letter to Ben.txt", letters[0]!, letters[1]!);
  await expect(question.getByText("this evening").first()).toBeVisible();
  await camera.takes("Conflict, a text");
  await page.keyboard.press("Escape");

  const code = text("tides.rs");
  const codes = [code.replace("44_714", "44_712"), code.replace("last + PERIOD", "last.saturating_add(PERIOD)")];
  await between("high water.rs", Buffer.from(codes[0]!), Buffer.from(codes[1]!));
  await expect(question.getByText("44_712").first()).toBeVisible();
  await camera.takes("Conflict, with a merge to take");
  await page.keyboard.press("Escape");

  const lake = (evening: number) =>
    picture(480, 320, [[34 + evening, 52, 92], [246, 178 - evening, 132]], [[104, 96, 128], [66 + evening, 68, 102], [34, 40, 66]]);
  await between("Lake in the evening.png", lake(0), lake(60));
  await expect(question.getByRole("slider")).toBeVisible();
  await camera.takes("Conflict, pictures");
  await page.keyboard.press("Escape");

  await between("Old letters.zip", Buffer.alloc(1_000, 1), Buffer.alloc(2_000, 2));
  await camera.takes("Conflict, neither text nor picture");
  await page.keyboard.press("Escape");
  await camera.takes("Conflicts, left for later");
  await ann.item("Old letters.zip").click({ button: "right" });
  await page.getByRole("menuitem", { name: "Review both versions" }).click();
  await question.getByRole("button", { name: "Keep both" }).click();
  await expect(question.getByRole("heading", { name: "Old letters.zip" })).toBeHidden();
  await page.keyboard.press("Escape");
}

async function activity({ page }: Person, camera: Camera): Promise<void> {
  await page.goto("/activity");
  await expect(page.getByText("Both versions of “Old letters.zip” were kept.")).toBeVisible();
  await camera.takes("Activity");
}

async function settings({ page }: Person, camera: Camera): Promise<void> {
  await page.goto("/settings");
  await expect(page.getByText("Ann's phone")).toBeVisible();
  await camera.takes("Settings");
  await page.getByRole("button", { name: "Sign out", exact: true }).first().click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await camera.takes("Signing out");
  await page.keyboard.press("Escape");
  await page.goto("/files");
  await expect(page.getByRole("navigation", { name: "Where you are" })).toBeVisible();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog")).toBeVisible();
  await camera.takes("Keyboard shortcuts");
  await page.keyboard.press("Escape");
}

async function uploads(ann: Person, camera: Camera): Promise<void> {
  const { page } = ann;
  const network = await ann.context.newCDPSession(page);
  const slow = (uploadThroughput: number) =>
    network.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput });
  const [clip, interview] = [join(folder, "Clip.mov"), join(folder, "Interview.mp3")];
  await noise(clip, 6 * MIB);
  await noise(interview, 2 * MIB);
  await slow(UPLOAD_BYTES_PER_SECOND);
  await ann.uploads(clip, interview);
  await expect(ann.uploadPanel.getByText(/\/s/).first()).toBeVisible({ timeout: MINUTE_MS });
  await camera.takes("Uploads on their way");
  const status = page.getByRole("button", { name: /^Sync status/ });
  await status.click();
  await camera.takes("Sync status, syncing");
  await page.keyboard.press("Escape");
  await slow(-1);
  await ann.seesUploadsFinished(MINUTE_MS);
  await camera.takes("Uploads finished");
  await ann.uploadPanel.getByRole("button", { name: "Uploads finished" }).click();
  await camera.takes("Uploads, one line");
  await ann.uploadPanel.getByRole("button", { name: "Clear finished" }).click();

  const tooLarge = join(folder, "Concert.mp4");
  await writeFile(tooLarge, Buffer.alloc(0));
  await noise(tooLarge, 30 * MIB);
  await ann.uploads(tooLarge);
  await expect(status).toHaveAttribute("aria-label", /Storage is full/, { timeout: MINUTE_MS });
  await camera.takes("No room for an upload");
  await status.click();
  await camera.takes("Sync status, storage is full");
  await page.keyboard.press("Escape");
  await ann.uploadPanel.getByRole("button", { name: "Cancel" }).or(ann.uploadPanel.getByRole("button", { name: "Remove from the list" })).first().click();
}

async function offline(ann: Person, camera: Camera): Promise<void> {
  const { page } = ann;
  await gate.cut();
  await page.goto("/files");
  await ann.seesStatus(/Offline/);
  await ann.item("tides.rs").click();
  await page.keyboard.press("F2");
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("high water.rs");
  await page.keyboard.press("Enter");
  await expect(ann.item("high water.rs")).toBeVisible();
  await camera.takes("Offline");
  await page.getByRole("button", { name: /^Sync status/ }).click();
  await camera.takes("Sync status, offline");
  await gate.restore();
}

/** Folders and files as a person has them, some changed long ago. */
async function furnish(client: Client, browser: Browser): Promise<void> {
  const studio = await browser.newPage();
  const clip = await film(studio);
  await studio.close();
  const ago = (hours: number) => ({ modifiedAt: new Date(Date.now() - hours * HOUR_MS).toISOString() });
  const folders = ["Photographs", "Field recordings", "House", "Drafts"].map((name) => createFolderChange(client.rootId, name, ago(90)));
  const [, recordings, house] = folders;
  const files = [...SPECIMENS, clip].map(({ name, mimeType, bytes }, index) =>
    createChange(client.rootId, name, bytes, { mimeType, ...ago(index * index * 9 + 0.3) }),
  );
  const inHouse = ["Plans", "Garden", "Bills"].map((name) => createFolderChange(house!.fileId, name));
  await applied(client, [...folders, ...inHouse]);
  for (const file of files) await applied(client, [file]);
  await applied(
    client,
    Array.from({ length: FULL_FOLDER_FILES }, (_, index) =>
      createChange(recordings!.fileId, `Recording ${String(index + 1).padStart(3, "0")}.wav`, Buffer.from(`${index}`), ago(index)),
    ),
  );
  const list = (await client.items()).find((item) => item.name === "Packing list.md")!;
  const more = Buffer.from(SPECIMENS.find(({ name }) => name === list.name)!.bytes).toString("utf8").replace("- [ ] Camera", "- [x] Camera");
  const bytes = Buffer.from(more, "utf8");
  await applied(client, [changeOf(list, "content", { size: bytes.length, data: bytes.toString("base64") })]);
}

async function applied(client: Client, changes: object[]): Promise<Item[]> {
  const { status, body } = await client.push(changes);
  expect(status).toBe(200);
  expect(body.errors).toEqual([]);
  return body.applied.map((one) => one.item);
}
