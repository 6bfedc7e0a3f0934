// The corner that says what fastframe does on the server. The figures are the server's own counters: watching.py.

const OFTEN = 2_000; // milliseconds, while the corner is unfolded

const get = (id) => document.getElementById(id);
const number = (value, digits) => value.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });

export class Live {
  constructor() {
    this.before = null;
    get("live").addEventListener("toggle", () => this.follow(this.chat));
  }

  // Asks often only while somebody can see it.
  follow(chat) {
    this.chat = chat;
    chat?.ask(get("live").open ? OFTEN : undefined);
    if (get("live").open) chat?.beat();
  }

  // Old figures are no longer true.
  forget() {
    this.before = null;
    for (const figure of document.querySelectorAll("#figures dd")) figure.textContent = "…";
  }

  show(figures) {
    get("inactive").hidden = figures.active;
    get("figures").hidden = !figures.active;
    if (!figures.active) return;
    const { before } = this;
    if (before?.server !== figures.server) get("rate").textContent = "…"; // of another server there is no difference yet
    else if (figures.seconds > before.seconds) get("rate").textContent = rate(before, figures);
    this.before = figures;
    get("round-trip").textContent = figures.round_trip === null ? "no Ping answered yet" : `${number(1000 * figures.round_trip, 2)} ms`;
    get("compression").textContent = compression(figures);
    get("open").textContent = number(figures.open, 0);
    get("version").textContent = figures.version;
    get("kernel").textContent = figures.kernel;
  }
}

function rate(before, now) {
  const each = (now.received + now.sent - before.received - before.sent) / (now.seconds - before.seconds);
  return number(each, each < 10 ? 1 : 0);
}

function compression({ compressed_bytes, inflated_bytes }) {
  return compressed_bytes ? `${number(inflated_bytes / compressed_bytes, 1)} : 1` : "nothing compressed";
}
