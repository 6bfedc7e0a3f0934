// node chromium.mjs CHROMIUM URL: opens the page in a headless browser, and prints its title once it is done.
import { createRequire } from "node:module";
const { chromium } = createRequire(import.meta.url)("playwright-core");

const browser = await chromium.launch({
  executablePath: process.argv[2],
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--ignore-certificate-errors"],
});
try {
  const page = await browser.newPage();
  await page.goto(process.argv[3]);
  await page.waitForFunction(() => document.title !== "running", null, { timeout: 90_000 });
  console.log(await page.title());
} finally {
  await browser.close();
}
