// The line to a server that is away: tried quickly, then slowly, and at once when the network is back.

import { expect, test } from "@playwright/test";

import { Client, createFolderChange } from "../client.ts";
import { world } from "../library.ts";
import { Person } from "../person.ts";

const QUICK_TRIES = 5;
const QUICK_WAIT_MAX_MS = 8_000;
const SLOW_WAIT_MIN_MS = 15_000;
const SLOW_WAIT_MAX_MS = 30_000;
/** The page's clock is put forward by so much at a time. */
const STEP_MS = 1_000;

declare global {
  interface Window {
    /** When each line was begun, by the page's clock. */
    begun: number[];
  }
}

/** Notes when a line is begun. */
function noteLines(): void {
  window.begun = [];
  window.WebSocket = class extends WebSocket {
    constructor(...given: ConstructorParameters<typeof WebSocket>) {
      super(...given);
      window.begun.push(Date.now());
    }
  };
}

const here = world();

test("a lost line is tried five times quickly, then slowly, and at once when the browser is online again", async ({ browser }) => {
  await Client.register(here.server, "ann");
  const witness = await Client.signIn(here.server, "ann");
  const ann = await Person.on(browser, here.gate.url);
  const { page } = ann;
  await page.clock.install();
  await page.addInitScript(noteLines);
  await ann.signIn("ann");
  await ann.seesStatus("Up to date");
  const begun = () => page.evaluate(() => window.begun);
  const before = (await begun()).length;

  await here.gate.cut();
  const lost = await page.evaluate(() => Date.now());
  const tries = async () => (await begun()).slice(before);
  const most = QUICK_TRIES * (QUICK_WAIT_MAX_MS + STEP_MS) + SLOW_WAIT_MAX_MS + STEP_MS;
  for (let passed = 0; passed < most && (await tries()).length <= QUICK_TRIES; passed += STEP_MS) {
    await page.clock.runFor(STEP_MS);
    // What the network says comes by the real clock.
    await page.waitForTimeout(30);
  }
  await ann.seesStatus("Offline");
  const times = await tries();
  expect(times).toHaveLength(QUICK_TRIES + 1);
  const waits = times.map((time, at) => time - (times[at - 1] ?? lost));
  for (const wait of waits.slice(0, QUICK_TRIES)) expect(wait).toBeLessThan(QUICK_WAIT_MAX_MS + 2 * STEP_MS);
  expect(waits[QUICK_TRIES]).toBeGreaterThanOrEqual(SLOW_WAIT_MIN_MS);

  await ann.makesFolder("Made offline");
  await ann.seesStatus("Offline, 1 change waiting");
  await ann.context.setOffline(true);
  await here.gate.restore();
  await witness.done(createFolderChange(witness.rootId, "Made elsewhere"));
  expect(await tries()).toHaveLength(QUICK_TRIES + 1);
  await ann.context.setOffline(false);
  await expect.poll(async () => (await tries()).length).toBe(QUICK_TRIES + 2);
  await ann.seesStatus("Up to date");
  await expect(ann.item("Made elsewhere")).toBeVisible();
  expect((await witness.items()).map(({ name }) => name).sort()).toEqual(["Made elsewhere", "Made offline"]);
  // The line itself stands again: what is new comes by it.
  await witness.done(createFolderChange(witness.rootId, "News"));
  await expect(ann.item("News")).toBeVisible();
});
