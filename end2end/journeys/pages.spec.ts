// Every page and state in every size and both themes: looked at by axe, and put into one sheet for people.

import { randomUUID } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { AxeBuilder } from "@axe-core/playwright";
import { type Page, expect, test } from "@playwright/test";

import { Client, createChange } from "../client.ts";
import { Gate } from "../gate.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

const SHEET = join(import.meta.dirname, "../contact-sheet");
const WIDTHS = [390, 1024, 1440] as const;
const SCHEMES = ["light", "dark"] as const;
const HEIGHT = 800;

const seen: string[] = [];

/** Looks at what is on the screen, in every size and theme, without leaving it. */
async function look(page: Page, state: string): Promise<void> {
  for (const scheme of SCHEMES) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: HEIGHT });
      const name = `${state}, ${scheme}, ${width}`;
      await page.screenshot({ path: join(SHEET, fileOf(name)) });
      const { violations } = await new AxeBuilder({ page }).analyze();
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
      expect.soft(found, name).toEqual([]);
    }
  }
  await page.setViewportSize({ width: 1440, height: HEIGHT });
  seen.push(state);
}

function fileOf(name: string): string {
  return `${name.replaceAll(/[ ,]+/g, "-")}.png`;
}

test("every page in every size and theme", async ({ browser }) => {
  test.setTimeout(10 * 60_000);
  await rm(SHEET, { recursive: true, force: true });
  await mkdir(SHEET, { recursive: true });
  const server = await Server.start();
  try {
    const gate = await Gate.before(server);
    const ann = await Person.on(browser, gate.url);
    const { page } = ann;
    await page.goto("/sign-in");
    await expect(page.getByRole("heading", { name: "Sign in to Cloudstead" })).toBeVisible();
    await look(page, "sign in");
    await page.goto("/register");
    await look(page, "register");
    await ann.register("ann");
    await expect(page.getByText("A place for your files")).toBeVisible();
    await look(page, "files empty");

    await fill(server);
    await expect(ann.item("Summer.txt")).toBeVisible();
    await look(page, "files list");
    await ann.item("Summer.txt").click();
    await look(page, "files selected");
    await page.keyboard.press("Space");
    await expect(page.getByRole("dialog", { name: /^Quick look/ })).toBeVisible();
    await look(page, "quick look");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Show as grid" }).click();
    await look(page, "files grid");
    await page.getByRole("button", { name: "Show as list" }).click();
    await page.goto("/trash");
    await expect(ann.item("Old plan.md")).toBeVisible();
    await look(page, "trash");
    await page.goto("/search?q=a");
    await look(page, "search");
    await page.goto("/settings");
    await expect(page.getByRole("heading", { name: "Devices" })).toBeVisible();
    await look(page, "settings");
    await page.goto("/files");
    await gate.cut();
    await ann.seesStatus(/Offline/);
    await look(page, "offline");
    await sheet(page);
  } finally {
    await server.stop();
  }
});

async function fill(server: Server): Promise<void> {
  const client = await Client.signIn(server, "ann", "Script");
  const text = (name: string, words: string) => createChange(client.rootId, name, Buffer.from(words));
  const folder = (name: string) => ({
    operationId: randomUUID(),
    fileId: randomUUID(),
    baseVersion: {},
    kind: "createFolder",
    parentId: client.rootId,
    name,
  });
  const pushed = await client.push([
    folder("Trips"),
    folder("Taxes 2026"),
    text("Summer.txt", "Sea, salt, sand.\n"),
    text("Recipes.md", "# Bread\n\n- flour\n- water\n"),
    text("budget.csv", "month,euro\nMay,120\n"),
    text("Old plan.md", "# Plan\n"),
  ]);
  expect(pushed.body.applied).toHaveLength(6);
  const old = pushed.body.applied.find((applied) => applied.item.name === "Old plan.md")!.item;
  const deleted = await client.push([
    { operationId: randomUUID(), fileId: old.id, baseVersion: old.version, kind: "delete" },
  ]);
  expect(deleted.body.applied).toHaveLength(1);
}

/** All the pictures on one page, and that page as one picture. */
async function sheet(page: Page): Promise<void> {
  const figure = (name: string) =>
    `<figure><img src="${fileOf(name)}" alt="${name}" height="300"><figcaption>${name}</figcaption></figure>`;
  const rows = seen.map((state) => {
    const names = SCHEMES.flatMap((scheme) => WIDTHS.map((width) => `${state}, ${scheme}, ${width}`));
    return `<section><h2>${state}</h2><div>${names.map(figure).join("")}</div></section>`;
  });
  const style =
    "body{font:14px system-ui;margin:24px;background:#ddd}div{display:flex;flex-wrap:wrap;gap:12px}figure{margin:0}";
  const head = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Contact sheet</title><style>${style}</style>`;
  const file = join(SHEET, "index.html");
  await writeFile(file, `${head}${rows.join("")}`);
  const viewer = await page.context().newPage();
  await viewer.setViewportSize({ width: 1900, height: 1000 });
  await viewer.goto(`file://${file}`);
  await viewer.screenshot({ path: join(SHEET, "contact-sheet.png"), fullPage: true });
  await viewer.close();
}
