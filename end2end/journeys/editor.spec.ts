import { AxeBuilder } from "@axe-core/playwright";
import { type Locator, type Page, expect, test } from "@playwright/test";

import { Client, changeOf, createChange } from "../client.ts";
import { Gate } from "../gate.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

const MINUTE_MS = 60_000;

let server: Server;

test.beforeEach(async () => {
  server = await Server.start();
});

test.afterEach(async () => {
  await server.stop();
});

/** What the editor shows of itself. */
class Editor {
  constructor(readonly page: Page) {}

  get text(): Locator {
    return this.page.getByRole("textbox", { name: /^Text of/ });
  }

  async says(words: string | RegExp): Promise<void> {
    await expect(this.page.locator(".editor-state")).toHaveText(words, { timeout: MINUTE_MS });
  }

  async opens(person: Person, name: string): Promise<void> {
    await person.item(name).dblclick();
    await expect(this.text).toBeFocused();
  }

  /** Types at the end of a line, counted from 1. */
  async typesInLine(line: number, words: string): Promise<void> {
    await this.text.press("ControlOrMeta+Home");
    for (let at = 1; at < line; at++) await this.text.press("ArrowDown");
    await this.text.press("End");
    await this.page.keyboard.type(words);
  }
}

/** Ann with a text on the server, in a browser. */
async function annWith(name: string, text: string, options: { page: Parameters<typeof Person.on>[0]; url?: string }) {
  const ann = await Person.on(options.page, options.url ?? server.url);
  await ann.register("ann");
  const client = await Client.signIn(server, "ann");
  const pushed = await client.push([createChange(client.rootId, name, Buffer.from(text))]);
  const id = pushed.body.applied[0]!.item.id;
  await expect(ann.item(name)).toBeVisible();
  return { ann, client, id };
}


test("a new text is named, written, saved and is there on the other device", async ({ browser }) => {
  const ann = await Person.on(browser, server.url);
  await ann.register("ann");
  await ann.page.getByRole("button", { name: "New", exact: true }).click();
  await ann.page.getByRole("button", { name: "New text file" }).click();
  const name = ann.page.getByLabel(/^New name of Untitled.txt/);
  await expect(name).toBeFocused();
  await ann.page.keyboard.type("Shopping");
  await ann.page.keyboard.press("Enter");
  await expect(ann.item("Shopping.txt")).toBeVisible();
  await ann.page.keyboard.press("Enter");

  const editor = new Editor(ann.page);
  await expect(editor.text).toBeFocused();
  await expect(ann.page).toHaveURL(/\/edit\//);
  await ann.page.keyboard.type("Bread\nMilk\n");
  await editor.says("Saved");

  const phone = await Person.on(browser, server.url);
  await phone.signIn("ann");
  await phone.page.goto(ann.page.url());
  const onPhone = new Editor(phone.page);
  await expect(onPhone.text).toHaveValue("Bread\nMilk\n");

  await test.step("what is written there comes in here, and the caret stays", async () => {
    await ann.page.keyboard.press("ControlOrMeta+Home");
    await ann.page.keyboard.press("End");
    await phone.page.keyboard.type("Today:\n");
    await expect(editor.text).toHaveValue("Today:\nBread\nMilk\n", { timeout: MINUTE_MS });
    expect(await editor.text.evaluate((it: HTMLTextAreaElement) => it.selectionStart)).toBe("Today:\nBread".length);
    await ann.page.keyboard.type(" and butter");
    await expect(onPhone.text).toHaveValue("Today:\nBread and butter\nMilk\n", { timeout: MINUTE_MS });
  });

  await test.step("back leads to the folder, and Enter to the text again", async () => {
    await ann.page.getByRole("link", { name: "Back to Files" }).click();
    await expect(ann.item("Shopping.txt")).toBeVisible();
    await editor.opens(ann, "Shopping.txt");
    await expect(editor.text).toHaveValue("Today:\nBread and butter\nMilk\n");
  });
});

test("a person's writing is one version, not one every few seconds", async ({ browser }) => {
  const { ann, client, id } = await annWith("story.txt", "Once\n\nupon\n", { page: browser });
  const editor = new Editor(ann.page);
  await ann.page.goto(`/edit/${id}`);
  await expect(editor.text).toHaveValue("Once\n\nupon\n");
  await editor.typesInLine(3, " a");
  await editor.says("Saved");

  await test.step("what follows is kept here, and sent when the person turns away", async () => {
    await ann.page.keyboard.type(" time");
    await editor.says("Saved on this device");
    expect(await client.text(id)).toBe("Once\n\nupon a\n");
    await ann.page.evaluate(() => window.dispatchEvent(new Event("blur")));
    await editor.says("Saved");
    expect(await client.text(id)).toBe("Once\n\nupon a time\n");
    const { body } = await client.call<{ versions: object[] }>("GET", `/files/${id}/versions`);
    expect(body.versions).toHaveLength(3);
  });

  await test.step("while another device writes too, what is typed goes soon", async () => {
    await ann.page.keyboard.type(" there");
    await editor.says("Saved on this device");
    const item = (await client.items()).find((item) => item.id === id)!;
    const theirs = Buffer.from("Once more\n\nupon a time\n");
    await client.push([changeOf(item, "content", { size: theirs.length, data: theirs.toString("base64") })]);
    await expect(editor.text).toHaveValue("Once more\n\nupon a time there\n", { timeout: MINUTE_MS });
    await editor.says("Saved");
  });
});

/** What this browser holds of texts that are still being written. */
async function drafts(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const settled = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const texts: string[] = [];
    for (const { name } of await indexedDB.databases()) {
      const database = await settled(indexedDB.open(name!));
      if (database.objectStoreNames.contains("drafts")) {
        const records = await settled<string[]>(database.transaction("drafts").objectStore("drafts").getAll());
        texts.push(...records.map((record) => JSON.parse(record).text));
      }
      database.close();
    }
    return texts;
  });
}

