// The site as it is handed out: optimised code starts and does its work, with a server and without.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "@playwright/test";

import { noise, sha256 } from "../material.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

/** More than travels in a push: it is cut and hashed in the worker, and sent in chunks. */
const LARGE_BYTES = 5 * 1024 * 1024;

test("the optimised site signs in, lists, uploads, and starts again offline", async ({ browser }) => {
  const folder = await mkdtemp(join(tmpdir(), "cloudstead-material-"));
  const server = await Server.start();
  const ann = await Person.on(browser, server.url);
  const { page, context } = ann;
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (line) => {
    if (/panicked|LinkError|RuntimeError/.test(line.text())) faults.push(line.text());
  });
  await ann.register("ann");

  const film = join(folder, "film.bin");
  await noise(film, LARGE_BYTES);
  await ann.uploads(film);
  await ann.seesUploadsFinished(60_000);
  await ann.makesFile("notes.md", "# A heading\n\nwords");
  await ann.makesFolder("Letters");
  await ann.seesStatus("Up to date");
  const download = await ann.downloads("film.bin");
  expect(await sha256(await download.path())).toBe(await sha256(film));

  await ann.isReadyForOffline();
  await context.setOffline(true);
  await page.reload();
  await expect(ann.item("film.bin")).toBeVisible();
  await ann.looksAt("notes.md");
  await expect(page.getByRole("dialog").getByRole("heading", { name: "A heading" })).toBeVisible();
  await page.keyboard.press("Escape");
  await ann.item("Letters").click({ button: "right" });
  await expect(page.getByRole("menuitem", { name: "Rename" })).toBeVisible();
  await page.keyboard.press("Escape");
  await ann.item("notes.md").dblclick();
  await expect(page.getByRole("textbox")).toHaveValue(/A heading/);
  for (const name of ["Activity", "Settings"]) {
    await page.goto(`/${name.toLowerCase()}`);
    await expect(page.getByRole("heading", { name }).first()).toBeVisible();
  }
  expect(faults).toEqual([]);
  await context.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});
