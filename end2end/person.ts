// What a person does, by what they see: roles and names, never classes.

import { type Browser, type BrowserContext, type Download, type Locator, type Page, expect } from "@playwright/test";

import { PASSWORD } from "./client.ts";

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

  async register(username: string): Promise<void> {
    await this.page.goto("/register");
    await this.fillIn(username);
    await this.page.getByRole("button", { name: "Create account" }).click();
    await this.seesFiles();
  }

  async signIn(username: string): Promise<void> {
    await this.page.goto("/sign-in");
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

  async uploads(...paths: string[]): Promise<void> {
    await this.page.locator("#pick-files").setInputFiles(paths);
  }

  async uploadsFolder(path: string): Promise<void> {
    await this.page.locator("#pick-folder").setInputFiles(path);
  }

  get uploadPanel(): Locator {
    return this.page.getByRole("region", { name: "Uploads" });
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
