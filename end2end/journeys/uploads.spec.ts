// The panel of uploads: what a person does to what is on its way, and what a reload leaves of it.

import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Locator, expect, test } from "@playwright/test";

import { Client } from "../client.ts";
import { noise, sha256 } from "../material.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";
import { Valve } from "../valve.ts";

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;
/** Chunks that are sent at a time before anything is known of the line. */
const STREAMS_FIRST = 3;
const RECEIVED = "cloudstead_upload_body_bytes_total";

let server: Server;
let folder: string;
let ann: Person;
let witness: Client;

test.beforeEach(async ({ browser }) => {
  server = await Server.start();
  folder = await mkdtemp(join(tmpdir(), "cloudstead-material-"));
  await Client.register(server, "ann");
  witness = await Client.signIn(server, "ann");
  ann = await Person.on(browser, server.url);
  await ann.signIn("ann");
});

test.afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, mib: number): Promise<string> {
  const path = join(folder, name);
  await noise(path, mib * MIB);
  return path;
}

const received = () => server.counter(RECEIVED);
const button = (within: Locator, name: string) => within.getByRole("button", { name, exact: true });
const title = (words: string | RegExp) => expect(ann.uploadPanel.locator("header")).toContainText(words);
const percent = async (name: string) => Number(await ann.upload(name).getByRole("progressbar").getAttribute("aria-valuenow"));

/** Which of red, green and blue is the most in a bar. */
const hue = (name: string) =>
  ann.upload(name).getByRole("progressbar").locator("div").evaluate((fill) => {
    const parts = getComputedStyle(fill).backgroundColor.match(/[\d.]+/g)!.map(Number);
    return ["red", "green", "blue"][parts.indexOf(Math.max(...parts.slice(0, 3)))];
  });

/** The person is asked for a file that a reload took away, and gives one. */
async function chooses(name: string, path: string): Promise<void> {
  const chooser = ann.page.waitForEvent("filechooser");
  await button(ann.upload(name), "Choose the file again").click();
  await (await chooser).setFiles(path);
}

test("what is on its way is paused, resumed, cancelled and tried again, one and all", async () => {
  test.setTimeout(4 * MINUTE_MS);
  const { page, uploadPanel: panel } = ann;
  const valve = await Valve.on(page, 1);

  await test.step("a pause lets arrive what was sent, and no more", async () => {
    const film = await file("film.bin", 12);
    await ann.uploads(film);
    await expect.poll(() => percent("film.bin")).toBeGreaterThan(0);
    expect(await percent("film.bin")).toBeLessThan(100);
    expect(await hue("film.bin")).toBe("blue");
    await button(ann.upload("film.bin"), "Pause").click();
    await expect(ann.upload("film.bin")).toContainText("Paused");
    await title("1 upload paused");
    await ann.seesStatus("1 upload paused");
    await valve.opens();
    await expect.poll(() => valve.arrived).toBe(1 + STREAMS_FIRST);
    await page.waitForTimeout(1_000);
    expect(valve.arrived).toBe(1 + STREAMS_FIRST);
    expect(await received()).toBeLessThan(12 * MIB);
    await expect(ann.item("film.bin").getByRole("img", { name: /sync/i })).toBeVisible();
    await button(ann.upload("film.bin"), "Resume").click();
    await ann.seesUploadsFinished(MINUTE_MS);
    expect(await received()).toBe(12 * MIB);
    const { id } = (await witness.named("film.bin"))!;
    expect((await witness.download(id)).sha256).toBe(await sha256(film));
  });

  await test.step("what is cancelled leaves nothing behind", async () => {
    valve.shuts();
    await ann.uploads(await file("clip.bin", 6));
    await expect(ann.item("clip.bin")).toBeVisible();
    await button(ann.upload("clip.bin"), "Cancel").click();
    await expect(ann.upload("clip.bin")).toBeHidden();
    await expect(ann.item("clip.bin")).toBeHidden();
    await valve.opens();
    await ann.seesStatus("Up to date");
    expect(await witness.named("clip.bin")).toBeUndefined();
  });

  await test.step("all at once: paused, resumed, cleared away, cancelled", async () => {
    valve.shuts();
    const names = ["one.bin", "two.bin", "three.bin"];
    await ann.uploads(...(await Promise.all(names.map((name) => file(name, 2)))));
    await title("Uploading 3 items");
    await button(panel, "Pause all").click();
    for (const name of names) await expect(ann.upload(name)).toContainText("Paused");
    await title("3 uploads paused");
    await valve.opens();
    await button(panel, "Resume all").click();
    await ann.seesUploadsFinished(MINUTE_MS);
    for (const name of names) await expect(ann.upload(name)).toContainText("Uploaded");
    await button(panel, "Clear finished").click();
    await expect(panel).toBeHidden();
    valve.shuts();
    await ann.uploads(await file("four.bin", 2), await file("five.bin", 2));
    await title("Uploading 2 items");
    await button(panel, "Cancel all").click();
    await expect(panel).toBeHidden();
    for (const name of ["four.bin", "five.bin"]) await expect(ann.item(name)).toBeHidden();
    await valve.opens();
  });

  await test.step("what is refused says why, is red, and goes on with a click", async () => {
    const problem = { type: "about:blank", title: "Read only", status: 403, code: "read_only", detail: "You can only view this folder" };
    const refuse = () => page.route("**/complete", (route) => route.fulfill({ status: 403, contentType: "application/problem+json", json: problem }));
    await refuse();
    await ann.uploads(await file("refused.bin", 2));
    const retry = button(ann.upload("refused.bin"), "Failed, click to retry");
    await expect(retry).toBeVisible();
    await expect(ann.upload("refused.bin")).toContainText("You can only view this folder");
    await title("1 upload failed");
    expect(await hue("refused.bin")).toBe("red");
    await ann.seesStatus("Can't sync 1 item");
    await page.unroute("**/complete");
    await retry.click();
    await ann.seesUploadsFinished(MINUTE_MS);
    await ann.seesStatus("Up to date");
    expect((await witness.named("refused.bin"))?.size).toBe(2 * MIB);
    await refuse();
    await ann.uploads(await file("again.bin", 2));
    await title("1 upload failed");
    await page.unroute("**/complete");
    await button(panel, "Try all again").click();
    await ann.seesUploadsFinished(MINUTE_MS);
    await ann.seesStatus("Up to date");
    const last = await file("last.bin", 2);
    await refuse();
    await ann.uploads(last);
    await title("1 upload failed");
    await page.unroute("**/complete");
    await page.reload();
    await ann.seesStatus("Can't sync 1 item");
    await page.getByRole("button", { name: /^Sync status/ }).click();
    await page.getByRole("button", { name: "Try now" }).click();
    await chooses("last.bin", last);
    await ann.seesUploadsFinished(MINUTE_MS);
    await ann.seesStatus("Up to date");
  });
});

