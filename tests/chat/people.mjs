// node people.mjs CHROMIUM, with a JSON object on standard input: what people see of the page, do with it, and can hear of it.
//
// page: of a chat with guests, compression and frequent Pings, where users are present for an hour; strict, other: of chats without guests, the second without fastframe too; tokens: ada, expired; pictures: a folder or null
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connected, given, main, picture, said, shows, text, until, visitor, write } from "./browser.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const NARROW = { width: 360, height: 640 }, WIDE = { width: 1280, height: 720 };

// No rule of axe-core is broken, in the colours of the day and of the night, on a wide screen and on a narrow one; and nothing is wider than the screen.
async function accessible(page, state) {
  await page.evaluate(AXE);
  const size = page.viewportSize();
  for (const colorScheme of ["light", "dark"]) {
    for (const viewport of [WIDE, NARROW]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      const broken = await page.evaluate(async () => (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(" ")}`));
      assert.equal(await page.evaluate(() => parseInt(getComputedStyle(document.body).backgroundColor.slice(4)) < 128), colorScheme === "dark", `${state}, ${colorScheme}`);
      assert.deepEqual(broken, [], `${state}, ${colorScheme}, ${viewport.width}`);
      await fits(page, state);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(size);
}

async function fits(page, state) {
  const { width, height } = page.viewportSize();
  const [wide, high] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);
  assert.ok(wide <= width && high <= height, `${state}: ${wide} x ${high} on ${width} x ${height}`);
}

// Each field that one sees has a label: axe-core is content with a placeholder.
async function labelled(page, ids) {
  assert.deepEqual(await page.evaluate((ids) => ids.map((id) => document.getElementById(id).labels[0]?.textContent), Object.keys(ids)), Object.values(ids));
}

async function signedIn(name, options) {
  const page = await (await visitor(options)).newPage();
  await page.goto(`${given.page}#room=garden`);
  await page.waitForSelector("#name:focus");
  await page.fill("#name", name);
  await page.press("#name", "Enter");
  await connected(page);
  return page;
}

const people = (page, names) => until(page, (names) => [...document.querySelectorAll("#users li")].map((item) => item.textContent).join() === names, names.join());

async function signingIn() {
  const page = await (await visitor()).newPage();
  page.on("dialog", () => assert.fail("the page opens a dialog"));
  await page.goto(given.page);
  await page.waitForSelector("#name:focus");
  assert.equal(await page.locator("#chat").isVisible(), false);
  await accessible(page, "sign-in");
  await labelled(page, { name: "Your name", token: "Token", room: "Room", text: "Message" });
  await page.fill("#name", "!");
  await page.press("#name", "Enter");
  await until(page, () => document.getElementById("refusal").textContent.startsWith("A name has"));
  assert.equal(await page.getAttribute("#name", "aria-invalid"), "true");
  await accessible(page, "sign-in, a wrong name");

  // Without guests there are tokens only; one that has expired leads back to the form, and says why.
  await page.goto(`${given.strict}#token=${given.tokens.expired}&room=den`);
  await until(page, () => document.getElementById("refusal").textContent.includes("expired"));
  assert.equal(await page.locator("#name").isVisible(), false);
  await accessible(page, "sign-in, refused");
  await page.fill("#token", "not a token");
  await page.press("#token", "Enter");
  await until(page, () => document.getElementById("refusal").textContent.startsWith("This is not a token."));
  await page.fill("#token", given.tokens.ada);
  await page.press("#token", "Enter");
  await connected(page);
  assert.equal(await text(page, "me"), "ada");
  assert.equal(new URL(page.url()).hash, "#room=den", "a token must not stay in the address");
  await page.click("#sign-out");
  await page.waitForSelector("#token:focus");
  await page.reload();
  await page.waitForSelector("#token:focus");
  await page.context().close();
}

const lines = (page) => page.evaluate(() => [...document.querySelectorAll("#messages li:not(.day)")].map((item) => ({
  own: item.classList.contains("own"), right: item.getBoundingClientRect().right, from: item.querySelector(".from").textContent, id: item.dataset.id,
  at: item.querySelector("time").dateTime, shown: item.querySelector("time").textContent, full: item.querySelector("time").title,
})));

// Own messages are the same after a reload and in a second tab; times are those of the log, in local time.
async function messages(ada, grace, zoe) {
  const talk = [
    [ada, "Good morning! Are both servers up?"], [grace, "Yes, since seven. The third one comes at noon."],
    [grace, "Nobody has lost a message while we switched."], [zoe, "I have reloaded twice and had everything, in order 👍"],
    [ada, "Grüße aus Köln, привет, 你好, שלום"], [grace, "Who takes the early shift tomorrow?"],
    [ada, "Lovely. If the one that I am on goes away, this page finds the other, and shows what it has missed."],
  ];
  for (const [page, words] of talk) {
    await write(page, words);
    await until(page === ada ? grace : ada, (words) => document.getElementById("messages").textContent.includes(words), words);
  }
  await ada.reload();
  await connected(ada);
  const second = await ada.context().newPage();
  await second.goto(`${given.page}#room=garden`);
  for (const [page, own] of [[ada, ada], [second, ada], [grace, grace]]) {
    await shows(page, talk.map(([, words]) => words));
    const found = await lines(page);
    assert.deepEqual(found.map((line) => line.own), talk.map(([author]) => author === own));
    assert.deepEqual(found.map((line) => line.from.endsWith(" (you)")), talk.map(([author]) => author === own));
    const [mine, others] = [true, false].map((own) => found.filter((line) => line.own === own).map((line) => line.right));
    assert.ok(Math.min(...mine) > Math.max(...others), "own messages are on the right");
    for (const { id, at, shown, full } of found) {
      const time = new Date(Number(id.split("-")[0]));
      assert.equal(at, time.toISOString());
      assert.equal(shown, time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Tokyo" }));
      assert.ok(full.includes(`${time.toLocaleDateString("en-GB", { year: "numeric", timeZone: "Asia/Tokyo" })}`) && full.includes(":"), full);
    }
  }
  assert.equal(await ada.getAttribute("#log", "role"), "log");
  assert.equal(await ada.getAttribute("#log", "aria-live"), "polite");
  await second.close();
}

async function presence(ada) {
  await people(ada, ["Ada (you)", "Grace"]);
  const zoe = await signedIn("Zoë");
  await people(ada, ["Ada (you)", "Grace", "Zoë"]);
  assert.equal(await text(ada, "count"), "3 people here");
  await zoe.selectOption("#room", "library");
  await people(ada, ["Ada (you)", "Grace"]);
  await people(zoe, ["Zoë (you)"]);
  await zoe.goBack();
  await people(ada, ["Ada (you)", "Grace", "Zoë"]);
  await zoe.close();
  await people(ada, ["Ada (you)", "Grace"]);
  const again = await zoe.context().newPage(); // still signed in
  await again.goto(`${given.page}#room=garden`);
  await people(ada, ["Ada (you)", "Grace", "Zoë"]);
  return again;
}

// Everything can be reached with Tab, in the order of the page, and one sees where one is.
async function keyboard(page) {
  const found = [];
  for (let count = 0; count < 7; count += 1) {
    await (count ? page.keyboard.press("Tab") : page.focus("#room"));
    found.push(await page.evaluate(() => {
      const element = document.activeElement, style = getComputedStyle(element);
      return `${element.id || element.textContent}${style.outlineStyle === "solid" && parseFloat(style.outlineWidth) >= 2 ? "" : ", invisible"}`;
    }));
  }
  assert.deepEqual(found, ["room", "count", "sign-out", "fastframe, live", "log", "text", "Send"]);
  await page.fill("#text", "two");
  await page.press("#text", "Shift+Enter");
  await page.keyboard.type("lines");
  await page.press("#text", "Enter");
  await until(page, () => [...document.querySelectorAll("#messages .said")].at(-1).textContent === "two\nlines");
}

async function narrow(page) {
  await page.setViewportSize(NARROW);
  await until(page, () => !document.getElementById("people").open && !document.getElementById("live").open);
  assert.equal(await page.locator("#users").isVisible(), false);
  await page.focus("#count");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#users:visible");
  await accessible(page, "people unfolded");
  await page.click("#live summary");
  await page.waitForSelector("#figures:visible");
  await page.waitForSelector("#users:visible", { state: "hidden" });
  await write(page, "x".repeat(300));
  await until(page, () => document.getElementById("messages").textContent.includes("xxx"));
  const [inside, width] = await page.evaluate(() => [document.getElementById("log").scrollWidth, document.getElementById("log").clientWidth]);
  assert.ok(inside <= width, "a long word is wrapped");
  await accessible(page, "figures unfolded");
  await page.setViewportSize(WIDE);
  await page.waitForSelector("#users:visible");
}

function atTheEnd() {
  const { scrollTop, clientHeight, scrollHeight } = document.getElementById("log");
  return scrollTop + clientHeight >= scrollHeight - 2;
}

// Who reads old messages is not moved to the end, but told.
async function reading(page, other) {
  await page.evaluate(() => (document.getElementById("log").scrollTop = 0));
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)));
  await write(other, "something new");
  await until(page, () => document.getElementById("newer").textContent === "↓ 1 new message" && !document.getElementById("newer").hidden);
  assert.equal(await page.evaluate(() => document.getElementById("log").scrollTop), 0);
  await accessible(page, "reading old messages");
  await page.click("#newer");
  await until(page, atTheEnd);
  assert.equal(await page.locator("#newer").isVisible(), false);
}

async function figures(page) {
  await until(page, () => /^[1-9][\d,.]*$/.test(document.getElementById("rate").textContent));
  await until(page, () => /^[\d.,]+ ms$/.test(document.getElementById("round-trip").textContent));
  assert.match(await text(page, "compression"), /^[\d.]+ : 1$/);
  assert.match(await text(page, "open"), /^[1-9]$/);
  assert.equal(await page.locator("#inactive").isVisible(), false);
  const other = await (await visitor()).newPage();
  await other.goto(`${given.other}#token=${given.tokens.ada}`);
  await connected(other);
  await other.waitForSelector("#inactive:visible");
  assert.equal(await other.locator("#figures").isVisible(), false);
  await accessible(other, "not active");
  await other.context().close();
}

// Words, not codes; how long it will take; and a button for those who do not want to wait.
async function reconnecting(page) {
  const url = await page.evaluate(() => {
    const { url } = chat;
    chat.url = `${url}/nowhere`; // it is refused
    return url;
  });
  await page.evaluate(() => {
    Object.assign(Math, { random: () => 0.99 });
    chat.delay = 10_000_000;
    chat.socket.close(4999);
  });
  await until(page, () => /^Next attempt in 9\d\d\d seconds/.test(document.getElementById("next").textContent));
  const before = await text(page, "next");
  await until(page, (before) => document.getElementById("next").textContent !== before, before);
  await page.fill("#text", "written meanwhile");
  await page.press("#text", "Enter");
  await until(page, () => document.getElementById("next").textContent.endsWith("1 message waits here and will be sent then."));
  assert.equal(await page.getAttribute("#what", "role"), "alert");
  assert.equal(await text(page, "rate"), "…", "old figures are not shown");
  await accessible(page, "reconnecting");
  await page.setViewportSize({ width: 640, height: 360 }); // a telephone on its side
  await page.click("#count");
  await page.waitForSelector("#users:visible");
  await fits(page, "reconnecting, people unfolded");
  assert.ok(await page.evaluate(() => document.getElementById("form").getBoundingClientRect().bottom <= innerHeight));
  await page.setViewportSize(WIDE);
  await page.click("#again"); // it fails, and the page goes on by itself
  await until(page, () => document.getElementById("what").textContent === "The connection is lost." && document.getElementById("state").textContent === "Reconnecting…");
  await page.evaluate(() => (chat.delay = 9_000));
  await until(page, () => /^Next attempt in [2-9] seconds/.test(document.getElementById("next").textContent));
  assert.doesNotMatch(await page.evaluate(() => document.body.innerText), /\b(1006|4999)\b/);
  await picture(page, "chat-reconnecting");
  await page.evaluate((url) => {
    chat.url = url;
    chat.delay = 10_000_000;
    chat.reconnect();
  }, url);
  await until(page, () => document.getElementById("what").textContent === "The server does not answer.");
  await page.click("#again");
  await connected(page);
  assert.equal(await page.locator("#notice").isVisible(), false);
  await shows(page, ["written meanwhile"]);
  await page.context().setOffline(true);
  await page.evaluate(() => chat.reconnect());
  await until(page, () => document.getElementById("next").textContent.startsWith("This device is offline."));
  await page.context().setOffline(false);
  await connected(page);
}

async function refused(page) {
  await page.evaluate(() => chat.say({ t: "no such message" }));
  await until(page, () => document.getElementById("what").textContent.startsWith("The server does not understand this page."));
  assert.equal(await text(page, "state"), "Not connected");
  await accessible(page, "refused");
  await page.click("#again");
  await connected(page);
  // What would be refused again is not sent again.
  await page.evaluate((words) => {
    document.getElementById("text").value = words;
    document.getElementById("form").requestSubmit();
  }, "ö".repeat(20_000));
  await until(page, () => document.getElementById("what").textContent.includes("too long"));
  await page.click("#again");
  await connected(page);
  assert.equal(await page.evaluate(() => document.querySelector("#waiting .when").textContent), "not sent");
  await write(page, "a short one");
  await shows(page, ["a short one"]);
}

async function busy(ada, others) {
  const words = ["Good morning from the workshop", "The new sensor sends every half second", "Who has the key to the greenhouse?",
    "The temperature is back to normal", "Has anybody seen the long ladder?", "On the hook next to the door",
    "Thanks, found it", "It leans against the shed", "Lunch at one?",
    "The delivery comes at three", "Yes, under the old tree", "I bring the bread",
    "Then somebody should open the gate", "The bees are awake", "I do that"];
  const talking = others.map((page, number) => page.evaluate(async ([words, number, others]) => {
    for (let count = 0; count < 90; count += 1) {
      chat.send(words[(others * count + number) % words.length]);
      await new Promise((resolve) => setTimeout(resolve, 60 + 25 * number));
    }
  }, [words, number, others.length]));
  await until(ada, () => Number(document.getElementById("rate").textContent) > 40);
  await picture(ada, "chat-busy");
  await Promise.all(talking);
  await until(ada, () => document.querySelectorAll("#messages li").length > 270);
  assert.equal(await ada.locator("#newer").isVisible(), false, "who is at the end stays there");
  await until(ada, atTheEnd);
}

await main(async () => {
  await signingIn();
  const ada = await signedIn("Ada"), grace = await signedIn("Grace");
  const zoe = await presence(ada);
  await messages(ada, grace, zoe);
  await until(ada, () => /ms$/.test(document.getElementById("round-trip").textContent) && /\d/.test(document.getElementById("rate").textContent));
  await accessible(ada, "chatting");
  await picture(ada, "chat");
  await grace.setViewportSize(NARROW);
  await until(grace, atTheEnd);
  await picture(grace, "chat-narrow");
  await reconnecting(ada);
  await keyboard(ada);
  await narrow(grace);
  await reading(ada, grace);
  await figures(ada);
  await refused(grace);
  await busy(ada, [grace, zoe, await signedIn("Linus")]);
});
