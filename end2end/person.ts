// What a person does, by what they see: roles and names, never classes.

import { type Browser, type BrowserContext, type Download, type Locator, type Page, expect } from "@playwright/test";

import { type Item, PASSWORD, changeOf } from "./client.ts";

export class Person {
  private constructor(
    readonly page: Page,
    readonly context: BrowserContext,
  ) {}

  /** A browser profile of its own: another device. */
  static async on(browser: Browser, url: string, options: object = {}): Promise<Person> {
    const context = await browser.newContext({ baseURL: url, acceptDownloads: true, ...options });
    return new Person(await context.newPage(), context);
  }

  /** Somebody at a page that is open already. */
  static at(page: Page): Person {
    return new Person(page, page.context());
  }

  async register(username: string): Promise<void> {
    await this.page.goto("/register");
    await this.registerHere(username);
  }

  async registerHere(username: string): Promise<void> {
    await this.fillIn(username);
    await this.page.getByRole("button", { name: "Create account" }).click();
    await this.seesFiles();
  }

  async signIn(username: string): Promise<void> {
    await this.page.goto("/sign-in");
    await this.signInHere(username);
  }

  /** With the page that is open already. */
  async signInHere(username: string): Promise<void> {
    await this.fillIn(username);
    await this.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await this.seesFiles();
  }

  private async fillIn(username: string): Promise<void> {
    await this.page.getByLabel("Username").fill(username);
    await this.page.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  }

  async seesFiles(): Promise<void> {
    await expect(this.page.getByRole("navigation", { name: "Main" }).first()).toBeVisible();
    await expect(this.page).toHaveURL(/\/files/);
  }

  /** A row or tile of the list. */
  item(name: string): Locator {
    return this.page.locator("[role=row], [role=option]").filter({ has: this.page.getByText(name, { exact: true }) });
  }

  async makesFolder(name: string): Promise<void> {
    // While something is selected, what can be done with it stands where "New" does.
    if (await this.page.getByRole("button", { name: "Clear selection" }).isVisible()) {
      await this.page.getByRole("button", { name: "Clear selection" }).click();
    }
    await this.page.getByRole("button", { name: "New", exact: true }).click();
    await this.page.getByRole("dialog", { name: "New" }).getByRole("button", { name: "New folder" }).click();
    await this.types(name);
  }

  /** A small file from the desktop. */
  async makesFile(name: string, words: string): Promise<void> {
    const file = { name, mimeType: "text/plain", buffer: Buffer.from(words, "utf8") };
    await this.page.locator("#pick-files").setInputFiles([file]);
    await expect(this.item(name)).toBeVisible();
  }

  async deletes(name: string): Promise<void> {
    await this.item(name).click();
    await this.page.keyboard.press("Delete");
    await expect(this.item(name)).toBeHidden();
  }

  /** Into a folder beside it, by the dialog. */
  async moves(name: string, folder: string): Promise<void> {
    await this.item(name).click({ button: "right" });
    await this.page.getByRole("menuitem", { name: "Move to…" }).click();
    const dialog = this.page.getByRole("dialog");
    await dialog.getByRole("button", { name: folder, exact: true }).click();
    await dialog.getByRole("button", { name: "Move here" }).click();
    await expect(this.item(name)).toBeHidden();
  }

  /** Waits until the service worker holds the whole app. */
  async isReadyForOffline(): Promise<void> {
    const holds = async () => {
      if (navigator.serviceWorker.controller === null) return false;
      return (await caches.match("/name", { cacheName: "newest" })) !== undefined;
    };
    await expect.poll(() => this.page.evaluate(holds)).toBe(true);
  }

  async renames(from: string, to: string): Promise<void> {
    await this.item(from).click();
    await this.page.keyboard.press("F2");
    await this.types(to);
  }

  /** The name into the field that asks for it. */
  private async types(name: string): Promise<void> {
    await expect(this.page.getByLabel(/^New name of/)).toBeFocused();
    await this.page.keyboard.press("ControlOrMeta+a");
    await this.page.keyboard.insertText(name);
    await this.page.keyboard.press("Enter");
    await expect(this.item(name)).toBeVisible();
  }

