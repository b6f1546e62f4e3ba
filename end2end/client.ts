// A small client of the contract, for what a test does beside the browser.

import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";

import { WebSocket } from "ws";

import type { Server } from "./server.ts";

/** An answer that takes longer is none. */
const ANSWER_WITHIN_MS = 60_000;

export const PASSWORD = "correct horse battery";

export type Item = {
  id: string;
  parentId: string;
  name: string;
  path: string;
  type: "file" | "folder";
  size: number;
  isDeleted: boolean;
  version: Record<string, number>;
};

export type Applied = { operationId: string; fileId: string; item: Item; outcome: string };

export type Pushed = { syncToken: string; applied: Applied[]; conflicts: object[]; errors: object[] };

export type Answer<T> = { status: number; body: T };

export class Client {
  private constructor(
    private readonly server: Server,
    private readonly token: string,
    readonly deviceId: string,
    readonly rootId: string,
  ) {}

  static async register(server: Server, username: string, displayName?: string): Promise<void> {
    const request = json("POST", { username, password: PASSWORD, displayName });
    await expectOk(await fetch(`${server.url}/api/v1/auth/register`, request));
  }

  static async signIn(server: Server, username: string, deviceName = "Test"): Promise<Client> {
    const device = { name: deviceName, platform: "test" };
    const request = json("POST", { username, password: PASSWORD, device });
    const granted = await expectOk(await fetch(`${server.url}/api/v1/auth/token`, request));
    return new Client(server, granted.token, granted.device.id, granted.rootId);
  }

  async push(changes: object[], lastSyncToken: string | null = null): Promise<Answer<Pushed>> {
    return this.call("POST", "/sync/push", { deviceId: this.deviceId, lastSyncToken, changes });
  }

  /** Pushes changes that the server takes; answers what became of each. */
  async done(...changes: object[]): Promise<Applied[]> {
    const { status, body } = await this.push(changes);
    if (status !== 200 || body.errors.length > 0) throw new Error(JSON.stringify(body));
    return body.applied;
  }

  /** What lives under this name, anywhere. */
  async named(name: string): Promise<Item | undefined> {
    return (await this.items()).find((item) => item.name === name);
  }

  /** Where it lies: the name of its folder, or "" for the root. */
  async folderOf(name: string): Promise<string | undefined> {
    const items = await this.items();
    const parent = items.find((item) => item.name === name)?.parentId;
    return parent === this.rootId ? "" : items.find((item) => item.id === parent)?.name;
  }

  /** Everything alive, page by page. */
  async items(): Promise<Item[]> {
    return (await this.pulled()).items;
  }

  /** The sync token in force now. */
  async syncToken(): Promise<string> {
    return (await this.pulled()).syncToken;
  }

  private async pulled(): Promise<{ items: Item[]; syncToken: string }> {
    const all = new Map<string, Item>();
    let since = "";
    for (;;) {
      const query = since === "" ? "" : `&since=${encodeURIComponent(since)}`;
      const page = await this.call<{ changes: Item[]; syncToken: string; hasMore: boolean }>(
        "GET",
        `/sync/pull?limit=1000${query}`,
      );
      for (const item of page.body.changes) all.set(item.id, item);
      since = page.body.syncToken;
      if (!page.body.hasMore) return { items: [...all.values()].filter((item) => !item.isDeleted), syncToken: since };
    }
  }

  async call<T>(method: string, path: string, body?: object | Uint8Array<ArrayBuffer>): Promise<Answer<T>> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.token}` };
    let payload: BodyInit | undefined;
    if (body instanceof Uint8Array) {
      headers["content-type"] = "application/octet-stream";
      payload = body;
    } else if (body !== undefined) {
      headers["content-type"] = "application/json";
      payload = JSON.stringify(body);
    }
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const response = await fetch(`${this.server.url}/api/v1${path}`, { method, headers, body: payload, signal });
    const text = await response.text();
    return { status: response.status, body: (text === "" ? undefined : JSON.parse(text)) as T };
  }

  /** A socket for what the server tells, once it is open. */
  async listen(): Promise<WebSocket> {
    const headers = { authorization: `Bearer ${this.token}` };
    const socket = new WebSocket(`${this.server.url.replace("http", "ws")}/api/v1/ws`, { headers, handshakeTimeout: ANSWER_WITHIN_MS });
    await once(socket, "open");
    return socket;
  }

  async text(fileId: string): Promise<string> {
    return (await this.content(fileId)).text();
  }

  private async content(fileId: string): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}` };
    const response = await fetch(`${this.server.url}/api/v1/files/${fileId}/download`, { headers });
    if (!response.ok) throw new Error(`download: ${response.status}`);
    return response;
  }

  async download(fileId: string): Promise<{ sha256: string; size: number }> {
    const response = await this.content(fileId);
    const hash = createHash("sha256");
    let size = 0;
    for await (const part of response.body!) {
      hash.update(part);
      size += part.length;
    }
    return { sha256: hash.digest("hex"), size };
  }
}

export type Change = { operationId: string; fileId: string; kind: string };

export function createChange(parentId: string, name: string, data: Uint8Array, more: object = {}): Change {
  return {
    operationId: randomUUID(),
    fileId: randomUUID(),
    baseVersion: {},
    kind: "create",
    parentId,
    name,
    size: data.length,
    data: Buffer.from(data).toString("base64"),
    ...more,
  } as Change;
}

export function createFolderChange(parentId: string, name: string, more: object = {}): Change {
  return { operationId: randomUUID(), fileId: randomUUID(), baseVersion: {}, kind: "createFolder", parentId, name, ...more } as Change;
}

/** A change of what is there, made on the state that the client holds. */
export function changeOf(item: Item, kind: string, more: object = {}): Change {
  return { operationId: randomUUID(), fileId: item.id, baseVersion: item.version, kind, ...more } as Change;
}

function json(method: string, body: object): RequestInit {
  return { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal: AbortSignal.timeout(ANSWER_WITHIN_MS) };
}

async function expectOk(response: Response) {
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${text}`);
  return JSON.parse(text);
}