test("what was typed outlives a killed tab, with and without the server", async ({ browser }) => {
  const gate = await Gate.before(server);
  const { ann, client, id } = await annWith("diary.txt", "Monday\n", { page: browser, url: gate.url });
  await ann.page.goto(`/edit/${id}`);
  const editor = new Editor(ann.page);
  await expect(editor.text).toHaveValue("Monday\n");
  await ann.page.keyboard.press("ControlOrMeta+End");
  await ann.page.keyboard.type("I saw a fox.");
  await expect.poll(() => drafts(ann.page)).toContain("Monday\nI saw a fox.");
  // Killed in the pause before it would be saved: the renderer ends without a word to the page.
  await crash(ann.page);

  const again = await ann.context.newPage();
  await again.goto(`/edit/${id}`);
  const reopened = new Editor(again);
  await expect(reopened.text).toHaveValue("Monday\nI saw a fox.");
  await expect.poll(() => client.text(id), { timeout: MINUTE_MS }).toBe("Monday\nI saw a fox.");

  await gate.cut();
  await reopened.says("Saved");
  await again.keyboard.press("ControlOrMeta+End");
  await again.keyboard.type(" And a hare.");
  await reopened.says("Saved on this device");
  await crash(again);

  const offline = await ann.context.newPage();
  await offline.goto(`/edit/${id}`);
  await expect(new Editor(offline).text).toHaveValue("Monday\nI saw a fox. And a hare.");
  await gate.restore();
  await new Editor(offline).says("Saved");
  expect(await client.text(id)).toBe("Monday\nI saw a fox. And a hare.");
});

test("two devices write offline in different lines, and both are kept", async ({ browser }) => {
  const gate = await Gate.before(server);
  const { ann, client, id } = await annWith("poem.md", "one\n\ntwo\n\nthree\n", { page: browser, url: gate.url });
  const phone = await Person.on(browser, server.url);
  await phone.signIn("ann");
  const [here, there] = [new Editor(ann.page), new Editor(phone.page)];
  await ann.page.goto(`/edit/${id}`);
  await phone.page.goto(`/edit/${id}`);
  await expect(here.text).toHaveValue("one\n\ntwo\n\nthree\n");
  await expect(there.text).toHaveValue("one\n\ntwo\n\nthree\n");

  await gate.cut();
  await here.typesInLine(1, " (mine)");
  await here.says("Saved on this device");
  await there.typesInLine(5, " (theirs)");
  await there.says("Saved");
  await gate.restore();

  const both = "one (mine)\n\ntwo\n\nthree (theirs)\n";
  await expect(here.text).toHaveValue(both, { timeout: MINUTE_MS });
  await expect(there.text).toHaveValue(both, { timeout: MINUTE_MS });
  await here.says("Saved");
  expect(await client.text(id)).toBe(both);
  await expect(ann.page.getByRole("article")).toContainText("three (theirs)");
});