test("an upload that a reload cut goes on with the same file only, and sends nothing twice", async () => {
  test.setTimeout(4 * MINUTE_MS);
  const { page } = ann;
  const valve = await Valve.on(page, 2);
  const film = await file("film.bin", 12);
  const later = await file("later.bin", 2);
  await ann.uploads(film);
  await expect.poll(() => valve.arrived).toBe(2);
  await ann.uploads(later);
  await button(ann.upload("later.bin"), "Pause").click();
  await expect(ann.upload("later.bin")).toContainText("Paused");
  const before = await received();
  expect(before).toBeGreaterThan(0);
  await ann.seesStatus(/Syncing 2 items/);

  await page.reload();
  await expect(ann.upload("film.bin")).toContainText("Choose the file again to go on where it stopped.");
  await expect(ann.upload("later.bin")).toContainText("Paused");
  await title("1 upload needs its file again");
  await ann.seesStatus("1 upload needs its file again");
  await page.getByRole("button", { name: /^Sync status/ }).click();
  await expect(page.getByRole("list", { name: "Changes" }).getByRole("listitem")).toContainText(["Choose the file again", "Paused"]);
  await page.keyboard.press("Escape");
  const refused = () => ann.isTold("This is not the file that was begun. Choose “film.bin” as it was");

  await test.step("another file is not taken", async () => {
    await chooses("film.bin", later);
    await refused();
    await page.locator(".toast").getByRole("button", { name: "Close" }).click();
    const forged = join(folder, "other.bin");
    await noise(forged, 12 * MIB);
    await chooses("film.bin", forged);
    await refused();
    await expect(button(ann.upload("film.bin"), "Choose the file again")).toBeVisible();
    expect(await received()).toBe(before);
  });

  await test.step("the same one is, under another name too, and only the rest of it is sent", async () => {
    await valve.opens();
    const copy = join(folder, "copy of the film.bin");
    await copyFile(film, copy);
    await chooses("film.bin", copy);
    await expect(ann.upload("film.bin")).toContainText("Uploaded");
    expect(await received()).toBe(12 * MIB);
    const { id } = (await witness.named("film.bin"))!;
    expect((await witness.download(id)).sha256).toBe(await sha256(film));
  });

  await test.step("one that was paused asks when it goes on", async () => {
    await button(ann.upload("later.bin"), "Resume").click();
    await chooses("later.bin", later);
    await ann.seesUploadsFinished(MINUTE_MS);
    await ann.seesStatus("Up to date");
    expect((await witness.named("later.bin"))?.size).toBe(2 * MIB);
  });
});
