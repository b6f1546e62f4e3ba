import { type Browser, test } from "@playwright/test";

import { Client } from "../client.ts";
import { fill } from "../crowd.ts";
import { median, ms, print } from "../figures.ts";
import { began, notePaints, paintedAt } from "../painted.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

const RUNS = 5;
const ITEMS = 1_000;

test("the first usable list, cold and offline", async ({ browser }) => {
  test.setTimeout(300_000);
  const server = await Server.start();
  await Client.register(server, "ann");
  const client = await Client.signIn(server, "ann");
  await fill(client, ITEMS);
  const [form, cold, warm, offline, blank]: number[][] = [[], [], [], [], []];
  for (let run = 0; run < RUNS; run++) {
    blank!.push(await blankPage(browser, server));
    const ann = await Person.on(browser, server.url);
    const { page, context } = ann;
    await page.goto("/sign-in");
    await page.getByLabel("Username").waitFor();
    form!.push(Date.now() - (await began(page)));
    await notePaints(page);
    const pressed = Date.now();
    await ann.signInHere("ann");
    cold!.push((await paintedAt(page, "list")) - pressed);
    await ann.seesStatus("Up to date");
    await ann.isReadyForOffline();
    await page.reload();
    warm!.push((await paintedAt(page, "list")) - (await began(page)));
    await context.setOffline(true);
    await page.goto("/files");
    offline!.push((await paintedAt(page, "list")) - (await began(page)));
    await context.close();
  }
  print(`The first usable list of ${ITEMS} items, median of ${RUNS}`, [
    ["a page with nothing in it (bound)", ms(median(blank!))],
    ["sign-in, nothing in the browser yet", ms(median(form!))],
    ["from sign-in to the list, cold", ms(median(cold!))],
    ["loaded again", ms(median(warm!))],
    ["offline", ms(median(offline!))],
  ]);
  await server.stop();
});

async function blankPage(browser: Browser, server: Server): Promise<number> {
  const page = await browser.newPage();
  await page.goto(`${server.url}/icon.svg`);
  const took = await page.evaluate(() => performance.getEntriesByType("navigation")[0]!.duration);
  await page.context().close();
  return took;
}
