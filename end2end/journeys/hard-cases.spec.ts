// Two devices of one person; one of them was offline. What each of them did must be there afterwards, once.

import { expect, test } from "@playwright/test";

import { Client, type Item, changeOf, createChange, createFolderChange } from "../client.ts";
import { Gate } from "../gate.ts";
import { Person } from "../person.ts";
import { Profile } from "../profile.ts";
import { Server } from "../server.ts";

// Tombstones go after 180.
const LONGER_THAN_REMEMBERED_DAYS = 182;

let server: Server;
let gate: Gate;
/** The device that is offline: a browser behind the gate. */
let ann: Person;
/** The device that is not, and the witness of what the server holds. */
let other: Client;

test.beforeEach(async ({ browser }) => {
  server = await Server.start();
  gate = await Gate.before(server);
  await Client.register(server, "ann");
  other = await Client.signIn(server, "ann", "Ann's phone");
  ann = await Person.on(browser, gate.url);
  await ann.signIn("ann");
});

test.afterEach(async () => {
  await server.stop();
});

/** Items of the root on both sides, once everything was delivered. */
async function together(...names: string[]): Promise<Item[]> {
  await gate.restore();
  await ann.seesStatus("Up to date");
  const items = await other.items();
  const here = items.filter((item) => item.parentId === other.rootId).map((item) => item.name);
  expect(here.sort()).toEqual([...names].sort());
  for (const name of names) await expect(ann.item(name)).toBeVisible();
  await expect(ann.rows).toHaveCount(names.length);
  return items;
}

async function pushed(...changes: object[]): Promise<void> {
  const { status, body } = await other.push(changes);
  expect(status).toBe(200);
  expect(body.errors).toEqual([]);
}

const text = (words: string): Uint8Array => Buffer.from(words, "utf8");

/** Makes these on the server and waits until Ann's browser shows them; then her line is cut. */
async function given(...changes: { name?: string }[]): Promise<void> {
  await pushed(...changes);
  for (const { name } of changes) if (name !== undefined) await expect(ann.item(name)).toBeVisible();
  await ann.seesStatus("Up to date");
  await gate.cut();
  await ann.seesStatus(/Offline/);
}

const file = (name: string, words: string, parentId = other.rootId) => ({ name, ...createChange(parentId, name, text(words)) });
const folder = (name: string, parentId = other.rootId) => ({ name, ...createFolderChange(parentId, name) });
const named = (items: Item[], name: string): Item => items.find((item) => item.name === name)!;

const contentOf = async (name: string): Promise<string> => other.text(named(await other.items(), name).id);

const edited = (item: Item, words: string) =>
  changeOf(item, "content", { size: text(words).length, data: Buffer.from(text(words)).toString("base64") });

test("renamed here, edited there: both are kept", async () => {
  await given(file("plan.txt", "first"));
  await ann.renames("plan.txt", "the plan.txt");
  await pushed(edited(named(await other.items(), "plan.txt"), "second"));
  await together("the plan.txt");
  expect(await contentOf("the plan.txt")).toBe("second");
});

test("deleted here, edited there: the edit wins", async () => {
  await given(file("plan.txt", "first"));
  await ann.deletes("plan.txt");
  await pushed(edited(named(await other.items(), "plan.txt"), "second"));
  await together("plan.txt");
  expect(await contentOf("plan.txt")).toBe("second");
});

test("renamed here, deleted there: it lives under the new name", async () => {
  await given(file("plan.txt", "first"));
  await ann.renames("plan.txt", "the plan.txt");
  await pushed(changeOf(named(await other.items(), "plan.txt"), "delete", { seenToken: await other.syncToken() }));
  await together("the plan.txt");
});

test("a folder deleted here gets a child there: the child and its folder live", async () => {
  const trip = folder("trip");
  await given(trip);
  await ann.deletes("trip");
  await pushed(file("tickets.txt", "two seats", trip.fileId));
  const items = await together("trip");
  expect(named(items, "tickets.txt").parentId).toBe(trip.fileId);
});

test("the same name made twice: one gets a number, none is lost", async () => {
  await given();
  await ann.makesFile("plan.txt", "mine");
  await pushed(file("plan.txt", "theirs"));
  await together("plan.txt", "plan (2).txt");
  expect([await contentOf("plan.txt"), await contentOf("plan (2).txt")]).toEqual(["theirs", "mine"]);
});

test("the same folder made twice is one, with what both put into it", async () => {
  await given();
  await ann.makesFolder("trip");
  await ann.opens("trip");
  await ann.makesFile("mine.txt", "mine");
  await ann.page.goBack();
  const trip = folder("trip");
  await pushed(trip, file("theirs.txt", "theirs", trip.fileId));
  const items = await together("trip");
  const inside = items.filter((item) => item.parentId === trip.fileId).map((item) => item.name);
  expect(inside.sort()).toEqual(["mine.txt", "theirs.txt"]);
});

test("names that differ by case or by normal form are twins", async () => {
  await given();
  await ann.makesFile("Cafe\u0301.txt", "mine");
  await ann.makesFile("README.txt", "mine");
  await pushed(file("caf\u00e9.txt", "theirs"), file("readme.txt", "theirs"));
  await together("caf\u00e9.txt", "Caf\u00e9 (2).txt", "readme.txt", "README (2).txt");
});

test("two names swapped while offline", async () => {
  await given(file("a.txt", "one"), file("b.txt", "two"));
  await ann.renames("a.txt", "c.txt");
  await ann.renames("b.txt", "a.txt");
  await ann.renames("c.txt", "b.txt");
  await together("a.txt", "b.txt");
  expect([await contentOf("a.txt"), await contentOf("b.txt")]).toEqual(["two", "one"]);
});

