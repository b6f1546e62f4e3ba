// Many of what there is usually one: other people's devices, files in a folder.

import type { WebSocket } from "ws";

import { Client, createChange, createFolderChange } from "./client.ts";
import type { Server } from "./server.ts";

const PUSH_CHANGES_MAX = 500;

/** Puts small files into the root folder. */
export async function fill(client: Client, count: number): Promise<void> {
  await fillFolder(client, client.rootId, count);
}

/** Makes folders with so many small files each. */
export async function fillFolders(client: Client, counts: number[]): Promise<void> {
  const folders = counts.map((_, index) => createFolderChange(client.rootId, `Folder ${index}`));
  await pushed(client, folders);
  for (const [index, count] of counts.entries()) await fillFolder(client, folders[index]!.fileId, count);
}

async function fillFolder(client: Client, folder: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += PUSH_CHANGES_MAX) {
    const files = Array.from({ length: Math.min(PUSH_CHANGES_MAX, count - from) }, (_, index) =>
      createChange(folder, `File ${from + index}.txt`, Buffer.from(`${from + index}`)),
    );
    await pushed(client, files);
  }
}

async function pushed(client: Client, changes: object[]): Promise<void> {
  const { status, body } = await client.push(changes);
  if (status !== 200 || body.errors.length > 0) throw new Error(JSON.stringify(body));
}

/** Opens `sockets` sockets of `people` accounts; gives the way to close them. */
export async function crowd(server: Server, people: number, sockets: number): Promise<() => void> {
  const open: WebSocket[] = [];
  for (let person = 0; person < people; person++) {
    const name = `person${person}`;
    await Client.register(server, name);
    const client = await Client.signIn(server, name);
    const joining = Array.from({ length: sockets / people }, () => client.listen());
    open.push(...(await Promise.all(joining)));
  }
  return () => open.forEach((socket) => socket.terminate());
}