  /** What the list shows, without its heading. */
  get rows(): Locator {
    return this.page.locator("[role=row][id^=item-], [role=option][id^=item-]");
  }

  async uploads(...paths: string[]): Promise<void> {
    await this.page.locator("#pick-files").setInputFiles(paths);
  }

  async uploadsFolder(path: string): Promise<void> {
    await this.page.locator("#pick-folder").setInputFiles(path);
  }

  /** Drops a folder of the desktop on the page, as the browser sees it from a file manager. */
  async dropsFolder(path: string): Promise<void> {
    const { width, height } = this.page.viewportSize()!;
    const browser = await this.context.newCDPSession(this.page);
    const data = { items: [], files: [path], dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"] as const) {
      await browser.send("Input.dispatchDragEvent", { type, x: width / 2, y: height / 2, data });
    }
  }

  /** Holds something from the desktop over the page, as the page hears of it. */
  async dragsOver(): Promise<void> {
    await this.page.locator("#content").evaluate((content) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(["words"], "note.txt"));
      content.dispatchEvent(new DragEvent("dragover", { dataTransfer, bubbles: true, cancelable: true }));
    });
  }

  async dragsAway(): Promise<void> {
    await this.page.locator("#content").dispatchEvent("dragleave");
  }

  /** Quick look at a file: a text opens to be written in otherwise. */
  async looksAt(name: string): Promise<void> {
    await this.item(name).click();
    await this.page.keyboard.press("Space");
  }

  async opens(name: string): Promise<void> {
    await this.item(name).dblclick();
    await expect(this.page.getByRole("navigation", { name: "Where you are" })).toContainText(name);
  }

  /** An edit by this browser's device of what it had seen before, as if it had been offline. */
  async editsUnseen(item: Item, bytes: Uint8Array): Promise<void> {
    const change = changeOf(item, "content", { size: bytes.length, data: Buffer.from(bytes).toString("base64") });
    const status = await this.page.evaluate(async (change) => {
      const me = await (await fetch("/api/v1/auth/me")).json();
      const body = JSON.stringify({ deviceId: me.device.id, lastSyncToken: null, changes: [change] });
      const headers = { "content-type": "application/json" };
      return (await fetch("/api/v1/sync/push", { method: "POST", headers, body })).status;
    }, change);
    expect(status).toBe(200);
  }

  /** Fingers on the screen: each step says where they are. */
  async fingers(): Promise<(type: "touchStart" | "touchMove" | "touchEnd", ...at: { x: number; y: number }[]) => Promise<void>> {
    const browser = await this.context.newCDPSession(this.page);
    return async (type, ...at) => {
      const touchPoints = at.map((point, id) => ({ ...point, id }));
      await browser.send("Input.dispatchTouchEvent", { type, touchPoints });
    };
  }

  get uploadPanel(): Locator {
    return this.page.getByRole("region", { name: "Uploads" });
  }

  /** A file's line in the panel. */
  upload(name: string): Locator {
    return this.uploadPanel.getByRole("listitem").filter({ hasText: name });
  }

  /** A toast says so. */
  async isTold(words: string | RegExp): Promise<void> {
    await expect(this.page.locator(".toast", { hasText: words }).last()).toBeVisible();
  }

  /** What the list shows, from the top. */
  async names(): Promise<string[]> {
    return this.rows.locator(".name").allTextContents();
  }

  async seesUploadsFinished(timeout: number): Promise<void> {
    await expect(this.uploadPanel.getByRole("button", { name: "Uploads finished" })).toBeVisible({ timeout });
  }

  async seesStatus(words: string | RegExp, timeout = 60_000): Promise<void> {
    const status = this.page.getByRole("button", { name: /^Sync status/ });
    await expect(status).toContainText(words, { timeout });
  }

  async downloads(name: string): Promise<Download> {
    await this.item(name).click();
    const [download] = await Promise.all([
      this.page.waitForEvent("download"),
      this.page.getByRole("button", { name: "Download", exact: true }).first().click(),
    ]);
    return download;
  }
}
