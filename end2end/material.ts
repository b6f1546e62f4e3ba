// Files to send: noise of any size, and a tree of real ones.

import { createCipheriv, createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, mkdir, readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { once } from "node:events";

import { unzipSync } from "fflate";

const PART_BYTES = 4 * 1024 * 1024;

/** A file of bytes that nothing repeats; the same in every run, so that it is always cut at the same places. */
export async function noise(path: string, bytes: number): Promise<void> {
  const key = createHash("sha256").update(`${basename(path)} ${bytes}`).digest();
  const stream = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  const out = createWriteStream(path);
  for (let left = bytes; left > 0; left -= PART_BYTES) {
    if (!out.write(stream.update(Buffer.alloc(Math.min(left, PART_BYTES))))) await once(out, "drain");
  }
  out.end();
  await once(out, "close");
}

/** The same file with one byte before it. */
export async function withByteInFront(from: string, to: string): Promise<void> {
  const out = createWriteStream(to);
  out.write(Buffer.of(7));
  createReadStream(from).pipe(out);
  await once(out, "close");
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of createReadStream(path)) hash.update(part);
  return hash.digest("hex");
}

/** The digest of every file below `folder`, by its path there. */
export async function digestsBelow(folder: string): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  for (const file of await filesBelow(folder)) digests.set(relative(folder, file), await sha256(file));
  return digests;
}

/** The digest of every file in a zip archive, by its path there. */
export async function unpacked(archive: Uint8Array): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  for (const [path, bytes] of Object.entries(unzipSync(archive))) {
    if (!path.endsWith("/")) digests.set(path, createHash("sha256").update(bytes).digest("hex"));
  }
  return digests;
}

/** Copies `count` real files, the sources that cargo keeps, and gives their paths below `folder`. */
export async function sources(folder: string, count: number): Promise<string[]> {
  const registry = join(process.env.CARGO_HOME ?? join(homedir(), ".cargo"), "registry/src");
  const taken: string[] = [];
  for (const index of (await readdir(registry)).sort()) {
    for (const crate of (await readdir(join(registry, index))).sort()) {
      for (const file of await filesBelow(join(registry, index, crate))) {
        const path = relative(join(registry, index), file);
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await copyFile(file, join(folder, path));
        taken.push(path);
        if (taken.length === count) return taken;
      }
    }
  }
  throw new Error(`cargo keeps only ${taken.length} of ${count} files`);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
}