test("A into B here and B into A there: the first stands, the other is taken back", async () => {
  const [a, b] = [folder("A"), folder("B")];
  await given(a, b);
  await ann.moves("A", "B");
  await pushed(changeOf(named(await other.items(), "B"), "move", { parentId: a.fileId }));
  await gate.restore();
  await ann.seesStatus(/Can't sync 1 item|Up to date/);
  await expect(ann.item("A")).toBeVisible();
  await expect(ann.item("B")).toBeHidden();
  const items = await other.items();
  expect(named(items, "A").parentId).toBe(other.rootId);
  expect(named(items, "B").parentId).toBe(a.fileId);
  await ann.opens("A");
  await expect(ann.item("B")).toBeVisible();
});

test("a chain of folders moved into each other by two tabs and a device has no cycle, and every tab shows the same", async () => {
  const [a, b, c] = [folder("A"), folder("B"), folder("C")];
  const tab = Person.at(await ann.context.newPage());
  await tab.page.goto("/files");
  await given(a, b, c);
  await expect(tab.rows).toHaveCount(3);
  await ann.moves("A", "B");
  await expect(tab.item("A")).toBeHidden();
  await tab.moves("B", "C");
  await expect(ann.rows).toHaveCount(1);
  await pushed(changeOf(named(await other.items(), "C"), "move", { parentId: a.fileId }));
  await gate.restore();

  // B cannot go into C, which is in A, which is in B: that move is taken back, and says why.
  const chain = [["", "B"], ["B", "A"], ["A", "C"]] as const;
  for (const person of [ann, tab]) {
    await person.seesStatus("Can't sync 1 item");
    await expect(person.item("B")).toBeVisible();
    await person.page.getByRole("button", { name: /^Sync status/ }).click();
    const reason = "A folder cannot be put into itself, and the other was moved in here first";
    await expect(person.page.getByRole("list", { name: "Changes" })).toContainText(reason);
    await person.page.keyboard.press("Escape");
  }
  await tab.page.getByRole("button", { name: /^Sync status/ }).click();
  await tab.page.getByRole("button", { name: "Discard" }).click();
  await tab.page.getByRole("dialog", { name: "Discard “Move” of “B”?" }).getByRole("button", { name: "Discard" }).click();
  for (const person of [ann, tab]) {
    await person.seesStatus("Up to date");
    for (const [folder, inside] of chain) {
      expect(await other.folderOf(inside)).toBe(folder);
      if (folder !== "") await person.opens(folder);
      await expect(person.item(inside)).toBeVisible();
      await expect(person.rows).toHaveCount(1);
    }
    await person.opens("C");
    await expect(person.page.getByText("This folder is empty")).toBeVisible();
  }
  await ann.page.reload();
  await expect(ann.page.getByText("This folder is empty")).toBeVisible();
  expect(await other.items()).toHaveLength(3);
});

test("moved into one folder here and into another there: the first to arrive stands", async () => {
  const [here, there] = [folder("here"), folder("there")];
  await given(here, there, file("plan.txt", "first"));
  await ann.moves("plan.txt", "here");
  await pushed(changeOf(named(await other.items(), "plan.txt"), "move", { parentId: there.fileId }));
  const items = await together("here", "there");
  expect(named(items, "plan.txt").parentId).toBe(there.fileId);
  await ann.opens("there");
  await expect(ann.item("plan.txt")).toBeVisible();
});

test("an answer that was lost on the way: the retry applies nothing twice", async () => {
  await given();
  await ann.makesFile("plan.txt", "first");
  await ann.makesFolder("trip");
  let lost = 0;
  await ann.page.route("**/sync/push", async (route) => {
    // The server did it; the browser never hears of it.
    await route.fetch();
    lost++;
    await route.abort();
    if (lost === 2) await ann.page.unroute("**/sync/push");
  });
  await together("plan.txt", "trip");
  expect(lost).toBe(2);
});

test("a browser that is killed right after the sign-in still knows who signed in", async () => {
  const profile = await Profile.create();
  try {
    const before = Person.at(await (await profile.open()).newPage());
    await before.page.goto(`${gate.url}/sign-in`);
    await before.signInHere("ann");
    await before.makesFolder("trip");
    await before.isReadyForOffline();
    await profile.kill();
    await gate.cut();
    const after = Person.at(await (await profile.open()).newPage());
    await after.page.goto(`${gate.url}/files`);
    await expect(after.item("trip")).toBeVisible();
  } finally {
    await profile.remove();
  }
});

test("a device that was away for longer than the server remembers deletes", async () => {
  await given(file("old.txt", "gone meanwhile"), file("plan.txt", "first"), file("letter.txt", "untouched"));
  await ann.renames("plan.txt", "the plan.txt");
  await ann.makesFile("new.txt", "made offline");
  await pushed(changeOf(named(await other.items(), "old.txt"), "delete", { seenToken: await other.syncToken() }));
  await server.down();
  await server.up(LONGER_THAN_REMEMBERED_DAYS);
  await gate.restore();
  // Its session has ended meanwhile, but not what it holds.
  await expect(ann.page).toHaveURL(/sign-in/);
  await ann.signInHere("ann");
  other = await Client.signIn(server, "ann", "Ann's phone");
  await together("the plan.txt", "letter.txt", "new.txt");
  expect(await contentOf("new.txt")).toBe("made offline");
});
