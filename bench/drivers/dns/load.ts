/**
 * Asks a DNS server as fast as it answers, a number of questions being under way: a program of its own.
 *
 *   node load.js PORT SERVICES MILLISECONDS WINDOW
 *
 * It prints how many answers came, and how many of them were not what was asked for.
 */
import { createSocket } from "node:dgram";
import dnsPacket from "dns-packet";
import { isHeadless, nameOf } from "./content.ts";

const [port, services, loadMs, window] = process.argv.slice(2).map(Number) as [number, number, number, number];
const questions = Array.from({ length: services }, (_, i) =>
  dnsPacket.encode({
    type: "query",
    id: 0,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name: nameOf(i), type: "A" }],
  }),
);
/** A question without an answer for so long is lost, and asked anew. */
const lostMs = 200;

let answers = 0;
let wrong = 0;
let sent = 0;
let heardMs = performance.now();
const socket = createSocket({ type: "udp4", recvBufferSize: 1 << 20, sendBufferSize: 1 << 20 });
// Connected: the kernel looks up no route for each.
await new Promise<void>((resolve) => socket.connect(port, "127.0.0.1", resolve));

function ask(): void {
  const i = sent++ % services;
  const question = questions[i]!;
  question.writeUInt16BE(i & 0xffff, 0);
  socket.send(question);
}

socket.on("message", (bytes) => {
  answers++;
  const i = bytes.readUInt16BE(0);
  // The code is 0, and the answers are as many as the Service has (RFC 1035, 4.1.1).
  if ((bytes[3]! & 0xf) !== 0 || bytes.readUInt16BE(6) !== (isHeadless(i) ? 4 : 1)) wrong++;
  heardMs = performance.now();
  ask();
});
const watch = setInterval(() => {
  if (performance.now() - heardMs < lostMs) return;
  for (let i = 0; i < window; i++) ask();
}, lostMs);
for (let i = 0; i < window; i++) ask();
setTimeout(() => {
  clearInterval(watch);
  socket.close();
  process.stdout.write(`${JSON.stringify({ answers, wrong })}\n`);
}, loadMs);
