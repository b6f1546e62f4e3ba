// What this device holds of files that were only looked at: a person sees it, bounds it and sends it away.

import { expect, test } from "@playwright/test";

import { Client, createChange } from "../client.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

test("what was seen lately is shown, removed and bounded, and the browser is asked to keep the rest", async ({ browser }) => {
  const server = await Server.start();
  try {
    await Client.register(server, "ann");
    const witness = await Client.signIn(server, "ann", "Elsewhere");
    const names = ["kept.txt", "one.txt", "two.txt", "three.txt"];
    await witness.done(...names.map((name) => createChange(witness.rootId, name, Buffer.from(`the words of ${name}`))));
    const ann = await Person.on(browser, server.url);
    await ann.signIn("ann");
    const { page } = ann;
    const sees = async (...names: string[]) => {
      await page.getByRole("link", { name: "Files", exact: true }).first().click();
      for (const name of names) {
        await ann.looksAt(name);
        await expect(page.getByRole("dialog")).toContainText(`the words of ${name}`);
        await page.keyboard.press("Escape");
        await expect(page.getByRole("dialog")).toBeHidden();
      }
      await page.getByRole("link", { name: /^Settings/ }).click();
    };
    const card = page.getByRole("region", { name: "Storage on this device" });
    const holds = async (kept: string, lately: string) => {
      await expect(card).toContainText(`Files kept${kept}`);
      await expect(card).toContainText(`Opened or changed lately${lately}`);
    };
    const space = (name: string) => card.getByRole("group", { name: "Space for files opened lately" }).getByRole("radio", { name, exact: true });

    await ann.item("kept.txt").click({ button: "right" });
    await page.getByRole("menuitem", { name: "Keep on this device" }).click();
    await expect(ann.item("kept.txt").getByRole("img", { name: "On this device: Kept" })).toBeVisible();

    await test.step("removed, but not what is kept", async () => {
      await sees("one.txt", "two.txt");
      await holds("1 file", "2 files");
      await card.getByRole("button", { name: "Remove what was seen lately" }).click();
      await ann.isTold("What was seen lately left this device");
      await holds("1 file", "Nothing");
    });

    await test.step("without space nothing stays, after a reload either", async () => {
      await sees("one.txt");
      await holds("1 file", "1 file");
      await expect(space("1 GB")).toBeChecked();
      await space("None").check();
      await holds("1 file", "Nothing");
      await sees("two.txt");
      await holds("1 file", "Nothing");
      await page.reload();
      await expect(space("None")).toBeChecked();
      await holds("1 file", "Nothing");
      await space("5 GB").check();
      await sees("three.txt");
      await holds("1 file", "1 file");
    });

    await test.step("the browser is asked to keep it: it says no, then yes", async () => {
      const ask = card.getByRole("button", { name: "Ask the browser not to" });
      await ask.click();
      await ann.isTold("The browser didn't agree.");
      await expect(ask).toBeVisible();
      const devtools = await browser.newBrowserCDPSession();
      const { browserContextIds } = await devtools.send("Target.getBrowserContexts");
      for (const browserContextId of browserContextIds) {
        await devtools.send("Browser.grantPermissions", { permissions: ["durableStorage"], origin: server.url, browserContextId });
      }
      await ask.click();
      await expect(card).toContainText("This browser will not clear these files by itself.");
      await expect(ask).toBeHidden();
    });
  } finally {
    await server.stop();
  }
});
