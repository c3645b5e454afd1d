// Node's `ws`: its own way to broadcast, without compression. The command line is that of the other references.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { WebSocket, WebSocketServer } from "ws";

const { values } = parseArgs({
  options: { frame: { type: "string" }, "per-second": { type: "string", default: "20" } },
});
const text = readFileSync(values.frame, "utf8");
const [head, tail] = text.split(/(?<="window_end":)\d+/, 2);
const everyMs = 1000 / Number(values["per-second"]);

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 1024, perMessageDeflate: false }, () => {
  console.log(`port ${server.address().port}`);
});

let dueMs = performance.now();
function tick() {
  // Encoded once: a string would be encoded again for each client.
  const payload = Buffer.from(head + Date.now() + tail);
  for (const client of server.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(payload, { binary: false });
  }
  dueMs += everyMs;
  setTimeout(tick, Math.max(0, dueMs - performance.now()));
}
tick();
