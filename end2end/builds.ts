// Builds of the site: which one a page runs, which ones a browser holds, and a newer one on the server.

import { createHash } from "node:crypto";
import { cp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Page } from "@playwright/test";

import { SITE } from "./server.ts";

type Listing = { version: string; code: string; files: Record<string, { hash: string; size: number }> };

/** The folder of the code that the page runs. */
export async function codeOf(page: Page): Promise<string> {
  return page.evaluate(() => new URL(".", document.querySelector<HTMLScriptElement>("script[type=module]")!.src).pathname);
}

/** The folders of the code that the browser holds whole. */
export async function held(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const held: string[] = [];
    for (const name of await caches.keys()) {
      const listing = await (await caches.open(name)).match("/site.json");
      if (listing !== undefined) held.push((await listing.json()).code);
    }
    return held;
  });
}

export async function copyTheSite(folder: string): Promise<string> {
  const site = join(folder, "site");
  await cp(SITE, site, { recursive: true });
  return site;
}

/** Puts the same code in place as another build would be; answers its folder. */
export async function publishAnother(site: string): Promise<string> {
  const path = join(site, "site.json");
  const listing = JSON.parse(await readFile(path, "utf8")) as Listing;
  const code = "/pkg/another-build/";
  await rename(join(site, listing.code), join(site, code));
  const shell = join(site, "shell.html");
  const text = (await readFile(shell, "utf8")).replaceAll(listing.code, code);
  await writeFile(shell, text);
  const files = Object.fromEntries(
    Object.entries(listing.files).map(([address, entry]) => [address.replace(listing.code, code), entry]),
  );
  files["/shell.html"] = { hash: createHash("sha256").update(text).digest("hex"), size: text.length };
  await writeFile(path, JSON.stringify({ version: "another-build", code, files }));
  // The compressed forms of both are of the former build.
  for (const file of [shell, path]) await rm(`${file}.br`, { force: true });
  return code;
}
