// node client.mjs URL: Node's package ws sends and checks messages of all kinds, with and without compression.
import assert from "node:assert";
import { createRequire } from "node:module";
const WebSocket = createRequire(import.meta.url)("ws");

async function talk(perMessageDeflate) {
  const socket = new WebSocket(process.argv[2], { perMessageDeflate, maxPayload: 1 << 25 });
  const received = [], waiting = [];
  socket.on("message", (data, isBinary) => {
    const message = isBinary ? data : data.toString();
    waiting.length ? waiting.shift()(message) : received.push(message);
  });
  const next = () => new Promise(resolve => (received.length ? resolve(received.shift()) : waiting.push(resolve)));
  await new Promise((resolve, reject) => { socket.on("open", resolve); socket.on("error", reject); });
  assert.equal(socket.extensions.includes("permessage-deflate"), perMessageDeflate);
  for (const message of ["text", "", "Grüße, мир, 世界, 😀", "x".repeat(1 << 20), Buffer.alloc(0), Buffer.alloc(10 << 20, "bytes")]) {
    socket.send(message);
    assert.deepEqual(await next(), message);
  }
  for (const part of ["frag", "ments ", "of text"]) socket.send(part, { fin: part === "of text" });
  assert.equal(await next(), "fragments of text");
  const pong = new Promise(resolve => socket.on("pong", resolve));
  socket.ping("payload");
  assert.equal((await pong).toString(), "payload");
  for (let i = 0; i < 10000; i++) socket.send(`number ${i}`);
  for (let i = 0; i < 10000; i++) assert.equal(await next(), `number ${i}`);
  const closed = new Promise(resolve => socket.on("close", (code, reason) => resolve([code, reason.toString()])));
  socket.close(4000, "enough");
  assert.deepEqual(await closed, [4000, "enough"]);
}

await talk(false);
await talk(true);
