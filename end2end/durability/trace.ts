// Reads what strace wrote: system calls in the order in which they ended, across all threads.

import { readFileSync } from "node:fs";

export type Call = {
  name: string;
  /** The path or socket that the first argument stands for, as `strace -y` shows it. */
  on: string;
  /** The whole line, arguments included. */
  text: string;
  failed: boolean;
};

/** What the server is run under. */
export function strace(output: string): string[] {
  const calls =
    "fsync,fdatasync,sync_file_range,write,writev,pwrite64,sendto,sendmsg,read,recvfrom,recvmsg,readv,rename,renameat,renameat2,link,linkat";
  return ["strace", "-f", "-yy", "-qq", "-s", "200", "-e", `trace=${calls}`, "-e", "signal=none", "-o", output];
}

/** Calls that were interrupted by another thread's are joined again and stand where they ended. */
export function readTrace(path: string): Call[] {
  const begun = new Map<string, string>();
  const calls: Call[] = [];
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const [, thread, rest] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    if (thread === undefined || rest === undefined) continue;
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(rest);
    if (unfinished) {
      begun.set(thread, unfinished[1]!);
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const text = resumed ? (begun.get(thread) ?? "") + resumed[1]! : rest;
    const [, name, on] = /^(\w+)\((?:\d+<(.*?)>(?=[,)]))?/.exec(text) ?? [];
    if (name === undefined) continue;
    calls.push({ name, on: on ?? "", text, failed: / = -1 /.test(text) });
  }
  return calls;
}

export type Acknowledged = {
  /** Between the arrival of the request and the first byte of its answer. */
  during: Call[];
  answer: Call;
};

/** The exchange whose request line contains `request`. */
export function exchange(calls: Call[], request: string): Acknowledged {
  const receives = new Set(["read", "recvfrom", "recvmsg", "readv"]);
  const sends = new Set(["write", "writev", "sendto", "sendmsg"]);
  const arrival = calls.findIndex((call) => receives.has(call.name) && call.text.includes(request));
  if (arrival < 0) throw new Error(`no request with ${request} in the trace`);
  const socket = calls[arrival]!.on;
  const length = calls
    .slice(arrival + 1)
    .findIndex((call) => sends.has(call.name) && call.on === socket && call.text.includes("HTTP/1.1 "));
  if (length < 0) throw new Error(`no answer to ${request} in the trace`);
  const end = arrival + 1 + length;
  return { during: calls.slice(arrival, end), answer: calls[end]! };
}

/** Whether, between arrival and answer, the path that matches was synced and no write to it came after. */
export function synced(calls: Call[], path: RegExp): boolean {
  const syncs = new Set(["fsync", "fdatasync"]);
  const writes = new Set(["write", "writev", "pwrite64"]);
  const last = calls.findLastIndex((call) => syncs.has(call.name) && path.test(call.on) && !call.failed);
  return last >= 0 && !calls.slice(last).some((call) => writes.has(call.name) && path.test(call.on));
}
