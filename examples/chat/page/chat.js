// A connection to the chat that comes back: it sends again what was not acknowledged, and has each message once, in order.

const FINAL = new Set([1009, 4400, 4401, 4403]); // it would be refused again
const FIRST_DELAY = 200, LARGEST_DELAY = 10_000; // milliseconds
const HEARTBEAT = 10_000, SILENCE = 8_000; // how often it asks, and how long it waits for any answer
const ACK_EVERY = 1_000;

export class Chat {
  // on: an object with the functions state(text, good), message(message), users(names), cleared()
  constructor(url, token, on) {
    Object.assign(this, { url, token, on, room: null, last: "0-0", unsent: new Map(), delay: FIRST_DELAY, joined: false });
    setInterval(() => this.beat(), HEARTBEAT);
    setInterval(() => this.acknowledge(), ACK_EVERY);
    // A page that was suspended may not know for long that its connection has gone.
    document.addEventListener("visibilitychange", () => document.hidden || this.beat());
    addEventListener("online", () => this.reconnect());
  }

  enter(room) {
    this.room = room;
    this.last = "0-0"; // all that the room keeps
    this.unsent.clear();
    this.on.cleared();
    this.socket?.readyState === WebSocket.OPEN ? this.join() : this.connect();
  }

  connect() {
    clearTimeout(this.timer);
    const socket = (this.socket = new WebSocket(this.url, ["chat.v1", `token.${this.token}`]));
    socket.onopen = () => this.join();
    socket.onmessage = (event) => {
      clearTimeout(this.silence);
      this.silence = null;
      if (socket === this.socket) this.handle(JSON.parse(event.data));
    };
    socket.onclose = (event) => socket === this.socket && this.closed(event.code, event.reason);
  }

  closed(code, reason) {
    this.joined = false;
    clearTimeout(this.silence);
    this.silence = null;
    if (FINAL.has(code)) return this.on.state(`refused: ${reason} (${code})`, false);
    // Not all pages of a server that has gone at the same moment.
    const wait = Math.random() * this.delay;
    this.delay = Math.min(2 * this.delay, LARGEST_DELAY);
    this.on.state(`reconnecting… (${code}${reason && ": " + reason})`, false);
    this.timer = setTimeout(() => this.connect(), wait);
  }

  reconnect() {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.closed(1006, "no answer");
  }

  join() {
    this.joined = false;
    this.say({ t: "join", room: this.room, after: this.last });
  }

  handle(message) {
    if (message.t === "joined" && message.room === this.room) {
      this.joined = true;
      this.delay = FIRST_DELAY;
      this.on.state("connected", true);
      for (const [id, text] of this.unsent) this.say({ t: "msg", id, text });
      this.say({ t: "present" });
    } else if (message.t === "msg") {
      if (!later(message.id, this.last)) return;
      this.last = message.id;
      this.on.message(message);
    } else if (message.t === "sent") {
      this.unsent.delete(message.client_id);
    } else if (message.t === "present" && message.room === this.room) {
      this.on.users(message.users);
    } else if (message.t === "error" && message.code === 4503) {
      this.reconnect();
    }
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

  beat() {
    if (!this.joined) return;
    this.say({ t: "present" });
    this.silence ??= setTimeout(() => this.reconnect(), SILENCE);
  }

  acknowledge() {
    if (!this.joined || this.last === this.acknowledged || this.last === "0-0") return;
    this.acknowledged = this.last;
    this.say({ t: "ack", id: this.last });
  }
}

// Is the first id after the second?
function later(one, other) {
  const [a, b] = one.split("-").map(Number), [c, d] = other.split("-").map(Number);
  return a > c || (a === c && b > d);
}
