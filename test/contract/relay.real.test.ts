import { createSocket } from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { openRelay } from "../../src/kernel/real/relay.ts";
import { describeRelay, relayListeners } from "./relay.ts";

const host = "127.0.0.1";
/** Of one datagram that is lost on purpose; an answer on loopback comes in a fraction of it. */
const silenceMs = 1000;

describeRelay("real", async () => {
  const [one, other, taken, free] = [await listen(), await listen(), await listen(), await listen()];
  await free.close();
  const port = await openRelay({
    workers: 2,
    mark: 0,
    idleMs: 60_000,
    halfClosedMs: 60_000,
    listeners: relayListeners,
  });
  return {
    port,
    endpoints: [one.port, other.port],
    takenPort: taken.port,
    freePort: free.port,
    reached: (protocol, to) => (protocol === "TCP" ? askTcp(to) : askUdp(to)),
    async close() {
      await port.close();
      for (const server of [one, other, taken]) await server.close();
    },
  };
});

interface Server {
  readonly port: number;
  close(): Promise<void>;
}

/** Says its port to whoever connects or sends. */
async function listen(): Promise<Server> {
  const tcp = net.createServer((socket) => socket.on("error", () => undefined).end(String(port)));
  tcp.listen(0, host);
  await once(tcp, "listening");
  const { port } = tcp.address() as net.AddressInfo;
  const udp = createSocket("udp4", (_, from) => udp.send(String(port), from.port, host));
  udp.bind(port, host);
  await once(udp, "listening");
  return {
    port,
    async close() {
      udp.close();
      tcp.close();
      await Promise.all([once(udp, "close"), once(tcp, "close")]);
    },
  };
}

async function askTcp(port: number): Promise<number | undefined> {
  const socket = net.connect({ port, host });
  const answer: string[] = [];
  socket.on("data", (data) => answer.push(data.toString())).on("error", () => undefined);
  await new Promise((resolve) => socket.once("close", resolve));
  return numberOf(answer.join(""));
}

async function askUdp(port: number): Promise<number | undefined> {
  const socket = createSocket("udp4").on("error", () => undefined);
  try {
    const heard = once(socket, "message") as Promise<[Buffer]>;
    socket.send("who", port, host);
    const outcome = await Promise.race([heard, sleep(silenceMs)]);
    return numberOf(outcome?.[0].toString() ?? "");
  } finally {
    socket.close();
    await once(socket, "close");
  }
}

function numberOf(text: string): number | undefined {
  return text === "" ? undefined : Number(text);
}
