// What both scripts with a browser need: pages of the chat, and what they show.
import { createRequire } from "node:module";
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
const require = createRequire(import.meta.url);

// As test_pages.py says it.
export const given = JSON.parse(readFileSync(0, "utf8"));
export const browser = await require("playwright-core").chromium.launch({
  executablePath: process.argv[2],
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

// A browser of its own, where a page must not fail on any script, and must not break its own policy.
export async function visitor(options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "en-GB", timezoneId: "Asia/Tokyo", viewport: { width: 1280, height: 720 }, ...options });
  context.setDefaultTimeout(30_000);
  context.faults = [];
  context.on("weberror", (error) => context.faults.push(error.error().message));
  context.on("console", (message) => message.text().includes("Content Security Policy") && context.faults.push(message.text()));
  return context;
}

export const until = (page, test, argument = null, timeout = 60_000) => page.waitForFunction(test, argument, { timeout });
export const connected = (page) => until(page, () => document.getElementById("state").textContent === "Connected");
export const said = (page) => page.evaluate(() => [...document.querySelectorAll("#messages .said")].map((text) => text.textContent));
export const text = (page, id) => page.evaluate((id) => document.getElementById(id).textContent, id);
export const picture = async (page, name) => given.pictures && page.screenshot({ path: `${given.pictures}/${name}.png` });

export async function write(page, words) {
  await page.fill("#text", words);
  await page.press("#text", "Enter");
}

// Waits until a page shows these texts, each once and in this order, after those of before.
export async function shows(page, expected) {
  await until(page, (last) => [...document.querySelectorAll("#messages .said")].some((text) => text.textContent === last), expected.at(-1));
  assert.deepEqual((await said(page)).slice(-expected.length), expected);
}

// Runs what a script does; says "passed", or why not.
export async function main(run) {
  try {
    await run();
    for (const context of browser.contexts()) assert.deepEqual(context.faults ?? [], []);
    console.log("passed");
  } finally {
    await browser.close();
  }
}
