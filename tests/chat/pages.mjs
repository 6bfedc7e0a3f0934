// node pages.mjs CHROMIUM, with a JSON object on standard input: two pages in a headless browser talk while parts of the system fail.
//
// page, servers, redis, nginx: as `up --json` says it; tokens: ada, bob, expired; room; strict: url and token of a chat with usual limits; pictures: a folder or null
import { createRequire } from "node:module";
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
const { chromium } = createRequire(import.meta.url)("playwright-core");

const given = JSON.parse(readFileSync(0, "utf8"));
const browser = await chromium.launch({
  executablePath: process.argv[2],
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

const TEXTS = ["Grüße", "мир", "世界，你好", "مرحبا بالعالم", "שלום", "नमस्ते", "👩‍👩‍👧‍👦 😀", "<b>not bold</b>", "สวัสดี", "한국어"];

async function opened(user) {
  const page = await (await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 720, height: 440 } })).newPage();
  await page.goto(`${given.page}#token=${given.tokens[user]}&room=${given.room}`);
  await connected(page);
  return page;
}

const connected = (page) => page.waitForFunction(() => document.getElementById("state").textContent === "connected", null, { timeout: 30_000 });
const texts = (page) => page.evaluate(() => [...document.querySelectorAll("#log li:not(.waiting)")].map((line) => line.lastChild.textContent));
const health = async (server) => (await (await fetch(server.replace("ws:", "http:").replace("/chat", "/healthz"))).json());

// Waits until a page shows these texts, each once and in this order, after those of before.
async function shows(page, expected) {
  const last = expected.at(-1);
  await page.waitForFunction((last) => [...document.querySelectorAll("#log li:not(.waiting)")].some((line) => line.lastChild.textContent === last), last, { timeout: 60_000 });
  const found = await texts(page);
  assert.deepEqual(found.slice(-expected.length), expected);
}

// The code that a page gets: one of this origin, or where `elsewhere` is, of that one.
function code(page, url, token, send) {
  return page.evaluate(([url, token, send]) => new Promise((resolve) => {
    const socket = new WebSocket(url, ["chat.v1", `token.${token}`]);
    socket.onopen = () => send.forEach((text) => socket.send(text));
    socket.onclose = (event) => resolve(event.code);
  }), [url, token, send]);
}

const url = given.page.replace("https:", "wss:") + "chat";
const picture = async (page, name) => given.pictures && page.screenshot({ path: `${given.pictures}/${name}.png` });
try {
  const ada = await opened("ada");
  const bob = await opened("bob");
  const inside = await Promise.all(given.servers.map(async ({ url }) => (await health(url)).connections));
  assert.deepEqual(inside, [1, 1], "each page is on a server of its own");

  for (const [number, text] of TEXTS.entries()) {
    const page = number % 2 ? bob : ada;
    await page.fill("#text", text);
    await page.press("#text", "Enter");
    await shows(number % 2 ? ada : bob, TEXTS.slice(0, number + 1));
  }
  await ada.evaluate(() => chat.beat());
  await ada.waitForFunction(() => document.getElementById("users").textContent === "adabob");
  await picture(ada, "chat");

  // A thousand messages, and in the middle a server is killed.
  const numbers = Array.from({ length: 1000 }, (_, number) => `number ${number}`);
  const say = (page, list) => page.evaluate(async (list) => {
    for (const [number, text] of list.entries()) {
      chat.send(text);
      if (number % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }, list);
  const saying = say(ada, numbers);
  await bob.waitForFunction(() => document.getElementById("log").textContent.includes("number 200"));
  await picture(bob, "chat-busy");
  for (const server of given.servers) {
    const { connections, pid } = await health(server.url);
    if (connections) {
      process.kill(pid, "SIGKILL");
      break;
    }
  }
  await saying;
  await shows(bob, numbers);
  await shows(ada, numbers);

  // nginx is told to read its configuration again, and Redis ends.
  process.kill(given.nginx.pid, "SIGHUP");
  process.kill(given.redis.pid, "SIGKILL");
  const afterwards = ["after nginx was reloaded", "and Redis started again"];
  await say(bob, afterwards);
  await shows(ada, [...numbers, ...afterwards]);
  await shows(bob, afterwards);

  // A page that is suspended catches up.
  const devtools = await bob.context().newCDPSession(bob);
  await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
  const missed = Array.from({ length: 300 }, (_, number) => `missed ${number}`);
  await connected(ada);
  await say(ada, missed);
  await shows(ada, missed);
  await devtools.send("Page.setWebLifecycleState", { state: "active" });
  await shows(bob, [...afterwards, ...missed]);

  // Without a network it says so, and comes back.
  await bob.context().setOffline(true);
  await bob.evaluate(() => chat.reconnect());
  await bob.waitForFunction(() => document.getElementById("state").textContent.startsWith("reconnecting"));
  await picture(bob, "chat-reconnecting");
  await bob.context().setOffline(false);
  await connected(bob);

  // The door.
  const stranger = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  await stranger.goto(given.servers[0].url.replace("ws:", "http:").replace("/chat", "/"));
  const join = JSON.stringify({ t: "join", room: given.room, after: null });
  const flood = Array.from({ length: 300 }, (_, number) => JSON.stringify({ t: "msg", id: `${number}`, text: "flood" }));
  assert.equal(await code(stranger, url, given.tokens.ada, []), 4403);
  assert.equal(await code(ada, url, given.tokens.expired, []), 4401);
  assert.equal(await code(ada, url, given.tokens.ada, ["x".repeat(20_000)]), 1009);
  const guarded = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  await guarded.goto(`${given.strict.page}#token=${given.tokens.ada}`);
  assert.equal(await code(guarded, given.strict.page.replace("https:", "wss:") + "chat", given.tokens.ada, [join, ...flood]), 4429);
  console.log("passed");
} finally {
  await browser.close();
}
