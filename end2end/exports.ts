// What other libraries hand out: a Google Takeout as a ZIP, an iCloud export as a folder.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { type Zippable, strToU8, zipSync } from "fflate";

export type Files = Record<string, string | Uint8Array>;

/** Texts are packed, all others lie in it as they are. */
export function zipped(files: Files): Buffer {
  const entries: Zippable = {};
  for (const [path, content] of Object.entries(files)) {
    entries[path] = typeof content === "string" ? strToU8(content) : [content, { level: 0 }];
  }
  return Buffer.from(zipSync(entries, { level: 6, mtime: new Date(2025, 0, 1, 12) }));
}

export type Said = { favorited?: boolean; trashed?: boolean; at: string; place?: [number, number] };

/** A sidecar of Google's. */
export function sidecar(title: string, { at, place = [0, 0], ...marks }: Said): string {
  const [latitude, longitude] = place;
  return JSON.stringify({
    title,
    description: "",
    photoTakenTime: { timestamp: String(Date.parse(at) / 1000), formatted: at },
    geoData: { latitude, longitude, altitude: 0, latitudeSpan: 0, longitudeSpan: 0 },
    ...marks,
  });
}

export async function writeBelow(folder: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

/** A film, as far as a library looks at one: bytes that nothing repeats behind the head of an MP4. */
export function film(bytes: number, seed: number): Uint8Array {
  const content = new Uint8Array(bytes);
  let state = seed;
  for (let at = 0; at < bytes; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    content[at] = state >>> 24;
  }
  content.set(strToU8("\0\0\0\x18ftypisom\0\0\x02\0isommp42", true));
  return content;
}
