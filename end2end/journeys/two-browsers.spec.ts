import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "@playwright/test";

import { Gate } from "../gate.ts";
import { noise, sha256, withByteInFront } from "../material.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

const MIB = 1024 * 1024;
const CHUNK_BYTES_MAX = 4 * MIB;
const STREAMS_MAX = 5;
const FILM_BYTES = 300 * MIB;
const RECEIVED = "cloudstead_upload_body_bytes_total";
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

test("what goes up in one browser appears in the other and comes down the same", async ({ browser }) => {
  const ann = await Person.on(browser, server.url);
  await ann.register("ann");
  const annsPhone = await Person.on(browser, server.url);
  await annsPhone.signIn("ann");

  const note = join(folder, "note.bin");
  await noise(note, 3 * MIB);
  await ann.uploads(note);
  await expect(annsPhone.item("note.bin")).toBeVisible();
  const download = await annsPhone.downloads("note.bin");
  expect(await sha256(await download.path())).toBe(await sha256(note));
});

test("a large file survives a cut network and a killed server, and is never sent twice", async ({ browser }) => {
  test.setTimeout(10 * MINUTE_MS);
  const film = join(folder, "film.bin");
  await noise(film, FILM_BYTES);
  const gate = await Gate.before(server);
  const ann = await Person.on(browser, gate.url);
  await ann.register("ann");
  const annsPhone = await Person.on(browser, server.url);
  await annsPhone.signIn("ann");

  await ann.uploads(film);
  const received = () => server.counter(RECEIVED);
  await expect.poll(received, { timeout: 2 * MINUTE_MS }).toBeGreaterThan(FILM_BYTES / 6);
  await gate.cut();
  await ann.seesStatus(/Offline/);
  await gate.restore();
  await expect.poll(received, { timeout: 2 * MINUTE_MS }).toBeGreaterThan(FILM_BYTES / 2);
  // Cut first, so that the count is of everything that reached this process.
  await gate.cut();
  const beforeKill = await received();
  expect(beforeKill).toBeLessThan(FILM_BYTES);
  await server.kill();
  await gate.restore();
  await server.up();

  await ann.seesUploadsFinished(4 * MINUTE_MS);
  const sent = beforeKill + (await received());
  const interruptions = 2;
  expect(sent).toBeGreaterThanOrEqual(FILM_BYTES);
  expect(sent - FILM_BYTES).toBeLessThanOrEqual(interruptions * STREAMS_MAX * CHUNK_BYTES_MAX);

  await expect(annsPhone.item("film.bin")).toBeVisible({ timeout: MINUTE_MS });
  const download = await annsPhone.downloads("film.bin");
  expect(await sha256(await download.path())).toBe(await sha256(film));

  await test.step("the same file again sends nothing", async () => {
    const before = await received();
    const again = join(folder, "the same film.bin");
    await copyFile(film, again);
    await ann.uploads(again);
    await expect(annsPhone.item("the same film.bin")).toBeVisible({ timeout: 2 * MINUTE_MS });
    expect(await received()).toBe(before);
  });

  await test.step("a byte in front costs at most two chunks", async () => {
    const before = await received();
    const shifted = join(folder, "shifted.bin");
    await withByteInFront(film, shifted);
    await ann.uploads(shifted);
    await expect(annsPhone.item("shifted.bin")).toBeVisible({ timeout: 2 * MINUTE_MS });
    const more = (await received()) - before;
    expect(more).toBeGreaterThan(0);
    expect(more).toBeLessThanOrEqual(2 * CHUNK_BYTES_MAX);
  });
});