test("the same line on two devices is a conflict, and nobody's words are lost", async ({ browser }) => {
  const gate = await Gate.before(server);
  const { ann, client, id } = await annWith("line.txt", "one line\n", { page: browser, url: gate.url });
  const here = new Editor(ann.page);
  await ann.page.goto(`/edit/${id}`);
  await expect(here.text).toHaveValue("one line\n");
  await gate.cut();
  await here.typesInLine(1, " of mine");
  await here.says("Saved on this device");
  const item = (await client.items()).find((item) => item.id === id)!;
  const edited = Buffer.from("one line of theirs\n");
  await client.push([
    {
      operationId: crypto.randomUUID(),
      fileId: id,
      baseVersion: item.version,
      kind: "content",
      size: edited.length,
      data: edited.toString("base64"),
    },
  ]);
  await gate.restore();
  await here.says("Two versions, choose one");
  await expect(here.text).toHaveValue("one line of mine\n");
  const { body } = await client.call<{ conflicts: { id: string }[] }>("GET", "/conflicts");
  expect(body.conflicts).toHaveLength(1);
});

test("a text, with the keyboard alone", async ({ browser }) => {
  const { ann, id } = await annWith("list.txt", "cat\ndog\nCat\n", { page: browser });
  const { page } = ann;
  const editor = new Editor(page);
  await page.goto(`/edit/${id}`);
  await expect(editor.text).toBeFocused();

  await test.step("the tab key moves the text in, and Escape lets it go", async () => {
    await page.keyboard.press("Tab");
    await expect(editor.text).toHaveValue("    cat\ndog\nCat\n");
    await page.keyboard.press("Shift+Tab");
    await expect(editor.text).toHaveValue("cat\ndog\nCat\n");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Shift+Tab");
    await expect(page.getByRole("button", { name: "Download" })).toBeFocused();
    await page.keyboard.press("Tab");
    await expect(editor.text).toBeFocused();
  });

  await test.step("find, step, replace and undo", async () => {
    await page.keyboard.press("ControlOrMeta+f");
    const bar = page.getByRole("search", { name: "Find in this text" });
    await expect(bar.getByRole("textbox", { name: "Find" })).toBeFocused();
    await page.keyboard.type("cat");
    await expect(bar.getByRole("status")).toHaveText("1 of 2");
    await page.keyboard.press("Enter");
    await expect(bar.getByRole("status")).toHaveText("2 of 2");
    await page.keyboard.press("Enter");
    await expect(bar.getByRole("status")).toHaveText("1 of 2");
    await bar.getByRole("button", { name: "Replace" }).press("Enter");
    const by = bar.getByRole("textbox", { name: "Replace with" });
    await by.focus();
    await page.keyboard.type("cow");
    await page.keyboard.press("Enter");
    await expect(editor.text).toHaveValue("cow\ndog\nCat\n");
    await expect(by).toBeFocused();
    await bar.getByRole("button", { name: "Replace all" }).press("Enter");
    await expect(editor.text).toHaveValue("cow\ndog\ncow\n");
    await by.press("Escape");
    await expect(editor.text).toBeFocused();
    await page.keyboard.press("ControlOrMeta+z");
    await expect(editor.text).toHaveValue("cow\ndog\nCat\n");
    await page.keyboard.press("ControlOrMeta+z");
    await expect(editor.text).toHaveValue("cat\ndog\nCat\n");
  });

  await test.step("saved at once on demand", async () => {
    await page.keyboard.type("x");
    await page.keyboard.press("ControlOrMeta+s");
    await editor.says("Saved");
  });
});

test("the editor in every state, without findings", async ({ browser }) => {
  const { ann, id } = await annWith("notes.md", "# Notes\n\n- [ ] one\n- [x] two\n\n![A cat](https://example.org/cat.png)\n", {
    page: browser,
  });
  const { page } = ann;
  const sound = async () => {
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
  };
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.goto(`/edit/${id}`);
    await expect(new Editor(page).text).toBeFocused();
    await expect(page.getByRole("heading", { name: "Notes", exact: true })).toBeVisible();
    // No picture of a stranger's server comes unasked.
    await expect(page.locator("article img")).toHaveCount(0);
    await expect(page.getByRole("link", { name: "Picture: A cat" })).toHaveAttribute("target", "_blank");
    await sound();
    await page.keyboard.press("ControlOrMeta+f");
    await page.keyboard.type("o");
    await page.getByRole("button", { name: "Replace", exact: true }).click();
    await sound();
    await page.getByRole("button", { name: "Read", exact: true }).click();
    await sound();
    await page.getByRole("button", { name: "Write and read side by side" }).click();
  }
});

/** Ends the page's process, as the system does with a tab when memory is short. */
async function crash(page: Page): Promise<void> {
  const gone = page.waitForEvent("crash");
  // The address that Chromium keeps for this; it never answers.
  void page.goto("chrome://crash").catch(() => undefined);
  await gone;
  await page.close();
}
