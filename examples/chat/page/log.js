// The messages of a room, as they are shown: in order, with their times, and below them those that are not sent yet.

import { counted } from "./words.js";

const KEPT = 2_000; // messages that the page shows
const TOGETHER = 5 * 60_000; // messages of one person within this time have one head
const NEAR = 60; // pixels from the end that still count as the end

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

export class Log {
  constructor() {
    this.region = document.getElementById("log");
    this.list = document.getElementById("messages");
    this.waitingList = document.getElementById("waiting");
    this.newer = document.getElementById("newer");
    this.waiting = new Map(); // by client id
    this.atEnd = true;
    this.top = 0;
    this.region.addEventListener("scroll", () => this.scrolled());
    new ResizeObserver(() => this.atEnd && this.scroll()).observe(this.region);
    this.newer.addEventListener("click", () => {
      this.toEnd();
      this.region.focus(); // the button goes
    });
    this.clear();
  }

  clear() {
    this.list.replaceChildren();
    this.waitingList.replaceChildren();
    this.waiting.clear();
    this.before = null;
    this.replaying(true);
    this.toEnd();
    this.changed();
  }

  // What was said before this page came is not read out.
  replaying(yes) {
    this.region.setAttribute("aria-live", yes ? "off" : "polite");
    this.quiet = yes;
    this.changed();
  }

  add({ id, from, text, client_id }, own) {
    this.waiting.get(client_id)?.remove();
    this.waiting.delete(client_id);
    const time = new Date(Number(id.split("-")[0]));
    const date = time.toDateString();
    if (date !== this.before?.date) this.list.append(element("li", "day", day.format(time)));
    const item = element("li", own ? "own" : "");
    const follows = this.before?.from === from && this.before.date === date && time - this.before.time < TOGETHER;
    item.classList.toggle("follows", follows);
    item.dataset.id = id;
    const name = element("b", follows ? "from unseen" : "from", from);
    if (own) name.append(element("span", "unseen", " (you)"));
    const when = element("time", "", clock.format(time));
    when.dateTime = time.toISOString();
    when.title = full.format(time);
    item.append(name, " ", said(text), " ", when);
    this.list.append(item);
    while (this.atEnd && this.list.childElementCount > KEPT) this.list.firstChild.remove();
    this.before = { from, time, date };
    if (!this.quiet && !own && !this.atEnd) this.count(this.unread + 1);
    this.changed();
  }

  // A message of one's own that the server does not have yet.
  wait(client_id, text) {
    const item = element("li", "own");
    item.append(said(text), " ", element("span", "when", "not sent yet"));
    this.waitingList.append(item);
    this.waiting.set(client_id, item);
    this.toEnd();
    this.changed();
  }

  // They will not be sent.
  drop() {
    for (const item of this.waiting.values()) item.lastChild.textContent = "not sent";
    this.waiting.clear();
  }

  count(unread) {
    this.unread = unread;
    this.newer.hidden = !unread;
    this.newer.textContent = `↓ ${counted(unread, "new message", "new messages")}`;
  }

  toEnd() {
    this.atEnd = true;
    this.count(0);
    this.scroll();
  }

  changed() {
    document.getElementById("empty").hidden = this.quiet || this.list.hasChildNodes() || this.waitingList.hasChildNodes();
    this.waitingList.hidden = !this.waitingList.hasChildNodes();
    if (this.atEnd) this.scroll();
  }

  // By a person, if it is up; else it may be that more has come since `scroll`.
  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.region;
    const end = scrollHeight - clientHeight;
    if (end - scrollTop < NEAR) this.atEnd = true;
    else if (scrollTop < Math.min(this.top, end) - 1) this.atEnd = false;
    this.top = scrollTop;
    if (this.atEnd) this.count(0);
  }

  // Once for all that comes together: each time, the browser has to lay out the page.
  scroll() {
    this.scrolling ??= setTimeout(() => {
      this.scrolling = null;
      if (this.atEnd) this.region.scrollTop = this.region.scrollHeight;
    });
  }
}

function said(text) {
  const found = element("p", "said", text);
  found.dir = "auto";
  return found;
}

// With the text as text, never as HTML.
function element(name, classes, text = "") {
  const found = document.createElement(name);
  if (classes) found.className = classes;
  found.textContent = text;
  return found;
}
