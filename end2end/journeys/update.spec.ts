// A newer build on the server, while pages of the former one are open.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "@playwright/test";

import { codeOf, copyTheSite, held, publishAnother } from "../builds.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

let folder: string;

test.beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cloudstead-material-"));
});

test.afterEach(() => rm(folder, { recursive: true, force: true }));

test("an open page keeps all the code of its own build, and the next one starts the newer", async ({ browser }) => {
  const site = await copyTheSite(folder);
  const server = await Server.start({ environment: { CLOUDSTEAD_SITE: site } });
  const ann = await Person.on(browser, server.url);
  await ann.register("ann");
  await ann.isReadyForOffline();
  await ann.page.reload();
  await ann.seesFiles();
  const first = await codeOf(ann.page);
  const newer = await publishAnother(site);

  const tab = await ann.context.newPage();
  await tab.goto("/files");
  await Person.at(tab).seesFiles();
  expect(await codeOf(tab)).toBe(first);
  await expect.poll(() => held(tab)).toEqual([first, newer]);
  await tab.reload();
  await Person.at(tab).seesFiles();
  expect(await codeOf(tab)).toBe(newer);

  // The first page still runs the former build: the server has none of it any more, the browser all.
  const part = `${first}split_rest.wasm`;
  expect((await fetch(`${server.url}${part}`)).status).toBe(404);
  expect(await ann.page.evaluate(async (part) => (await fetch(part)).status, part)).toBe(200);
  expect(await held(tab)).toEqual([first, newer]);

  await ann.page.close();
  await tab.reload();
  await Person.at(tab).seesFiles();
  await expect.poll(() => held(tab)).toEqual([newer]);
  await server.stop();
});

test("a part that cannot be fetched says so, and comes when it can", async ({ browser }) => {
  const server = await Server.start();
  const ann = await Person.on(browser, server.url, { serviceWorkers: "block" });
  await ann.context.route("**/split_rest.wasm", (route) => route.abort());
  await ann.register("ann");
  await ann.page.getByRole("link", { name: "Activity" }).click();
  const missing = ann.page.getByRole("alert").filter({ hasText: "could not be loaded" });
  await expect(missing).toBeVisible();
  await ann.context.unroute("**/split_rest.wasm");
  await missing.getByRole("button", { name: "Try again" }).click();
  await expect(ann.page.getByRole("heading", { name: "Activity" })).toBeVisible();
  await server.stop();
});
