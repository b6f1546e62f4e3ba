// Files by mouse: dragged to every place that takes them, selected in every way, sorted, cut, copied and taken back.

import { type Locator, expect, test } from "@playwright/test";

import { Client, createChange, createFolderChange } from "../client.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Each column orders these differently. */
const FILES = [
  { name: "apple.txt", size: 30, days: 1 },
  { name: "banana.csv", size: 10, days: 3 },
  { name: "cherry.md", size: 50, days: 2 },
  { name: "date palm.zip", size: 20, days: 5 },
  { name: "date tree.txt", size: 40, days: 4 },
];
const NAMES = FILES.map(({ name }) => name);

let server: Server;
let ann: Person;
let witness: Client;

test.beforeEach(async ({ browser }) => {
  server = await Server.start();
  await Client.register(server, "ann");
  witness = await Client.signIn(server, "ann");
  const [alpha, beta] = ["Alpha", "Beta"].map((name) => createFolderChange(witness.rootId, name));
  await witness.done(alpha!, beta!, createFolderChange(beta!.fileId, "Inner"));
  const files = FILES.map(({ name, size, days }) =>
    createChange(witness.rootId, name, Buffer.alloc(size, name), { modifiedAt: new Date(Date.now() - days * DAY_MS).toISOString() }),
  );
  await witness.done(...files);
  ann = await Person.on(browser, server.url);
  await ann.signIn("ann");
  await expect(ann.rows).toHaveCount(FILES.length + 2);
});

test.afterEach(() => server.stop());

async function middle(place: Locator): Promise<{ x: number; y: number }> {
  const { x, y, width, height } = (await place.boundingBox())!;
  return { x: x + width / 2, y: y + height / 2 };
}

/** Takes an item by its name and holds it over a place, which springs open if it is a folder. */
async function holds(name: string, over: Locator): Promise<void> {
  const { x, y } = await middle(ann.item(name).getByText(name, { exact: true }));
  await ann.page.mouse.move(x, y);
  await ann.page.mouse.down();
  await ann.page.mouse.move(x + 12, y + 4, { steps: 2 });
  await movesTo(over);
}

async function movesTo(over: Locator): Promise<void> {
  const { x, y } = await middle(over);
  await ann.page.mouse.move(x, y, { steps: 3 });
}

const lies = (name: string, folder: string) => expect.poll(() => witness.folderOf(name)).toBe(folder);
const isSelected = (count: number) => expect(ann.page.getByRole("group", { name: "For what is selected" })).toContainText(`${count} selected`);
const nothingIsSelected = () => expect(ann.page.getByRole("button", { name: "Clear selection" })).toBeHidden();
const undo = () => ann.page.locator(".toast").getByRole("button", { name: "Undo" }).last().click();

