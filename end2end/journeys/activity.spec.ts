// What became of changes that met others, and the way back from each kind of it.

import { expect, test } from "@playwright/test";

import { Client, type Item, changeOf, createChange, createFolderChange } from "../client.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

const text = (words: string): Uint8Array => Buffer.from(words, "utf8");
const content = (item: Item, words: string) =>
  changeOf(item, "content", { size: text(words).length, data: Buffer.from(text(words)).toString("base64") });

test("the activity tells what met, and takes back each kind of it", async ({ browser }) => {
  const server = await Server.start();
  try {
    await Client.register(server, "ann");
    // Two devices that do not know of each other's latest change; the browser is a third.
    const desk = await Client.signIn(server, "ann", "Desk");
    const phone = await Client.signIn(server, "ann", "Phone");
    const made = async (...changes: object[]) => (await desk.done(...changes)).map(({ item }) => item);
    const root = desk.rootId;
    const file = (name: string, words: string, parent = root) => createChange(parent, name, text(words));
    const is = (words: string) => async (name: string) => expect.poll(async () => desk.text((await desk.named(name))!.id)).toBe(words);

    const [here, there, trip] = await made(...["Here", "There", "Trip"].map((name) => createFolderChange(root, name)));
    const [moved, named, kept, back, joined, chosen, asked, seats] = await made(
      file("moved.txt", "1"),
      file("named.txt", "1"),
      file("kept.bin", "1"),
      file("back.bin", "1"),
      file("joined.txt", "1\n2\n3\n"),
      file("chosen.bin", "1"),
      file("asked.bin", "1"),
      file("seats.txt", "1", trip!.id),
    );
    const seen = await phone.syncToken();
    const trashedAt = { seenToken: seen };
    await made(changeOf(moved!, "move", { parentId: here!.id }), changeOf(named!, "move", { name: "first.txt" }));
    await phone.done(changeOf(moved!, "move", { parentId: there!.id }), changeOf(named!, "move", { name: "second.txt" }));
    await made(content(kept!, "2"), content(seats!, "2"), changeOf(back!, "delete", { seenToken: await desk.syncToken() }));
    await phone.done(changeOf(kept!, "delete", trashedAt), changeOf(trip!, "delete", trashedAt), content(back!, "2"));
    await made(content(joined!, "one\n2\n3\n"), content(chosen!, "desk"), content(asked!, "desk"));
    await phone.done(content(joined!, "1\n2\nthree\n"));
    await phone.push([content(chosen!, "phone"), content(asked!, "phone")]);
    const { conflicts } = (await desk.call<{ conflicts: { id: string; fileName: string; serverVersion: object }[] }>("GET", "/conflicts")).body;
    const settled = conflicts.find(({ fileName }) => fileName === "chosen.bin")!;
    const choice = { operationId: crypto.randomUUID(), resolution: "local", serverVersion: settled.serverVersion };
    expect((await desk.call("POST", `/conflicts/${settled.id}/resolve`, choice)).status).toBe(200);
    await is("phone")("chosen.bin");
    await phone.done(file("first.txt", "another"), createFolderChange(root, "Here"));

    const ann = await Person.on(browser, server.url);
    await ann.signIn("ann");
    // The open conflict asks at once.
    const question = ann.page.getByRole("dialog").filter({ hasText: "asked.bin" });
    await expect(question).toBeVisible();
    await ann.page.keyboard.press("Escape");
    await ann.page.goto("/activity");
    const { page } = ann;
    const entry = (sentence: string) => page.getByRole("listitem").filter({ hasText: sentence });
    const takes = (sentence: string, way: string) => entry(sentence).getByRole("button", { name: way, exact: true }).click();

    await test.step("each says what happened, and whose change it was", async () => {
      await expect(entry("“moved.txt” was moved in two places at once. The first move stands.")).toContainText("Phone · just now");
      for (const sentence of ["“first.txt” became “first (2).txt”, because the name was taken.", "The folder “Here” was created in two places."]) {
        await expect(entry(sentence)).toBeVisible();
        await expect(entry(sentence).getByRole("button")).toHaveCount(0);
      }
      await expect(entry("“chosen.bin” was changed in two places at once").getByRole("button")).toHaveCount(0);
      await expect(page.getByRole("listitem").filter({ hasText: "“" })).toHaveCount(11);
    });

    await test.step("the other place, the other name", async () => {
      await takes("“moved.txt” was moved", "Move to “There”");
      await expect.poll(() => desk.folderOf("moved.txt")).toBe("There");
      await takes("“first.txt” was to be called “second.txt”", "Rename to “second.txt”");
      await expect.poll(() => desk.folderOf("second.txt")).toBe("");
      for (const sentence of ["“moved.txt” was moved", "“first.txt” was to be called"]) await expect(entry(sentence).getByRole("button")).toHaveCount(0);
    });

    await test.step("deleted after all", async () => {
      await takes("“kept.bin” was to be deleted", "Delete");
      await takes("“Trip” was deleted, but something in it", "Delete all of it");
      await takes("“back.bin” was changed while it was in the trash", "Delete");
      for (const name of ["kept.bin", "Trip", "back.bin"]) await expect.poll(() => desk.named(name)).toBeUndefined();
      await page.keyboard.press("ControlOrMeta+z");
      await expect.poll(() => desk.named("back.bin")).toBeDefined();
    });

    await test.step("what it held before, and the choice that is still to be made", async () => {
      await is("one\n2\nthree\n")("joined.txt");
      await takes("“joined.txt” was edited in two places at once.", "Undo");
      await ann.isTold("Restored the earlier version");
      await is("one\n2\n3\n")("joined.txt");
      await takes("One version of “chosen.bin” was chosen.", "Undo");
      await is("desk")("chosen.bin");
      await takes("“asked.bin” was changed in two places at once", "Review");
      await question.getByRole("button", { name: /^Keep both/ }).click();
      await expect(entry("Both versions of “asked.bin” were kept.")).toBeVisible();
      await expect(entry("“asked.bin” was changed in two places at once").getByRole("button")).toHaveCount(0);
      await expect.poll(async () => (await desk.items()).filter(({ name }) => name.startsWith("asked")).length).toBe(2);
    });
  } finally {
    await server.stop();
  }
});
