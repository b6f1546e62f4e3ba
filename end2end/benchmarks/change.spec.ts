import { test } from "@playwright/test";

import { crowd } from "../crowd.ts";
import { median, ms, percentile, print } from "../figures.ts";
import { began, notePaints, paintedAt } from "../painted.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

const CHANGES = 200;
const OTHER_PEOPLE = 100;
const OTHER_SOCKETS = 1_000;
const MINUTE_MS = 60_000;

test("a change reaches another browser's screen", async ({ browser }) => {
  test.setTimeout(10 * MINUTE_MS);
  const server = await Server.start({ environment: { CLOUDSTEAD_REGISTRATION: "open" } });
  const ann = await Person.on(browser, server.url);
  await ann.register("ann");
  const disperse = await crowd(server, OTHER_PEOPLE, OTHER_SOCKETS);
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
    ["painted on one's own screen, p50", ms(median(here))],
    ["painted on the other screen, p50", ms(median(there)), "< 100 ms"],
    ["painted on the other screen, p99", ms(percentile(there, 0.99)), "< 300 ms"],
  ]);
  disperse();
  await server.stop();
});
