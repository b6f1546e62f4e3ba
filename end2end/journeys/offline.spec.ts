import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Page, expect, test } from "@playwright/test";

import { Client, createChange } from "../client.ts";
import { fill } from "../crowd.ts";
import { Gate } from "../gate.ts";
import { noise, sha256 } from "../material.ts";
import { Person } from "../person.ts";
import { Profile } from "../profile.ts";
import { Server } from "../server.ts";

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;

let server: Server;
let gate: Gate;
let folder: string;

test.beforeEach(async () => {
  server = await Server.start();
  gate = await Gate.before(server);
  folder = await mkdtemp(join(tmpdir(), "cloudstead-material-"));
});

test.afterEach(async () => {
  await gate.cut();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The page holds the app's own files, so that it starts without a server. */
async function holdsTheApp(page: Page): Promise<void> {
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
}

/** The sizes of the files in the browser's own file system, as far as they are whole. */
async function copiesInTheBrowser(): Promise<number[]> {
  const sizes: number[] = [];
  const look = async (folder: FileSystemDirectoryHandle): Promise<void> => {
    for await (const entry of (folder as unknown as { values(): AsyncIterable<FileSystemHandle> }).values()) {
      if (entry.kind === "directory") await look(entry as FileSystemDirectoryHandle);
      else sizes.push((await (entry as FileSystemFileHandle).getFile()).size);
    }
  };
  await look(await navigator.storage.getDirectory());
  return sizes;
}

async function textFile(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

test("the app starts offline on a deep address, and everything done there arrives once", async ({ browser }) => {
  test.setTimeout(4 * MINUTE_MS);
  const ann = await Person.on(browser, gate.url);
  await ann.register("ann");
  await ann.makesFolder("Letters");
  await ann.opens("Letters");
  await ann.uploads(await textFile("old.txt", "written long ago"));
  await ann.seesStatus("Up to date");
  await holdsTheApp(ann.page);
  const address = ann.page.url();
  await gate.cut();
  await ann.page.close();

  const page = await ann.context.newPage();
  const offline = Person.at(page);
  await page.goto(address);
  await expect(offline.item("old.txt")).toBeVisible();
  await offline.seesStatus(/Offline/);

  await test.step("what was uploaded here can be read", async () => {
    await offline.looksAt("old.txt");
    await expect(page.getByRole("dialog")).toContainText("written long ago");
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toBeHidden();
  });
  await offline.makesFolder("Drafts");
  await offline.renames("old.txt", "new.txt");
  await offline.uploads(await textFile("note.txt", "written offline"));
  const large = join(folder, "large.bin");
  await noise(large, 3 * MIB);
  await offline.uploads(large);
  await expect(offline.item("note.txt")).toBeVisible();
  await expect(offline.item("large.bin")).toBeVisible();
  await test.step("search finds names, without a server", async () => {
    await page.getByRole("searchbox").first().fill("draft");
    await expect(offline.item("Drafts")).toBeVisible();
    await page.goto(address);
  });
  await expect(offline.item("note.txt")).toBeVisible();
  await offline.item("Drafts").click();
  await page.keyboard.press("Delete");
  await expect(offline.item("Drafts")).toBeHidden();
  // The large file is copied beside, for whoever closes the tab.
  await expect.poll(() => page.evaluate(copiesInTheBrowser), { timeout: MINUTE_MS }).toContain(3 * MIB);
  await page.close();

  const again = Person.at(await ann.context.newPage());
  await again.page.goto(address);
  await expect(again.item("large.bin")).toBeVisible();
  await gate.restore();
  await again.seesStatus("Up to date", MINUTE_MS);

  const client = await Client.signIn(server, "ann");
  const items = await client.items();
  expect(items.map((item) => item.name).sort()).toEqual(["Letters", "large.bin", "new.txt", "note.txt"]);
  const sent = items.find((item) => item.name === "large.bin")!;
  expect((await client.download(sent.id)).sha256).toBe(await sha256(large));
});

/** Every commit of the browser's databases takes two seconds. */
function slowDisk(): void {
  const commit = IDBTransaction.prototype.commit;
  IDBTransaction.prototype.commit = function (this: IDBTransaction) {
    const until = performance.now() + 2_000;
    const store = this.objectStore(this.objectStoreNames[0]!);
    const wait = () => {
      if (performance.now() < until) store.get("").onsuccess = wait;
      else commit.call(this);
    };
    wait();
  };
}

test("what is called up to date is there without a server, however slow the disk is", async ({ browser }) => {
  await Client.register(server, "ann");
  await fill(await Client.signIn(server, "ann"), 30);
  const ann = await Person.on(browser, gate.url);
  await ann.page.addInitScript(slowDisk);
  await ann.signIn("ann");
  await ann.seesStatus("Saving to this device");
  await expect(ann.item("File 7.txt")).toBeVisible();
  await ann.seesStatus("Up to date");
  await ann.isReadyForOffline();
  await gate.cut();
  await ann.page.reload();
  await expect(ann.item("File 7.txt")).toBeVisible();
  await ann.seesStatus(/Offline/);
});

test("a killed browser loses none of 50 queued operations, and delivers each once", async () => {
  test.setTimeout(4 * MINUTE_MS);
  const profile = await Profile.create();
  try {
    const first = Person.at(await (await profile.open()).newPage());
    await first.page.goto(`${gate.url}/register`);
    await first.registerHere("ann");
    await first.makesFolder("Inbox");
    await first.seesStatus("Up to date");
    await holdsTheApp(first.page);
    await first.opens("Inbox");
    const address = first.page.url();
    // The sign-in is on the disk when the browser was closed once.
    await profile.close();
    await gate.cut();

    const before = Person.at(await (await profile.open()).newPage());
    await before.page.goto(address);
    await before.seesStatus(/Offline/);
    const files = await Promise.all([...Array(49).keys()].map((n) => textFile(`file ${n}.txt`, `text ${n}`)));
    await before.uploads(...files);
    await before.seesStatus(/Offline, 49 changes waiting/);
    await before.makesFolder("Made offline");
    await before.renames("file 0.txt", "a first.txt");
    await before.seesStatus(/Offline, 50 changes waiting/);
    await profile.kill();

    const after = Person.at(await (await profile.open()).newPage());
    await after.page.goto(address);
    await expect(after.item("a first.txt")).toBeVisible();
    await after.seesStatus(/Offline, 50 changes waiting/);
    await gate.restore();
    // A browser writes its cookies when it likes: a killed one may have lost the session, and nothing else.
    const status = after.page.getByRole("button", { name: /^Sync status: (Up to date|Syncing)/ });
    await expect(status.or(after.page.getByLabel("Username"))).toBeVisible({ timeout: MINUTE_MS });
    if (new URL(after.page.url()).pathname === "/sign-in") await after.signInHere("ann");
    await after.seesStatus("Up to date", MINUTE_MS);

    const client = await Client.signIn(server, "ann");
    const names = (await client.items()).map((item) => item.name).sort();
    const expected = [...Array(48).keys()].map((n) => `file ${n + 1}.txt`);
    expect(names).toEqual([...expected, "Inbox", "Made offline", "a first.txt"].sort());
  } finally {
    await profile.remove();
  }
});

test("a second tab shows what the first did, and takes over when that is killed", async ({ browser }) => {
  test.setTimeout(3 * MINUTE_MS);
  const leader = await Person.on(browser, gate.url);
  await leader.register("ann");
  await leader.seesStatus("Up to date");
  const follower = Person.at(await leader.context.newPage());
  await follower.page.goto("/files");
  await leader.makesFolder("From the first tab");
  await expect(follower.item("From the first tab")).toBeVisible();
  await follower.makesFolder("From the second tab");
  await expect(leader.item("From the second tab")).toBeVisible();
  await follower.seesStatus("Up to date");

  await gate.cut();
  await follower.makesFolder("Before the kill");
  await leader.seesStatus(/Offline, 1 change waiting/);
  const devtools = await leader.context.newCDPSession(leader.page);
  // The tab's process dies; the answer to the command dies with it.
  devtools.send("Page.crash").catch(() => undefined);
  await follower.makesFolder("After the kill");
  await gate.restore();
  await follower.seesStatus("Up to date", MINUTE_MS);
  const client = await Client.signIn(server, "ann");
  expect((await client.items()).map((item) => item.name).sort()).toEqual([
    "After the kill",
    "Before the kill",
    "From the first tab",
    "From the second tab",
  ]);
});

test("a wiped database is a new device, and deletes nothing", async ({ browser }) => {
  test.setTimeout(3 * MINUTE_MS);
  const ann = await Person.on(browser, gate.url);
  await ann.register("ann");
  await ann.makesFolder("Precious");
  await ann.seesStatus("Up to date");
  const client = await Client.signIn(server, "ann", "Observer");
  type Devices = { devices: { id: string; name: string }[] };
  const others = async () =>
    (await client.call<Devices>("GET", "/devices")).body.devices.filter((it) => it.name !== "Observer");
  const [first] = await others();

  await ann.page.goto("about:blank");
  const wiping = await ann.context.newPage();
  const devtools = await ann.context.newCDPSession(wiping);
  await devtools.send("Storage.clearDataForOrigin", { origin: gate.url, storageTypes: "indexeddb" });
  await wiping.goto("/files");
  const back = Person.at(wiping);
  await expect(wiping).toHaveURL(/\/sign-in/);
  await back.signInHere("ann");
  await expect(back.item("Precious")).toBeVisible();
  await back.seesStatus("Up to date");
  expect((await client.items()).map((item) => item.name)).toEqual(["Precious"]);
  const ids = (await others()).map((device) => device.id);
  expect(ids.filter((id) => id !== first!.id)).toHaveLength(1);
});

test("a session that ended meanwhile keeps what waits until the same person signs in", async ({ browser }) => {
  test.setTimeout(3 * MINUTE_MS);
  const ann = await Person.on(browser, gate.url);
  await ann.register("ann");
  await ann.makesFolder("Before");
  await ann.seesStatus("Up to date");
  await holdsTheApp(ann.page);
  await gate.cut();
  await ann.seesStatus(/Offline/);
  await ann.makesFolder("While away");
  const client = await Client.signIn(server, "ann", "Observer");
  type Devices = { devices: { id: string; name: string }[] };
  const { body } = await client.call<Devices>("GET", "/devices");
  const device = body.devices.find((it) => it.name !== "Observer")!;
  await client.call("DELETE", `/devices/${device.id}`);
  await gate.restore();

  await expect(ann.page).toHaveURL(/\/sign-in/, { timeout: MINUTE_MS });
  await ann.signInHere("ann");
  await expect(ann.item("While away")).toBeVisible();
  await ann.seesStatus("Up to date", MINUTE_MS);
  expect((await client.items()).map((item) => item.name).sort()).toEqual(["Before", "While away"]);
});

test("what is kept on this device opens without a server, and what is not here says so", async ({ browser }) => {
  test.setTimeout(3 * MINUTE_MS);
  await Client.register(server, "ann");
  const client = await Client.signIn(server, "ann", "Elsewhere");
  const letters = { ...createFolder(client.rootId, "Letters") };
  await client.push([letters]);
  await client.push([
    createChange(letters.fileId, "kept.txt", Buffer.from("kept with its folder")),
    createChange(client.rootId, "seen.txt", Buffer.from("opened once")),
    createChange(client.rootId, "elsewhere.txt", Buffer.from("never opened here")),
  ]);
  const ann = await Person.on(browser, gate.url);
  await ann.signIn("ann");
  await ann.seesStatus("Up to date");
  await holdsTheApp(ann.page);

  await ann.item("Letters").click({ button: "right" });
  await ann.page.getByRole("menuitem", { name: "Keep on this device" }).click();
  await ann.looksAt("seen.txt");
  await expect(ann.page.getByRole("dialog")).toContainText("opened once");
  await ann.page.keyboard.press("Escape");
  // What comes into a kept folder later is kept, too.
  await client.push([createChange(letters.fileId, "later.txt", Buffer.from("came later"))]);
  await ann.opens("Letters");
  for (const name of ["kept.txt", "later.txt"]) {
    await expect(ann.item(name).getByRole("img", { name: "On this device: Kept with its folder" })).toBeVisible();
  }
  await ann.page.goto("/settings");
  await expect(ann.page.getByRole("region", { name: "Storage on this device" })).toContainText("2 files");

  await gate.cut();
  const page = await ann.context.newPage();
  await ann.page.close();
  const offline = Person.at(page);
  await page.goto("/files");
  await offline.seesStatus(/Offline/);
  for (const [name, shows] of [
    ["seen.txt", "opened once"],
    ["elsewhere.txt", "This file is not on this device. It opens when the server can be reached again."],
  ] as const) {
    await offline.looksAt(name);
    await expect(page.getByRole("dialog")).toContainText(shows);
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toBeHidden();
  }
  await offline.opens("Letters");
  const download = await offline.downloads("later.txt");
  expect(download.suggestedFilename()).toBe("later.txt");
  await offline.looksAt("kept.txt");
  await expect(page.getByRole("dialog")).toContainText("kept with its folder");
});

test("a large picture that is looked at comes once, and stays", async ({ browser }) => {
  test.setTimeout(3 * MINUTE_MS);
  const picture = join(folder, "large.bmp");
  await writeFile(picture, bitmap(2_000, 1_500));
  const desk = await Person.on(browser, server.url);
  await desk.register("ann");
  await desk.uploads(picture);
  await desk.seesStatus("Up to date", MINUTE_MS);
  const phone = await Person.on(browser, gate.url);
  await phone.signIn("ann");
  await phone.seesStatus("Up to date");
  await holdsTheApp(phone.page);
  const downloads: string[] = [];
  phone.context.on("request", (request) => {
    if (request.url().includes("/download")) downloads.push(request.url());
  });
  const shown = phone.page.getByRole("dialog").locator("img");
  const isWhole = () => shown.evaluate((it: HTMLImageElement) => it.complete && it.naturalWidth === 2_000);
  await phone.looksAt("large.bmp");
  await expect.poll(isWhole, { timeout: MINUTE_MS }).toBe(true);
  await phone.page.keyboard.press("Escape");
  await expect(phone.item("large.bmp")).toBeVisible();
  await gate.cut();
  await phone.seesStatus(/Offline/);
  await phone.looksAt("large.bmp");
  await expect.poll(isWhole).toBe(true);
  expect(downloads).toHaveLength(1);
});

/** A picture without compression: as many bytes as it has pixels, three times. */
function bitmap(width: number, height: number): Buffer {
  const HEAD_BYTES = 54;
  const bytes = Buffer.alloc(HEAD_BYTES + width * height * 3);
  for (let at = HEAD_BYTES; at < bytes.length; at++) bytes[at] = (at * 31) ^ (at >> 9);
  bytes.write("BM");
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(HEAD_BYTES, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(height, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  return bytes;
}

function createFolder(parentId: string, name: string) {
  return {
    operationId: crypto.randomUUID(),
    fileId: crypto.randomUUID(),
    baseVersion: {},
    kind: "createFolder",
    parentId,
    name,
  };
}
