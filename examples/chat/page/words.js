// Close codes in words: what has happened. protocol.py says what they are.

export const FINAL = new Set([1009, 4400, 4401, 4403]); // the same connection would be refused again
export const SILENT = 0; // no code: the page gave up, because no answer came

const HAPPENED = {
  [SILENT]: "The server does not answer.",
  1000: "The server has closed the connection.",
  1001: "The server has gone away.",
  1006: "The connection is lost.",
  1009: "The server has refused a message because it is too long.",
  1011: "The server has failed.",
  1012: "This server restarts. Another one takes over.",
  1013: "There are too many connections, to this server or from you.",
  4400: "The server does not understand this page. It may be an old version: reload it.",
  4401: "Your sign-in has expired or is not valid. Sign in again.",
  4403: "The server does not accept a page from this address.",
  4408: "This page was too slow for all the messages. It gets those that it has missed.",
  4429: "You have sent too many messages in a short time.",
  4503: "The server cannot reach its database.",
};

export function happened(code) {
  return HAPPENED[code] ?? "The server has closed the connection for a reason that this page does not know.";
}

export function counted(number, one, many) {
  return `${number} ${number === 1 ? one : many}`;
}

// What follows: `seconds` until the next attempt, 0 while there is one, null if there will be none.
export function next(seconds, unsent) {
  const kept = unsent ? ` ${counted(unsent, "message waits", "messages wait")} here and will be sent then.` : "";
  if (seconds === null) return unsent ? `${counted(unsent, "message is", "messages are")} not sent.` : "";
  if (!navigator.onLine) return `This device is offline. The page connects again once it is back online.${kept}`;
  if (seconds === 0) return `Trying to connect…${kept}`;
  return `Next attempt in ${counted(seconds, "second", "seconds")}.${kept}`;
}
