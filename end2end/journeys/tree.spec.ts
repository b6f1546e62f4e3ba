import { mkdtemp, mkdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Page, expect, test } from "@playwright/test";

import { Client, type Item } from "../client.ts";
import { Gate } from "../gate.ts";
import { digestsBelow, sha256, sources, unpacked } from "../material.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

const FILES = 2_000;
const MINUTE_MS = 60_000;

let server: Server;
let folder: string;

test.beforeEach(async () => {
  server = await Server.start();
  folder = await mkdtemp(join(tmpdir(), "cloudstead-material-"));
});

test.afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

test("a tree of 2,000 files survives a cut network and a killed server, nothing lost and nothing twice", async ({ browser }) => {
  test.setTimeout(8 * MINUTE_MS);
  const tree = join(folder, "sources");
  await mkdir(tree);
  await sources(tree, FILES);
  const given = await digestsBelow(folder);
  expect(given.size).toBe(FILES);

  const gate = await Gate.before(server);
  const ann = await Person.on(browser, gate.url);
  await ann.register("ann");
  const annsPhone = await Person.on(browser, server.url);
  await annsPhone.signIn("ann");
  const loads = countLoads(annsPhone.page);
  const witness = await Client.signIn(server, "ann");
  const stored = async () => files(await witness.items()).length;

  await ann.dropsFolder(tree);
  await expect(annsPhone.item("sources")).toBeVisible({ timeout: MINUTE_MS });
  await expect.poll(stored, { timeout: 2 * MINUTE_MS }).toBeGreaterThan(FILES / 10);
  await gate.cut();
  expect(await stored()).toBeLessThan(FILES);
  await ann.seesStatus(/Offline/);
  await gate.restore();
  await expect.poll(stored, { timeout: 2 * MINUTE_MS }).toBeGreaterThan(FILES / 2);
  await server.kill();
  await server.up();
  expect(await stored()).toBeLessThan(FILES);

  await ann.seesUploadsFinished(4 * MINUTE_MS);
  await ann.seesStatus("Up to date");
  const items = await witness.items();
  const paths = pathsOf(items);
  expect([...paths.values()].sort(), "each file once, under its own name").toEqual([...given.keys()].sort());
  const conflicts = await witness.call<{ conflicts: object[] }>("GET", "/conflicts");
  expect(conflicts.body.conflicts).toEqual([]);

  await test.step("single files come down the same", async () => {
    for (const [id, path] of paths) {
      expect((await witness.download(id)).sha256, path).toBe(given.get(path));
    }
  });

  await test.step("the other browser, which was never reloaded, downloads them: all as an archive, and one alone", async () => {
    await annsPhone.seesStatus("Up to date");
    const archive = await annsPhone.downloads("sources");
    const received = await unpacked(await readFile(await archive.path()));
    expect(received).toEqual(given);

    await annsPhone.opens("sources");
    const [crate, file] = topmostFile(given);
    await annsPhone.opens(crate);
    const single = await annsPhone.downloads(file);
    expect(await sha256(await single.path())).toBe(given.get(`sources/${crate}/${file}`));
    expect(loads()).toBe(0);
  });
});

function files(items: Item[]): Item[] {
  return items.filter((item) => item.type === "file");
}

/** The path of each file below the root, by its parents rather than by what the server says of it. */
function pathsOf(items: Item[]): Map<string, string> {
  const byId = new Map(items.map((item) => [item.id, item]));
  const path = (item: Item): string => {
    const parent = byId.get(item.parentId);
    return parent === undefined ? item.name : `${path(parent)}/${item.name}`;
  };
  return new Map(files(items).map((item) => [item.id, path(item)]));
}

/** A file that stands directly in a folder of the tree. */
function topmostFile(given: Map<string, string>): [string, string] {
  const found = [...given.keys()].map((path) => path.split("/")).find((parts) => parts.length === 3);
  return [found![1]!, found![2]!];
}

/** How often the page was loaded from now on. */
function countLoads(page: Page): () => number {
  let loads = 0;
  page.on("load", () => loads++);
  return () => loads;
}
