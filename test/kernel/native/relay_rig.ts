/** A relay on loopback, endpoints that it relays to, and clients. */
import { spawn } from "node:child_process";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import { unpackCounts } from "../../../src/kernel/real/relay.ts";
import type { RelayedCount } from "../../../src/model/service.ts";
import { native, type NativeRelay, type RelayFrontend, type RelayOptions } from "../../../src/kernel/native.ts";

const loopback = Buffer.from([127, 0, 0, 1]);

export const usual: RelayOptions = {
  namespace: null,
  workers: 2,
  maxConnections: 1000,
  maxFlows: 1000,
  mark: 0,
  connectTimeoutsMs: [250, 500, 1000, 2000],
  idleMs: 60_000,
  halfClosedMs: 60_000,
  flowIdleMs: 60_000,
  listeners: [],
};

export class Rig {
  readonly relay: NativeRelay;
  readonly #ends: (() => unknown)[] = [];

  private constructor(relay: NativeRelay) {
    this.relay = relay;
  }

  /** Runs `work` with a relay; everything goes when it ends. */
  static async with(changed: Partial<RelayOptions>, work: (rig: Rig) => Promise<void>): Promise<void> {
    const rig = new Rig(await native().openRelay({ ...usual, ...changed }));
    try {
      await work(rig);
    } finally {
      await rig.relay.close();
      for (const end of rig.#ends.reverse()) await end();
    }
  }

  /** Of the only frontend. */
  async counts(): Promise<RelayedCount> {
    const [[, counts] = []] = [...unpackCounts(await this.relay.frontendCounts())];
    return counts!;
  }

  add(end: () => unknown): void {
    this.#ends.push(end);
  }

  /** Sets the frontend "web". @returns its port */
  async serve(ports: readonly number[], more: Partial<RelayFrontend> = {}): Promise<number> {
    const [port] = await this.relay.update({ set: [frontend("web", ports, more)], gone: [] });
    return port!;
  }

  /** A server of TCP on loopback. @returns its port */
  async server(onConnection: (socket: net.Socket) => void): Promise<number> {
    const open = new Set<net.Socket>();
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: false }, (socket) => {
      open.add(socket);
      socket.on("error", () => undefined).on("close", () => open.delete(socket));
      onConnection(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    this.add(async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    });
    return (server.address() as net.AddressInfo).port;
  }

  /** Answers what it hears, behind its name. */
  named(name: string): Promise<number> {
    return this.server((socket) => socket.on("data", (data) => socket.write(`${name}:${data.toString()}`)));
  }

  async client(port: number): Promise<net.Socket> {
    const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.add(() => socket.destroy());
    socket.on("error", () => undefined);
    await once(socket, "connect");
    return socket;
  }

  async udp(
    onMessage: (message: Buffer, from: { readonly port: number }, socket: UdpSocket) => void = () => undefined,
  ) {
    const socket = createSocket("udp4");
    socket.on("message", (message, from) => onMessage(message, from, socket)).on("error", () => undefined);
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    this.add(async () => {
      socket.close();
      await once(socket, "close");
    });
    return socket;
  }
}

export function frontend(name: string, ports: readonly number[], more: Partial<RelayFrontend> = {}): RelayFrontend {
  return {
    key: Buffer.from(name),
    protocol: "TCP",
    listen: { address: loopback, port: 0 },
    isRedirected: false,
    ipVersion: 4,
    endpoints: endpoints(ports),
    affinityMs: 0,
    ...more,
  };
}

/** On loopback. */
export function endpoints(ports: readonly number[]): Buffer {
  return Buffer.concat(ports.map((port) => Buffer.from([...loopback, port >> 8, port & 255, 0, 0])));
}

/** What it says to one line of a new connection; the error's code where that fails. */
export async function ask(rig: Rig, port: number, text = "hello"): Promise<string> {
  const socket = net.connect({ port, host: "127.0.0.1" });
  rig.add(() => socket.destroy());
  try {
    return await say(socket, text);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    socket.destroy();
  }
}

/** @returns "" where the other side ends. @throws Error where the connection fails */
export async function say(socket: net.Socket, text: string): Promise<string> {
  socket.write(text);
  const [data] = (await Promise.race([once(socket, "data"), once(socket, "end")])) as [Buffer | undefined];
  return data?.toString() ?? "";
}

/** A port where nobody listens. */
export async function deadPort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A port whose queue is full: the kernel answers no further SYN (net.ipv4.tcp_abort_on_overflow is off). */
export async function silentPort(rig: Rig): Promise<number> {
  const script = `import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0)
c = [socket.socket() for _ in range(3)]
for one in c: one.setblocking(False); one.connect_ex(s.getsockname())
print(s.getsockname()[1], flush=True); sys.stdin.read()`;
  const child = spawn("python3", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  rig.add(async () => {
    child.stdin.end();
    await once(child, "close");
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return Number(line.toString());
}
