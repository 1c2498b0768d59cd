// Node stops listing headers after a maximum, but still reports a request as an upgrade. The
// package then looks into an `Upgrade` header that is not there, and throws.
// The argument is how many headers come before that one; the maximum is 32 here.
const http = require("node:http");
const { Duplex } = require("node:stream");
const WebSocket = require("ws");

const HEADERS_MAX = 32;

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

// Hands a request to a server through memory; tells whether it was upgraded, refused, or threw.
function outcome(headers) {
  return new Promise((resolve) => {
    const websockets = new WebSocket.Server({ noServer: true });
    const server = http.createServer().on("upgrade", (request, socket, head) => {
      try {
        websockets.handleUpgrade(request, socket, head, () => resolve("upgraded"));
        setImmediate(resolve, "refused");
      } catch {
        resolve("threw");
      }
    });
    server.on("request", () => resolve("refused")).on("clientError", () => resolve("refused"));
    server.maxHeadersCount = HEADERS_MAX;
    const socket = new Duplex({ read() {}, write: (chunk, encoding, done) => done() });
    Object.assign(socket, { setTimeout() {}, setNoDelay() {}, setKeepAlive() {} });
    server.emit("connection", socket);
    const upgrade = ["Connection: Upgrade", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==", "Sec-WebSocket-Version: 13"];
    const lines = ["GET / HTTP/1.1", ...upgrade, ...headers, "Upgrade: websocket", "", ""];
    socket.push(lines.join("\r\n"));
  });
}

async function main() {
  if ((await outcome([])) !== "upgraded") throw new Error("a usual request is not upgraded");
  const count = Math.min(parseInt(process.argv[2], 10) || 0, 1000);
  answer((await outcome(Array.from({ length: Math.max(count, 0) }, (_, i) => `x-${i}: 1`))) === "threw");
}

main();
