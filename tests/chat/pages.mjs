// node pages.mjs CHROMIUM, with a JSON object on standard input: two pages in a headless browser talk while parts of the system fail.
//
// page, servers, redis, nginx: as `up --json` says it; tokens: ada, bob, expired; room; strict: url and token of a chat with usual limits
import { strict as assert } from "node:assert";
import { connected, given, main, shows, until, visitor, write } from "./browser.mjs";

const TEXTS = ["Grüße", "мир", "世界，你好", "مرحبا بالعالم", "שלום", "नमस्ते", "👩‍👩‍👧‍👦 😀", "<b>not bold</b>", "สวัสดี", "한국어"];

async function opened(user) {
  const page = await (await visitor()).newPage();
  await page.goto(`${given.page}#token=${given.tokens[user]}&room=${given.room}`);
  await connected(page);
  return page;
}

const health = async (server) => (await (await fetch(server.replace("ws:", "http:").replace("/chat", "/healthz"))).json());

// Moves a page until each is on a server of its own: nginx counts requests for files, too, while it chooses a server.
async function apart(page) {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const inside = await Promise.all(given.servers.map(async ({ url }) => (await health(url)).connections));
    if (inside.every((count) => count === 1)) return;
    await page.evaluate(() => chat.reconnect());
    await connected(page);
    await new Promise((resolve) => setTimeout(resolve, 200)); // the old connection ends
  }
  assert.fail("all pages are on the same server");
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

await main(async () => {
  const ada = await opened("ada");
  const bob = await opened("bob");
  await apart(bob);

  for (const [number, text] of TEXTS.entries()) {
    const page = number % 2 ? bob : ada;
    await write(page, text);
    await shows(number % 2 ? ada : bob, TEXTS.slice(0, number + 1));
  }
  await until(ada, () => document.getElementById("users").textContent === "ada (you)bob");

  // A thousand messages, and in the middle a server is killed.
  const numbers = Array.from({ length: 1000 }, (_, number) => `number ${number}`);
  const say = (page, list) => page.evaluate(async (list) => {
    for (const [number, text] of list.entries()) {
      chat.send(text);
      if (number % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }, list);
  const saying = say(ada, numbers);
  await until(bob, () => document.getElementById("log").textContent.includes("number 200"));
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
  await until(bob, () => document.getElementById("state").textContent === "Reconnecting…");
  await bob.context().setOffline(false);
  await connected(bob);

  // The door.
  const stranger = await (await visitor()).newPage();
  await stranger.goto(given.servers[0].url.replace("ws:", "http:").replace("/chat", "/healthz")); // the page itself connects to its own origin only
  const join = JSON.stringify({ t: "join", room: given.room, after: null });
  const flood = Array.from({ length: 300 }, (_, number) => JSON.stringify({ t: "msg", id: `${number}`, text: "flood" }));
  assert.equal(await code(stranger, url, given.tokens.ada, []), 4403);
  assert.equal(await code(ada, url, given.tokens.expired, []), 4401);
  assert.equal(await code(ada, url, given.tokens.ada, ["x".repeat(20_000)]), 1009);
  const guarded = await (await visitor()).newPage();
  await guarded.goto(`${given.strict.page}#token=${given.tokens.ada}`);
  assert.equal(await code(guarded, given.strict.page.replace("https:", "wss:") + "chat", given.tokens.ada, [join, ...flood]), 4429);
});
