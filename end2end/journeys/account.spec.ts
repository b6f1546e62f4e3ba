// One's own account, in the settings.

import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "@playwright/test";

import { Client, PASSWORD } from "../client.ts";
import { Person } from "../person.ts";
import { Server } from "../server.ts";

let server: Server;

test.beforeEach(async () => {
  server = await Server.start();
});

test.afterEach(() => server.stop());

test("a new password signs the other browser out, and what waits there is kept", async ({ browser }) => {
  await Client.register(server, "ann");
  const ann = await Person.on(browser, server.url);
  await ann.signIn("ann");
  const elsewhere = await Person.on(browser, server.url);
  await elsewhere.signIn("ann");
  await elsewhere.context.setOffline(true);
  await elsewhere.makesFolder("Made without a connection");

  const { page } = ann;
  await page.goto("/settings");
  await page.getByRole("button", { name: "Change password" }).click();
  const dialog = page.getByRole("dialog", { name: "Change password" });
  const current = dialog.getByRole("textbox", { name: "Current password" });
  await expect(current).toBeFocused();
  expect((await new AxeBuilder({ page }).setLegacyMode(true).analyze()).violations).toEqual([]);
  await current.fill("not the password");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.type("short");
  await page.keyboard.press("Enter");
  await expect(dialog.getByRole("alert")).toHaveText("At least 8 characters.");
  const changed = "a newer horse";
  await dialog.getByRole("textbox", { name: "New password" }).fill(changed);
  await page.keyboard.press("Enter");
  await expect(dialog.getByRole("alert")).toHaveText("That isn't your current password. Type it again.");
  await expect(current).toBeFocused();
  await page.keyboard.insertText(PASSWORD);
  await page.keyboard.press("Enter");
  await expect(page.getByText("Password changed. Your other devices are signed out.").first()).toBeVisible();
  await expect(dialog).toHaveCount(0);
  await ann.page.goto("/files");
  await ann.seesFiles();

  await elsewhere.context.setOffline(false);
  await expect(elsewhere.page).toHaveURL(/\/sign-in/);
  await elsewhere.page.getByLabel("Username").fill("ann");
  await elsewhere.page.getByRole("textbox", { name: "Password" }).fill(changed);
  await elsewhere.page.getByRole("button", { name: "Sign in", exact: true }).click();
  await elsewhere.seesFiles();
  await expect(elsewhere.item("Made without a connection")).toBeVisible();
  await expect(ann.item("Made without a connection")).toBeVisible();
});
