// A connection to the chat that comes back: it sends again what was not acknowledged, and has each message once, in order.

import { FINAL, SILENT } from "./words.js";

const FIRST_DELAY = 200, LARGEST_DELAY = 10_000; // milliseconds
const HEARTBEAT = 10_000, SILENCE = 8_000; // how often it asks, and how long it waits for any answer
const ACK_EVERY = 1_000;

export class Chat {
  // on: an object with the functions
  //   state({ name: "connecting" | "connected" | "waiting" | "refused", code, at }), at: when the next attempt is
  //   message(message), caughtUp(), users(names), live(figures), cleared(), dropped()
  constructor(url, token, on) {
    Object.assign(this, { url, token, on, user: null, room: null, last: "0-0", unsent: new Map(), delay: FIRST_DELAY, joined: false });
    this.ended = new AbortController();
    const { signal } = this.ended;
    this.timers = [setInterval(() => this.acknowledge(), ACK_EVERY)];
    this.ask(HEARTBEAT);
    // A page that was suspended may not know for long that its connection has gone.
    document.addEventListener("visibilitychange", () => document.hidden || this.beat(), { signal });
    addEventListener("online", () => this.room !== null && this.name !== "refused" && this.reconnect(), { signal });
  }

  enter(room) {
    this.room = room;
    this.last = "0-0"; // all that the room keeps
    this.unsent.clear();
    this.on.cleared();
    this.socket?.readyState === WebSocket.OPEN ? this.join() : this.connect();
  }

  // Ends it: the connection, and its timers.
  end() {
    this.ended.abort();
    for (const timer of [...this.timers, this.asking]) clearInterval(timer);
    for (const timer of [this.timer, this.silence]) clearTimeout(timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  connect() {
    clearTimeout(this.timer);
    const old = this.socket;
    const socket = (this.socket = new WebSocket(this.url, ["chat.v1", `token.${this.token}`]));
    old?.close();
    this.state("connecting");
    this.expectAnswer();
    socket.onopen = () => socket === this.socket && this.join();
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      this.answered();
      this.handle(JSON.parse(event.data));
    };
    socket.onclose = (event) => socket === this.socket && this.closed(event.code);
  }

  closed(code) {
    this.joined = false;
    this.answered();
    if (FINAL.has(code)) return this.state("refused", { code });
    // Not all pages of a server that has gone at the same moment.
    const wait = Math.random() * this.delay;
    this.delay = Math.min(2 * this.delay, LARGEST_DELAY);
    this.timer = setTimeout(() => this.connect(), wait);
    this.state("waiting", { code, at: Date.now() + wait });
  }

  reconnect(code = SILENT) {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.closed(code);
  }

  // Somebody does not want to wait. After a refusal what was not sent is dropped: it may be the reason.
  again() {
    if (this.name === "refused") {
      this.unsent.clear();
      this.on.dropped();
    }
    this.delay = FIRST_DELAY;
    this.connect();
  }

  state(name, more = {}) {
    this.name = name;
    this.on.state({ name, ...more });
  }

  join() {
    this.joined = false;
    this.say({ t: "join", room: this.room, after: this.last });
  }

  handle(message) {
    if (message.t === "joined" && message.room === this.room) {
      this.joined = true;
      this.user = message.user;
      this.delay = FIRST_DELAY;
      this.replayedAt = message.last;
      this.state("connected");
      for (const [id, text] of this.unsent) this.say({ t: "msg", id, text });
      this.say({ t: "present", follow: true });
      this.say({ t: "live" });
      this.caughtUp();
    } else if (message.t === "msg") {
      if (!later(message.id, this.last)) return;
      this.last = message.id;
      this.on.message(message);
      this.caughtUp();
    } else if (message.t === "sent") {
      this.unsent.delete(message.client_id);
    } else if (message.t === "present" && message.room === this.room) {
      this.on.users(message.users);
    } else if (message.t === "live") {
      this.on.live(message);
    } else if (message.t === "error" && message.code === 4503) {
      this.reconnect(message.code);
    }
  }

  // Tells once when all is here that the room had when this page joined it.
  caughtUp() {
    if (this.replayedAt === undefined || (this.replayedAt !== null && later(this.replayedAt, this.last))) return;
    this.replayedAt = undefined;
    this.on.caughtUp();
  }

  // Returns the message's id, which comes back as client_id.
  send(text) {
    const id = crypto.randomUUID();
    this.unsent.set(id, text);
    if (this.joined) this.say({ t: "msg", id, text });
    return id;
  }

  say(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  // How often it asks what fastframe does. Any answer says that the server is there.
  ask(milliseconds = HEARTBEAT) {
    clearInterval(this.asking);
    this.asking = setInterval(() => this.beat(), milliseconds);
  }

  beat() {
    if (!this.joined) return;
    this.say({ t: "live" });
    this.expectAnswer();
  }

  expectAnswer() {
    this.silence ??= setTimeout(() => this.reconnect(), SILENCE);
  }

  answered() {
    clearTimeout(this.silence);
    this.silence = null;
  }

  acknowledge() {
    if (!this.joined || this.last === this.acknowledged || this.last === "0-0") return;
    this.acknowledged = this.last;
    this.say({ t: "ack", id: this.last });
  }
}

// Is the first id after the second?
export function later(one, other) {
  const [a, b] = one.split("-").map(Number), [c, d] = other.split("-").map(Number);
  return a > c || (a === c && b > d);
}
