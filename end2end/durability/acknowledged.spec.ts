// "Acknowledged" means on disk. A killed process says nothing of that, because the page cache outlives it; so the
// server runs under strace, and the calls between a request's arrival and its 2xx are looked at.

import { randomBytes, randomUUID, createHash } from "node:crypto";
import { dirname, join } from "node:path";

import { expect, test } from "@playwright/test";

import { Client, createChange } from "../client.ts";
import { Server } from "../server.ts";
import { type Call, exchange, readTrace, strace, synced } from "./trace.ts";

const WRITE_AHEAD_LOG = /\.sqlite(3)?-wal$|\.db-wal$/;
// Larger than what rides in the database.
const CHUNK_BYTES = 1024 * 1024;

type Run = { push: Call[]; chunk: Call[]; complete: Call[] };

/** One push and one upload of one chunk, each as the calls between its arrival and its answer. */
async function observe(fault?: string): Promise<Run> {
  const trace = test.info().outputPath(`strace-${fault ?? "none"}.txt`);
  await test.info().attach("strace", { body: trace, contentType: "text/plain" });
  const environment: Record<string, string> = fault === undefined ? {} : { CLOUDSTEAD_TEST_FAULT: fault };
  const server = await Server.start({ under: strace(trace), environment });
  try {
    await Client.register(server, "ann");
    const ann = await Client.signIn(server, "ann");
    const pushed = await ann.push([createChange(ann.rootId, "note.txt", Buffer.from("a note"))]);
    expect(pushed.status).toBe(200);
    expect(pushed.body.applied).toHaveLength(1);

    const bytes = randomBytes(CHUNK_BYTES);
    const fileId = randomUUID();
    const begun = await ann.call<{ uploadId: string }>("POST", `/files/${fileId}/upload/init`, {
      operationId: randomUUID(),
      fileName: "film.bin",
      parentId: ann.rootId,
      totalSize: CHUNK_BYTES,
      chunkSize: CHUNK_BYTES,
      totalChunks: 1,
      chunks: [{ index: 0, hash: createHash("sha256").update(bytes).digest("hex"), size: CHUNK_BYTES }],
    });
    expect(begun.status).toBe(201);
    const upload = `/files/${fileId}/upload/${begun.body.uploadId}`;
    expect((await ann.call("PUT", `${upload}/chunk/0`, bytes)).status).toBe(200);
    expect((await ann.call("POST", `${upload}/complete`, {})).status).toBe(200);
  } finally {
    await server.stop();
  }
  const calls = readTrace(trace);
  return {
    push: exchange(calls, "POST /api/v1/sync/push").during,
    chunk: exchange(calls, "PUT /api/v1/files/").during,
    complete: exchange(calls, "/complete HTTP/1.1").during,
  };
}

/** What had not reached the disk when the server said that it had. */
function unsynced({ push, chunk, complete }: Run): string[] {
  const found: string[] = [];
  const logs: [string, Call[]][] = [["push", push], ["chunk", chunk], ["complete", complete]];
  for (const [step, calls] of logs) {
    if (!synced(calls, WRITE_AHEAD_LOG)) found.push(`${step}: write-ahead log`);
  }
  const placed = chunk.findIndex((call) => /^(rename|link)/.test(call.name) && !call.failed);
  if (placed < 0) return [...found, "chunk: object put in its place"];
  const names = [...chunk[placed]!.text.matchAll(/"([^"]+)"/g)].map((match) => match[1]!);
  const [staged, final] = [names.at(0)!, names.at(-1)!];
  const before = chunk.slice(0, placed);
  const after = chunk.slice(placed);
  if (!synced(before, endsLike(staged))) found.push("chunk: object");
  if (!synced(after, endsLike(dirname(final)))) found.push("chunk: directory of the object");
  return found;
}

/** A path as strace shows it, which may be absolute where the call's argument was not. */
function endsLike(path: string): RegExp {
  const tail = join("/", path).replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`${tail}$`);
}

test("nothing is acknowledged before it is on disk", async () => {
  expect(unsynced(await observe())).toEqual([]);
});

test("a database that does not sync is noticed", async () => {
  expect(unsynced(await observe("sqlite_sync_off"))).toContain("push: write-ahead log");
});

test("a directory that is not synced is noticed", async () => {
  expect(unsynced(await observe("no_dir_sync"))).toContain("chunk: directory of the object");
});
