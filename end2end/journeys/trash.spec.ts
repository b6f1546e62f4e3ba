// What was deleted or overwritten: put back, deleted for good, and earlier versions restored.

import { type Page, expect, test } from "@playwright/test";

import { Client, changeOf, createChange, createFolderChange } from "../client.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

let server: Server;
let ann: Person;
let witness: Client;

test.beforeEach(async ({ browser }) => {
  server = await Server.start();
  await Client.register(server, "ann");
  witness = await Client.signIn(server, "ann", "Ann's phone");
  ann = await Person.on(browser, server.url);
});

test.afterEach(() => server.stop());

const text = (words: string): Uint8Array => Buffer.from(words, "utf8");
const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const trashed = async () =>
  (await witness.call<{ items: { name: string }[] }>("GET", "/trash")).body.items.map(({ name }) => name).sort();

test("the trash gives back and forgets what it is asked to, and asks before it forgets", async () => {
  const letters = createFolderChange(witness.rootId, "Letters");
  const names = ["a.txt", "b.txt", "c.txt", "d.txt", "e.txt"];
  const files = names.map((name) => createChange(name === "a.txt" ? letters.fileId : witness.rootId, name, text(name)));
  const made = await witness.done(letters, ...files);
  const seenToken = await witness.syncToken();
  await witness.done(...made.slice(2).map(({ item }) => changeOf(item, "delete", { seenToken })));
  await ann.signIn("ann");
  const { page } = ann;
  await ann.deletes("Letters");
  await expect.poll(trashed).toEqual(["Letters", "b.txt", "c.txt", "d.txt", "e.txt"]);
  await page.goto("/trash");
  await expect(ann.rows).toHaveCount(5);
  expect((await ann.names())[0], "the latest first").toBe("Letters");
  await expect(ann.item("b.txt").getByRole("gridcell").nth(1)).toHaveText("Files");

  await test.step("one is put back by the menu, and the toast takes it away again", async () => {
    await ann.item("b.txt").click({ button: "right" });
    await expect(page.getByRole("menuitem")).toHaveText([/Put back/, /Details/, /Delete for good/]);
    await page.getByRole("menuitem", { name: "Put back" }).click();
    await ann.isTold("Put back “b.txt”");
    await expect(ann.item("b.txt")).toBeHidden();
    await expect.poll(() => witness.folderOf("b.txt")).toBe("");
    await page.locator(".toast").getByRole("button", { name: "Undo" }).click();
    await expect(ann.item("b.txt")).toBeVisible();
    await expect.poll(() => witness.named("b.txt")).toBeUndefined();
  });

  await test.step("a folder comes back with what was in it", async () => {
    await page.reload();
    await ann.item("Letters").click();
    await button(page, "Put back").click();
    await expect(ann.item("Letters")).toBeHidden();
    await expect.poll(() => witness.folderOf("a.txt")).toBe("Letters");
  });

  await test.step("nothing is deleted for good before the question is answered", async () => {
    const question = page.getByRole("dialog", { name: "Delete “c.txt” for good?" });
    await ann.item("c.txt").click();
    await page.keyboard.press("Delete");
    await expect(question).toContainText("This can't be undone.");
    await page.keyboard.press("Enter");
    await expect(question).toBeHidden();
    await expect(ann.item("c.txt")).toBeVisible();
    await button(page, "Delete for good").click();
    await question.getByRole("button", { name: "Delete for good" }).click();
    await ann.isTold("Deleted “c.txt” for good");
    await expect(ann.item("c.txt")).toBeHidden();
    await expect.poll(trashed).toEqual(["b.txt", "d.txt", "e.txt"]);
  });

  await test.step("all of it, after a reload, once that was confirmed", async () => {
    await page.reload();
    await expect(ann.rows).toHaveCount(3);
    await button(page, "Empty trash").click();
    const question = page.getByRole("dialog", { name: "Delete all 3 items in the trash for good?" });
    await expect(question.getByRole("button", { name: "Cancel" })).toBeFocused();
    await page.keyboard.press("Escape");
    await expect(question).toBeHidden();
    await expect(ann.rows).toHaveCount(3);
    await button(page, "Empty trash").click();
    await question.getByRole("button", { name: "Empty trash" }).click();
    await expect(page.getByText("The trash is empty")).toBeVisible();
    await expect.poll(trashed).toEqual([]);
    await page.reload();
    await expect(page.getByText("The trash is empty")).toBeVisible();
    expect((await witness.items()).map(({ name }) => name).sort()).toEqual(["Letters", "a.txt"]);
  });
});

test("the details show the versions of a file, and an earlier one comes back as the latest", async () => {
  const [made] = await witness.done(createChange(witness.rootId, "plan.bin", text("first")));
  let { item } = made!;
  for (const words of ["the second", "and the third one"]) {
    const change = changeOf(item, "content", { size: words.length, data: Buffer.from(words).toString("base64") });
    item = (await witness.done(change))[0]!.item;
  }
  await ann.signIn("ann");
  const { page } = ann;
  const pane = page.getByRole("complementary", { name: "Details" });
  const versions = pane.getByRole("listitem");
  await ann.item("plan.bin").click();
  await page.keyboard.press("ControlOrMeta+i");
  await expect(pane).toContainText("plan.bin");
  await expect(versions).toHaveCount(3);
  await expect(versions.nth(0)).toContainText("Current");
  await expect(versions.nth(0)).toContainText("17");
  await expect(versions.nth(2)).toContainText("Ann's phone · 5");

  const download = page.waitForEvent("download");
  await versions.nth(1).getByRole("link", { name: "Download this version" }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe("plan.bin");
  await expect(versions.nth(0).getByRole("button")).toHaveCount(0);

  await versions.nth(2).getByRole("button", { name: "Restore this version" }).click();
  await ann.isTold("Restored the earlier version");
  await expect(versions).toHaveCount(4);
  await expect(versions.nth(0)).toContainText("Current");
  await expect(versions.nth(0)).toContainText("· 5");
  await expect(ann.item("plan.bin")).toContainText(/5 ?(B|byte)/);
  await expect.poll(() => witness.text(item.id)).toBe("first");

  await page.reload();
  await expect(pane).toContainText("Details");
  await ann.item("plan.bin").click();
  await expect(versions).toHaveCount(4);
});