test("files are dragged onto rows, the way back, the sidebar and the trash, and into folders that spring open", async () => {
  test.setTimeout(4 * MINUTE_MS);
  const { page } = ann;
  const main = page.getByRole("navigation", { name: "Main" }).first();
  const way = page.getByRole("navigation", { name: "Where you are" });

  await test.step("onto a row, and back by the toast", async () => {
    await holds("apple.txt", ann.item("Alpha"));
    await page.mouse.up();
    await expect(ann.item("apple.txt")).toBeHidden();
    await ann.isTold("Moved “apple.txt” to “Alpha”");
    await lies("apple.txt", "Alpha");
    await undo();
    await expect(ann.item("apple.txt")).toBeVisible();
    await lies("apple.txt", "");
  });

  await test.step("not onto a file, nor onto itself", async () => {
    await holds("banana.csv", ann.item("cherry.md"));
    await expect(page.locator(".drop-into, .drop-here")).toHaveCount(0);
    await page.mouse.up();
    await holds("Alpha", ann.item("Alpha"));
    await expect(page.locator(".drop-into, .drop-here")).toHaveCount(0);
    await page.mouse.up();
    await expect(ann.rows).toHaveCount(FILES.length + 2);
  });

  await test.step("several onto the sidebar, and back and forth by keys", async () => {
    await ann.item("banana.csv").click();
    await ann.item("cherry.md").click({ modifiers: ["ControlOrMeta"] });
    await holds("banana.csv", main.getByRole("link", { name: "Beta" }));
    await page.mouse.up();
    await ann.isTold("Moved 2 items to “Beta”");
    await lies("cherry.md", "Beta");
    await page.keyboard.press("ControlOrMeta+z");
    for (const name of ["banana.csv", "cherry.md"]) await lies(name, "");
    await page.keyboard.press("ControlOrMeta+Shift+z");
    for (const name of ["banana.csv", "cherry.md"]) await lies(name, "Beta");
  });

  await test.step("onto the way back", async () => {
    await ann.opens("Beta");
    await holds("cherry.md", way.getByRole("link", { name: "Files" }));
    await page.mouse.up();
    await expect(ann.item("cherry.md")).toBeHidden();
    await lies("cherry.md", "");
  });

  await test.step("onto the trash", async () => {
    await holds("banana.csv", main.getByRole("link", { name: "Trash" }));
    await page.mouse.up();
    await ann.isTold("Moved “banana.csv” to the trash");
    await expect.poll(() => witness.named("banana.csv")).toBeUndefined();
    await undo();
    await lies("banana.csv", "Beta");
  });

  await test.step("into a folder that springs open, and one in it, anywhere in its list", async () => {
    await page.goBack();
    const restsOn = async (place: Locator, until: () => Promise<void>) => {
      const { x, y } = await middle(place);
      // A hand is never quite still.
      await expect(async () => {
        await page.mouse.move(x + Math.random(), y, { steps: 2 });
        await until();
      }).toPass();
    };
    const sprangOpen = (name: string) => expect(way).toContainText(name, { timeout: 2_000 });
    await holds("apple.txt", ann.item("Beta"));
    await restsOn(ann.item("Beta"), () => sprangOpen("Beta"));
    await restsOn(ann.item("Inner"), () => sprangOpen("Inner"));
    await restsOn(page.locator("#content"), () => expect(page.locator("#content")).toHaveClass(/drop-here/, { timeout: 1_000 }));
    await page.mouse.up();
    await ann.isTold("Moved “apple.txt” to “Inner”");
    await expect(ann.item("apple.txt")).toBeVisible();
    await lies("apple.txt", "Inner");
    await expect(page.locator("#content")).not.toHaveClass(/drop-here/);
  });
});

