import { test } from "@playwright/test";
import type { WebSocket } from "ws";

import { Client, createChange } from "../client.ts";
import { crowd } from "../crowd.ts";
import { median, ms, percentile, print } from "../figures.ts";
import { began, notePaints, paintedAt } from "../painted.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

const CHANGES = 200;
const OTHER_PEOPLE = 100;
const OTHER_SOCKETS = 1_000;
const FRAME_WITHIN_MS = 10_000;
const MINUTE_MS = 60_000;

test("a change reaches another browser's screen", async ({ browser }) => {
  test.setTimeout(10 * MINUTE_MS);
  const server = await Server.start({ environment: { CLOUDSTEAD_REGISTRATION: "open" } });
  const ann = await Person.on(browser, server.url);
  await ann.register("ann");
  const disperse = await crowd(server, OTHER_PEOPLE, OTHER_SOCKETS);
  const frames = await framesOf(server);
  // A profile in a window of its own, so that both are in front.
  const annsPhone = await Person.on(browser, server.url);
  await annsPhone.signIn("ann");
  await ann.makesFolder("change 0");
  await annsPhone.item("change 0").waitFor();
  await notePaints(ann.page);
  await notePaints(annsPhone.page);
  await began(annsPhone.page);

  const [there, here]: [number[], number[]] = [[], []];
  for (let change = 1; change <= CHANGES; change++) {
    const name = `change ${change}`;
    for (const { page } of [ann, annsPhone]) {
      await page.evaluate((name) => {
        const shown = () => [...document.querySelectorAll("[role=row] .name")].some((it) => it.textContent === name);
        window.awaitPainted(name, shown);
      }, name);
    }
    await ann.item(`change ${change - 1}`).click();
    await ann.page.keyboard.press("F2");
    await ann.page.keyboard.press("ControlOrMeta+a");
    await ann.page.keyboard.insertText(name);
    const pressed = ann.page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          addEventListener("keydown", (event) => resolve(performance.timeOrigin + event.timeStamp), { once: true, capture: true });
        }),
    );
    await ann.page.evaluate(() => undefined);
    await ann.page.keyboard.press("Enter");
    const start = await pressed;
    here.push((await paintedAt(ann.page, name)) - start);
    there.push((await paintedAt(annsPhone.page, name)) - start);
  }
  print(`${CHANGES} changes, with ${OTHER_SOCKETS} other sockets in ${OTHER_PEOPLE} zones`, [
    ["a frame on another socket, p50", ms(median(frames)), "< 6 ms"],
    ["a frame on another socket, p99", ms(percentile(frames, 0.99)), "< 12 ms"],
    ["painted on one's own screen, p50", ms(median(here))],
    ["painted on the other screen, p50", ms(median(there)), "< 100 ms"],
    ["painted on the other screen, p99", ms(percentile(there, 0.99)), "< 300 ms"],
  ]);
  disperse();
  for (const { context } of [ann, annsPhone]) await context.close();
  await server.stop();
});

/** From before a change is sent by one device until the frame that tells of it is at another's socket, without browsers. */
async function framesOf(server: Server): Promise<number[]> {
  await Client.register(server, "ben");
  const [desk, phone] = [await Client.signIn(server, "ben", "Desk"), await Client.signIn(server, "ben", "Phone")];
  const socket = await phone.listen();
  const took: number[] = [];
  for (let change = 0; change < CHANGES; change++) {
    const file = createChange(desk.rootId, `File ${change}.txt`, Buffer.from(`${change}`));
    const told = toldOf(socket, file.fileId);
    const start = performance.now();
    const [, at] = await Promise.all([desk.push([file]), told]);
    took.push(at - start);
  }
  socket.terminate();
  return took;
}

function toldOf(socket: WebSocket, fileId: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no frame told of ${fileId}`)), FRAME_WITHIN_MS);
    const hear = (data: Buffer) => {
      const at = performance.now();
      if (JSON.parse(data.toString()).fileId !== fileId) return;
      clearTimeout(late);
      socket.off("message", hear);
      resolve(at);
    };
    socket.on("message", hear);
  });
}
