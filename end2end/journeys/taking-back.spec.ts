import { expect, test } from "@playwright/test";

import { Client, type Item, changeOf, createChange } from "../client.ts";
import { world } from "../library.ts";
import { Person } from "../person.ts";

const here = world();
const BEFORE = "1\n2\n3\n";
const HERS = "one\n2\n3\n";
const THEIRS = "1\n2\nthree\n";

const content = (item: Item, text: string) =>
  changeOf(item, "content", { size: Buffer.byteLength(text), data: Buffer.from(text).toString("base64") });

test("what became of changes that met is taken back offline: a merge, a copy that was kept, a name", async ({ browser }) => {
  const ann = await Person.on(browser, here.gate.url);
  await ann.register("ann");
  const { page } = ann;
  const laptop = await Client.signIn(here.server, "ann", "Ann's laptop");
  const made = async (name: string, text: string, mimeType: string): Promise<Item> =>
    (await laptop.push([createChange(laptop.rootId, name, Buffer.from(text), { mimeType })])).body.applied[0]!.item;
  const [joined, split] = [await made("joined.txt", BEFORE, "text/plain"), await made("split.bin", BEFORE, "application/octet-stream")];
  await expect(ann.item("split.bin")).toBeVisible();

  await test.step("two devices change the same things", async () => {
    await laptop.push([content(joined, HERS), content(split, HERS)]);
    await ann.editsUnseen(joined, Buffer.from(THEIRS));
    await ann.editsUnseen(split, Buffer.from(THEIRS));
    const question = page.getByRole("dialog");
    await question.getByRole("button", { name: "Keep both" }).click();
    await expect(ann.item("split.bin")).toBeVisible();
    await laptop.push([createChange(laptop.rootId, "split.bin", Buffer.from("another"))]);
    await ann.seesStatus("Up to date");
    await expect(ann.rows).toHaveCount(4);
  });

  const told = (words: string) => page.getByRole("listitem").filter({ hasText: words });
  await page.goto("/activity");
  await expect(told("The changes were joined")).toBeVisible();

  await test.step("all of it is taken back without the server", async () => {
    await here.gate.cut();
    await ann.seesStatus(/Offline/);
    await told("The changes were joined").getByRole("button", { name: "Undo" }).click();
    await expect(told("The changes were joined").getByRole("button", { name: "Undo" })).toHaveCount(0);
    await told("Both versions").getByRole("button", { name: "Delete the copy" }).click();
    await expect(told("Both versions").getByRole("button", { name: "Delete the copy" })).toHaveCount(0);
    // The name is still another's.
    await expect(told("because the name was taken").getByRole("button")).toHaveCount(0);
    await page.getByRole("link", { name: "Files" }).first().click();
    await expect(ann.rows).toHaveCount(3);
    await ann.deletes("split.bin");
    await page.getByRole("link", { name: "Activity" }).first().click();
    await told("because the name was taken").getByRole("button", { name: "Rename to “split.bin”" }).click();
  });

  await test.step("and stands on the server later", async () => {
    await here.gate.restore();
    await ann.seesStatus("Up to date");
    expect(await laptop.text(joined.id)).toBe(HERS);
    const names = (await laptop.items()).filter(({ isDeleted }) => !isDeleted).map(({ name }) => name).sort();
    expect(names).toEqual(["joined.txt", "split.bin"]);
  });
});
