// What the app asks of the browser: that its database keeps the contract of local stores, that a tab that takes the
// lead loses nothing, and that its forms of Unicode are the server's. The checks are compiled from the app's own code
// with a test entry beside it.

import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { extname, join } from "node:path";

import { type Page, expect, test } from "@playwright/test";

const PACKAGE = process.env.CLOUDSTEAD_CONFORMANCE ?? join(import.meta.dirname, "../../target/conformance");
const TYPES: Record<string, string> = { ".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };

type Checks = {
  default(): Promise<void>;
  storeChecks(): string[];
  runStoreCheck(index: number): Promise<void>;
  openStore(name: string): Promise<number>;
  inherited(): Promise<string[]>;
  differingForms(): string[];
};

let files: Server;
let address: string;

test.beforeAll(async () => {
  files = createServer((request, response) => {
    const name = new URL(request.url!, "http://localhost").pathname.slice(1);
    const bytes = name === "" ? Promise.resolve(Buffer.from("<!doctype html><title>Checks</title>")) : readFile(join(PACKAGE, name));
    const type = TYPES[extname(name)] ?? "text/html";
    bytes.then(
      (body) => response.writeHead(200, { "content-type": type }).end(body),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => files.listen(0, "127.0.0.1", resolve));
  const bound = files.address();
  if (bound === null || typeof bound === "string") throw new Error("no address");
  address = `http://127.0.0.1:${bound.port}/`;
});

test.afterAll(async () => {
  await new Promise((resolve) => files.close(resolve));
});

async function opened(page: Page): Promise<void> {
  await page.goto(address);
  await page.evaluate(async () => {
    const checks = (await import("/frontend.js" as string)) as Checks;
    await checks.default();
    Object.assign(globalThis, { checks });
  });
}

declare const checks: Checks;

test("IndexedDB keeps the contract of local stores", async ({ page }) => {
  await opened(page);
  const names = await page.evaluate(() => checks.storeChecks());
  expect(names.length).toBeGreaterThanOrEqual(6);
  for (const [index, name] of names.entries()) {
    await test.step(name, () => page.evaluate((index) => checks.runStoreCheck(index), index));
  }
});

test("a database of the first version is brought up to the present one, with what it holds", async ({ page }) => {
  await opened(page);
  const items = await page.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open("first", 1);
      request.onupgradeneeded = () => {
        for (const store of ["items", "outbox", "contents", "conflicts", "meta", "uploads", "handles"]) {
          request.result.createObjectStore(store);
        }
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const id = crypto.randomUUID();
    const meta = {
      format: 1,
      deviceId: id,
      rootId: id,
      zones: [],
      syncToken: "t",
      complete: true,
      resync: null,
      aliases: [],
      lastSyncedAt: null,
    };
    const item = {
      id,
      zoneId: id,
      parentId: id,
      name: "a",
      type: "folder",
      size: 0,
      mimeType: null,
      contentHash: null,
      version: {},
      createdAt: "2026-01-01T00:00:00.000Z",
      modifiedAt: "2026-01-01T00:00:00.000Z",
      deletedAt: null,
    };
    const transaction = database.transaction(["items", "meta"], "readwrite");
    transaction.objectStore("meta").put(JSON.stringify(meta), "meta");
    transaction.objectStore("items").put(JSON.stringify(item), id);
    await new Promise((resolve) => (transaction.oncomplete = resolve));
    database.close();
    return checks.openStore("first");
  });
  expect(items).toBe(1);
});

test("an open database gives way to a later version", async ({ page }) => {
  await opened(page);
  const version = await page.evaluate(async () => {
    await checks.openStore("present");
    // The page listens for other versions a moment after it has the database.
    for (;;) {
      const opened = await new Promise<IDBDatabase | undefined>((resolve) => {
        const request = indexedDB.open("present", 99);
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => resolve(undefined);
      });
      if (opened !== undefined) return opened.version;
    }
  });
  expect(version).toBe(99);
});

test("a tab that takes the lead goes on with what it was asked before and meanwhile", async ({ page }) => {
  await opened(page);
  expect((await page.evaluate(() => checks.inherited())).sort()).toEqual(["before", "meanwhile"]);
});

test("names have the same forms here and on the server", async ({ page }) => {
  await opened(page);
  expect(await page.evaluate(() => checks.differingForms())).toEqual([]);
});