test("files are selected by band, click and letters, sorted by every column, cut, copied and pasted", async () => {
  test.setTimeout(4 * MINUTE_MS);
  const { page } = ann;
  const mouse = page.mouse;
  const band = async (from: [number, number], to: [number, number]) => {
    await mouse.move(...from);
    await mouse.down();
    await mouse.move(...to, { steps: 5 });
    await expect(page.locator(".rubber-band")).toBeVisible();
    await mouse.up();
    await expect(page.locator(".rubber-band")).toBeHidden();
  };

  await test.step("a band over rows, and on from its end by keyboard", async () => {
    const { x } = await middle(page.getByRole("columnheader", { name: "Modified" }));
    const [first, last] = [await middle(ann.item("apple.txt")), await middle(ann.item("cherry.md"))];
    await band([x, first.y], [x + 40, last.y]);
    await isSelected(3);
    await page.keyboard.press("Shift+ArrowDown");
    await isSelected(4);
    await page.keyboard.press("Escape");
    await nothingIsSelected();
  });

  await test.step("a range by shift, single ones by ctrl", async () => {
    await ann.item("apple.txt").click();
    await ann.item("cherry.md").click({ modifiers: ["Shift"] });
    await isSelected(3);
    await ann.item("banana.csv").click({ modifiers: ["ControlOrMeta"] });
    await isSelected(2);
    await ann.item("date tree.txt").click({ modifiers: ["ControlOrMeta"] });
    await isSelected(3);
    await page.keyboard.press("ControlOrMeta+a");
    await isSelected(FILES.length + 2);
    const { x, y, height } = (await page.getByRole("grid", { name: "Folder contents" }).boundingBox())!;
    await mouse.click(x + 200, y + height - 20);
    await nothingIsSelected();
  });

  await test.step("every column sorts, folders first", async () => {
    const header = (name: string) => page.getByRole("columnheader", { name });
    const sorted = async (name: string, order: "ascending" | "descending", ...files: number[]) => {
      await header(name).getByRole("button").click();
      await expect(header(name)).toHaveAttribute("aria-sort", order);
      await expect.poll(async () => (await ann.names()).slice(2)).toEqual(files.map((at) => NAMES[at]));
      expect((await ann.names()).slice(0, 2).sort()).toEqual(["Alpha", "Beta"]);
    };
    await sorted("Name", "descending", 4, 3, 2, 1, 0);
    await sorted("Modified", "descending", 0, 2, 1, 4, 3);
    await sorted("Modified", "ascending", 3, 4, 1, 2, 0);
    await sorted("Type", "ascending", 3, 2, 1, 0, 4);
    await sorted("Size", "descending", 2, 4, 0, 3, 1);
    await page.reload();
    await expect(header("Size")).toHaveAttribute("aria-sort", "descending");
    await sorted("Name", "ascending", 0, 1, 2, 3, 4);
  });

  await test.step("letters lead to a name, spaces included", async () => {
    await ann.item("Alpha").click();
    await page.keyboard.type("ch");
    await expect(ann.item("cherry.md")).toHaveAttribute("aria-selected", "true");
    await isSelected(1);
    // A pause begins another word.
    await page.waitForTimeout(900);
    await page.keyboard.type("date t");
    await expect(ann.item("date tree.txt")).toHaveAttribute("aria-selected", "true");
    await expect(page.getByRole("dialog")).toBeHidden();
  });

  await test.step("as a grid, after a reload too, with a band over tiles", async () => {
    await page.getByRole("button", { name: "Show as grid" }).click();
    await page.reload();
    const grid = page.getByRole("listbox", { name: "Folder contents" });
    await expect(grid).toBeVisible();
    const { x, y } = (await grid.boundingBox())!;
    const beta = await middle(ann.item("Beta"));
    await band([x + 5, y + 5], [beta.x, beta.y]);
    await isSelected(2);
    await page.keyboard.press("Escape");
    await holds("cherry.md", ann.item("Alpha"));
    await mouse.up();
    await lies("cherry.md", "Alpha");
    await page.keyboard.press("ControlOrMeta+z");
    await lies("cherry.md", "");
    await page.getByRole("button", { name: "Show as list" }).click();
    await expect(page.getByRole("grid", { name: "Folder contents" })).toBeVisible();
  });

  await test.step("cut and pasted elsewhere, copied and pasted beside, and both taken back", async () => {
    await ann.item("apple.txt").click();
    await page.keyboard.press("ControlOrMeta+x");
    await expect(ann.item("apple.txt")).toHaveClass(/cut/);
    await ann.opens("Alpha");
    await page.keyboard.press("ControlOrMeta+v");
    await expect(ann.item("apple.txt")).toBeVisible();
    await lies("apple.txt", "Alpha");
    await page.keyboard.press("ControlOrMeta+z");
    await expect(ann.item("apple.txt")).toBeHidden();
    await lies("apple.txt", "");

    await page.goBack();
    await ann.item("cherry.md").click();
    await page.keyboard.press("ControlOrMeta+c");
    await page.keyboard.press("ControlOrMeta+v");
    await expect(ann.item("cherry (2).md")).toHaveAttribute("aria-selected", "true");
    await lies("cherry (2).md", "");
    const copy = (await witness.named("cherry (2).md"))!;
    expect(await witness.text(copy.id)).toBe(await witness.text((await witness.named("cherry.md"))!.id));
    await page.keyboard.press("ControlOrMeta+z");
    await expect(ann.item("cherry (2).md")).toBeHidden();
    await expect.poll(() => witness.named("cherry (2).md")).toBeUndefined();
  });
});
