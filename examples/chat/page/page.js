// What is where on the page, and what happens on a click.

import { Chat } from "./chat.js";
import { Live } from "./live.js";
import { Log } from "./log.js";
import { Entrance, forget, fromAddress, remember, remembered } from "./sign_in.js";
import { counted, happened, next } from "./words.js";

const TOKEN = /^[\w.-]+$/; // what a subprotocol may be
const SHORT = 600; // milliseconds: a shorter break gets no notice

const get = (id) => document.getElementById(id);
const log = new Log(), live = new Live(), entrance = new Entrance(signIn);
const wide = matchMedia("(min-width: 48rem)");
let chat = null, state = { name: "connecting" }, since = 0, cause = null, unseen = 0;

// ---- who, and in which room

function signIn(token) {
  if (!TOKEN.test(token)) {
    get("chat").hidden = true;
    return entrance.show("This is not a token. It has letters, digits, dots, - and _ only.");
  }
  remember(token);
  entrance.hide();
  get("chat").hidden = false;
  get("text").focus();
  window.chat = chat = new Chat(`${location.protocol.replace("http", "ws")}//${location.host}/chat`, token, on);
  live.follow(chat);
  enter();
}

function signOut(reason = "") {
  chat.end();
  chat = null;
  live.follow(null);
  forget();
  log.clear();
  document.title = "Chat";
  get("chat").hidden = true;
  entrance.show(reason);
}

function enter() {
  const room = new URLSearchParams(location.hash.slice(1)).get("room") || get("room").options[0].value;
  if (![...get("room").options].some((option) => option.value === room)) get("room").append(new Option(room, room));
  get("room").value = room;
  if (chat.room !== room) chat.enter(room);
  title();
}

function title() {
  document.title = `${unseen ? `(${unseen}) ` : ""}${get("room").value} · Chat`;
}

// ---- what the connection tells

const on = {
  state(now) {
    if (now.name === "refused" && now.code === 4401) return signOut(happened(now.code));
    if (now.name === "connected") since = 0;
    else since ||= Date.now();
    if (now.code !== undefined) cause = now.code;
    state = now;
    if (now.name === "waiting") live.forget();
    show();
  },
  message(message) {
    log.add(message, message.from === chat.user);
    if (document.hidden && !log.quiet) {
      unseen += 1;
      title();
    }
  },
  caughtUp: () => log.replaying(false),
  dropped: () => log.drop(),
  cleared: () => log.clear(),
  live: (figures) => live.show(figures),
  users(names) {
    get("count").textContent = `${counted(names.length, "person", "people")} here`;
    get("users").replaceChildren(...names.map(person));
  },
};

function person(name) {
  const item = document.createElement("li"), bold = document.createElement("span");
  bold.textContent = name;
  bold.dir = "auto";
  item.append(bold, name === chat.user ? " (you)" : "");
  return item;
}

const STATES = { connecting: "Connecting…", connected: "Connected", waiting: "Reconnecting…", refused: "Not connected" };

function show() {
  const { name, at } = state;
  const again = cause !== null && name === "connecting";
  set(get("state"), again ? STATES.waiting : STATES[name]);
  get("state").className = name;
  get("chat").className = name;
  if (name === "connected") {
    cause = null;
    get("me").textContent = chat.user;
    get("text").placeholder = `Write a message as ${chat.user}`;
  }
  const noticed = name === "refused" || (cause !== null && (!get("notice").hidden || at - Date.now() > SHORT || Date.now() - since > SHORT));
  get("notice").hidden = !noticed;
  get("notice").classList.toggle("refused", name === "refused");
  if (!noticed) return;
  set(get("what"), happened(cause));
  const seconds = name === "refused" ? null : at ? Math.max(0, Math.ceil((at - Date.now()) / 1000)) : 0;
  set(get("next"), next(seconds, chat.unsent.size));
}

// Only if it has changed: a screen reader would read it again.
function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

setInterval(() => chat && state.name !== "connected" && show(), 250);

// ---- what people do

function say() {
  const text = get("text").value.trim();
  if (!text) return;
  log.wait(chat.send(text), text);
  get("text").value = "";
}

get("form").addEventListener("submit", (event) => {
  event.preventDefault();
  say();
  get("text").focus();
});
get("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  say();
});
get("room").addEventListener("change", () => (location.hash = new URLSearchParams({ room: get("room").value })));
get("again").addEventListener("click", () => {
  chat.again();
  get("text").focus();
});
get("sign-out").addEventListener("click", () => signOut());
addEventListener("hashchange", () => {
  const token = fromAddress();
  if (token) {
    chat?.end();
    signIn(token);
  } else if (chat) {
    enter();
  }
});
document.addEventListener("visibilitychange", () => {
  unseen = 0;
  if (chat) title();
});

const unfold = () => ["people", "live"].forEach((id) => (get(id).open = wide.matches));
wide.addEventListener("change", unfold);
unfold();
for (const [one, other] of [["people", "live"], ["live", "people"]]) {
  get(one).addEventListener("toggle", () => { // on a narrow screen there is room for one
    if (get(one).open && !wide.matches) get(other).open = false;
  });
}

const token = fromAddress() ?? remembered();
token ? signIn(token) : entrance.show("");
