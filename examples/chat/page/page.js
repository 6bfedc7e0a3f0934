import { Chat } from "./chat.js";

const KEPT = 2_000; // messages that the page shows
const get = (id) => document.getElementById(id);
const parameters = new URLSearchParams(location.hash.slice(1));
const token = parameters.get("token") || prompt("Token (python -m examples.chat token --user NAME)");
const waiting = new Map(); // lines of messages that are not in the log yet

function line(from, text, own) {
  const item = document.createElement("li"), name = document.createElement("b");
  name.textContent = from;
  item.append(name, " ", text); // as text, never as HTML
  item.classList.toggle("own", own);
  const atEnd = get("log").scrollHeight - get("log").scrollTop - get("log").clientHeight < 50;
  get("log").append(item);
  if (get("log").children.length > KEPT) get("log").firstChild.remove();
  if (atEnd) item.scrollIntoView();
  return item;
}

const chat = new Chat(`wss://${location.host}/chat`, token, {
  state(text, good) {
    get("state").textContent = text;
    get("state").classList.toggle("bad", !good);
  },
  message({ id, from, text, client_id }) {
    const own = waiting.get(client_id);
    own?.remove(); // to where it is for everyone
    waiting.delete(client_id);
    line(from, text, own !== undefined).dataset.id = id;
  },
  users(names) {
    get("users").replaceChildren(...names.map((name) => Object.assign(document.createElement("li"), { textContent: name })));
  },
  cleared() {
    get("log").replaceChildren();
    waiting.clear();
  },
});

get("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = get("text").value;
  if (!text) return;
  const item = line("…", text, true);
  item.classList.add("waiting");
  waiting.set(chat.send(text), item);
  get("text").value = "";
});
get("room").addEventListener("change", () => chat.enter(get("room").value));
if (parameters.get("room")) get("room").append(new Option(parameters.get("room"), parameters.get("room"), true, true));
chat.enter(get("room").value);
window.chat = chat; // for the console
