// The network between browser and server, which a test can cut: a real socket that stops answering.

import { once } from "node:events";
import { createServer, connect, type Server as Listener, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";

import { freePort, type Server } from "./server.ts";

const RETRY_MS = 100;

export class Gate {
  private listener: Listener | undefined;
  private readonly open = new Set<Socket>();
  /** What the server was asked for, in order, by the beginnings of what came through. */
  readonly asked: string[] = [];

  private constructor(
    private readonly server: Server,
    private readonly port: number,
  ) {}

  static async before(server: Server): Promise<Gate> {
    const gate = new Gate(server, await freePort());
    await gate.restore();
    return gate;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async restore(): Promise<void> {
    if (this.listener !== undefined) return;
    const listener = createServer((near) => {
      const far = connect(this.server.port, "127.0.0.1");
      near.on("data", (bytes: Buffer) => {
        const address = /^GET (\S+) HTTP/.exec(bytes.toString("latin1"))?.[1];
        if (address !== undefined) this.asked.push(address);
      });
      for (const [from, to] of [[near, far], [far, near]] as const) {
        this.open.add(from);
        from.pipe(to);
        // Either end may go at any moment; the other goes with it.
        from.on("error", () => to.destroy());
        from.on("close", () => {
          this.open.delete(from);
          to.destroy();
        });
      }
    });
    while (!(await this.take(listener))) await setTimeout(RETRY_MS);
    this.listener = listener;
  }

  /** Takes the port, if it is free: some connection may go out from it for a moment, even a browser's own to it. */
  private async take(listener: Listener): Promise<boolean> {
    listener.listen(this.port, "127.0.0.1");
    try {
      await once(listener, "listening");
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
      throw error;
    }
  }

  async cut(): Promise<void> {
    if (this.listener === undefined) return;
    const { listener } = this;
    const closed = new Promise((resolve) => listener.close(resolve));
    for (const socket of this.open) socket.destroy();
    await closed;
    this.listener = undefined;
  }
}
