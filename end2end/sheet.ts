// The contact sheet: every page and state in every width and colour scheme, for a person to look through.

import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { AxeBuilder } from "@axe-core/playwright";
import { type Page, expect } from "@playwright/test";

export const SHEET = process.env.CLOUDSTEAD_LOOKS ?? join(import.meta.dirname, "../target/looks");

const SCHEMES = ["light", "dark"] as const;

/** Forgets the pictures of an earlier run. */
export async function beginSheet(): Promise<void> {
  await rm(SHEET, { recursive: true, force: true });
  await mkdir(SHEET, { recursive: true });
}

export class Camera {
  constructor(
    readonly page: Page,
    private readonly width: number,
    /** How many states come before on the sheet. */
    private taken = 0,
  ) {}

  /** Pictures of what is on the page now, in light and dark; axe must find nothing in either. */
  async takes(state: string): Promise<void> {
    this.taken++;
    const place = String(this.taken).padStart(2, "0");
    for (const scheme of SCHEMES) {
      await this.page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await this.page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
      await this.page.screenshot({ path: join(SHEET, `${place} ${state}, ${this.width}, ${scheme}.png`), caret: "initial", animations: "disabled" });
      // In the page itself, since another page each time costs seconds; the browser's viewer of PDF is its own.
      const axe = new AxeBuilder({ page: this.page }).setLegacyMode(true).exclude("iframe");
      const { violations } = await axe.analyze();
      const found = violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => ({ id, target, failureSummary })));
      expect.soft(found, `axe: ${state}, ${this.width} px, ${scheme}`).toEqual([]);
    }
  }
}

/** One page with all pictures that were taken: a row a state, a column a width and scheme. */
export async function writeSheet(): Promise<void> {
  const rows = new Map<string, string[]>();
  for (const file of (await readdir(SHEET)).filter((name) => name.endsWith(".png")).sort()) {
    const [, state] = /^\d+ (.*), \d+, \w+\.png$/.exec(file) ?? [];
    if (state !== undefined) rows.set(state, [...(rows.get(state) ?? []), file]);
  }
  const figure = (file: string) => {
    const [, width, scheme] = /, (\d+), (\w+)\.png$/.exec(file)!;
    const address = encodeURIComponent(file);
    return `<figure><a href="${address}"><img loading="lazy" src="${address}" alt=""></a><figcaption>${width} px, ${scheme}</figcaption></figure>`;
  };
  const sections = [...rows].map(([state, files]) => `<section><h2>${state}</h2><div>${files.map(figure).join("")}</div></section>`);
  const style =
    "body{font:15px/1.4 system-ui;margin:24px;background:#80858d}h2{font-size:20px}div{display:flex;flex-wrap:wrap;gap:16px;align-items:start}figure{margin:0}img{height:360px;border-radius:4px;display:block}figcaption{font-size:13px}";
  const page = `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Cloudstead, every page and state</title><style>${style}</style>${sections.join("")}</html>`;
  await writeFile(join(SHEET, "index.html"), page);
}
