import { expect, test } from "@playwright/test";

import { Client } from "../client.ts";
import { fill } from "../crowd.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

const FILES = 60;

test("deleting most of what there is asks first, and deletes nothing until it is answered", async ({ browser }) => {
  const server = await Server.start();
  try {
    await Client.register(server, "ann");
    const client = await Client.signIn(server, "ann");
    await fill(client, FILES);
    const ann = await Person.on(browser, server.url);
    await ann.signIn("ann");
    await ann.seesStatus("Up to date");
    const { page } = ann;
    await ann.rows.first().click();
    const question = page.getByRole("dialog", { name: `Delete ${FILES} of your ${FILES} items?` });
    await test.step("cancelled, everything stays", async () => {
      await page.keyboard.press("ControlOrMeta+a");
      await page.keyboard.press("Delete");
      await expect(question.getByRole("button", { name: "Cancel" })).toBeFocused();
      await page.keyboard.press("Enter");
      await expect(question).toBeHidden();
      await ann.seesStatus("Up to date");
      expect(await client.items()).toHaveLength(FILES);
    });
    await test.step("confirmed, everything is in the trash, and undo brings it back", async () => {
      await page.keyboard.press("Delete");
      await question.getByRole("button", { name: "Delete" }).click();
      await expect(ann.rows).toHaveCount(0);
      await expect.poll(async () => (await client.items()).length).toBe(0);
      await page.keyboard.press("ControlOrMeta+z");
      await expect(ann.rows.first()).toBeVisible();
      await expect.poll(async () => (await client.items()).length).toBe(FILES);
    });
    await test.step("a few go without a question", async () => {
      await ann.rows.first().click();
      await page.keyboard.press("Delete");
      await expect.poll(async () => (await client.items()).length).toBe(FILES - 1);
    });
  } finally {
    await server.stop();
  }
});
