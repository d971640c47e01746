/** Questions over TCP, each behind its length (RFC 1035, 4.2.2), several on one connection (RFC 7766). */
import net, { type AddressInfo, type Socket } from "node:net";
import { FairleadError } from "../../errors/catalogue.ts";
import type { Handler } from "../handler.ts";
import type { ServerAddress } from "./address.ts";

export interface TcpLimits {
  readonly maxConnections: number;
  /** A connection without a whole question for so long is closed, in ms; CoreDNS's is 10 s. */
  readonly idleMs: number;
  /** Questions of one connection that wait for their answer; reading goes on when one is answered. */
  readonly maxPending: number;
}

export const tcpLimits: TcpLimits = { maxConnections: 1024, idleMs: 10_000, maxPending: 64 };

/** Answers that a client does not read, in bytes: reading its questions waits for it. */
const maxUnreadBytes = 256 * 1024;

export class TcpServer {
  readonly #server: net.Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: net.Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
  }

  /** @throws FairleadError LISTEN */
  static async open(at: ServerAddress, handler: Handler, limits = tcpLimits): Promise<TcpServer> {
    const sockets = new Set<Socket>();
    const server = net.createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      new Connection(socket, handler, limits);
    });
    server.maxConnections = limits.maxConnections;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) =>
        reject(new FairleadError("LISTEN", { subject: `tcp ${at.host}:${at.port}`, cause })),
      );
      server.listen({ host: at.host, port: at.port, ipv6Only: at.host.includes(":") }, resolve);
    });
    server.removeAllListeners("error").on("error", () => undefined);
    return new TcpServer(server, sockets);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

class Connection {
  readonly #socket: Socket;
  readonly #handler: Handler;
  readonly #limits: TcpLimits;
  #received: Buffer = Buffer.alloc(0);
  #pending = 0;
  #hasEnded = false;

  constructor(socket: Socket, handler: Handler, limits: TcpLimits) {
    this.#socket = socket;
    this.#handler = handler;
    this.#limits = limits;
    socket.on("error", () => socket.destroy());
    socket.on("data", (part: Buffer) => {
      this.#received = this.#received.length === 0 ? part : Buffer.concat([this.#received, part]);
      this.#read();
    });
    socket.on("drain", () => this.#read());
    socket.on("end", () => {
      this.#hasEnded = true;
      this.#endWhenDone();
    });
    this.#deadline = setTimeout(() => socket.destroy(), limits.idleMs);
    socket.once("close", () => clearTimeout(this.#deadline));
  }

  // Not the socket's own timeout: a byte now and then would keep a connection for ever.
  readonly #deadline: NodeJS.Timeout;

  #read(): void {
    let at = 0;
    const isBusy = (): boolean =>
      this.#pending >= this.#limits.maxPending || this.#socket.writableLength > maxUnreadBytes;
    while (!isBusy() && this.#received.length - at >= 2) {
      const end = at + 2 + this.#received.readUInt16BE(at);
      if (this.#received.length < end) break;
      this.#deadline.refresh();
      this.#serve(this.#received.subarray(at + 2, end));
      at = end;
    }
    this.#received = this.#received.subarray(at);
    if (isBusy()) this.#socket.pause();
    else this.#socket.resume();
  }

  #serve(bytes: Buffer): void {
    // What deserves no answer ends the connection: nobody there speaks DNS.
    if (bytes.length < 12 || bytes[2]! & 0x80) return void this.#socket.destroy();
    this.#pending++;
    let isAtOnce = true;
    this.#handler.handle(bytes, "tcp", (response) => {
      this.#pending--;
      if (this.#socket.destroyed) return;
      this.#socket.write(Buffer.concat([Buffer.of(response.length >> 8, response.length & 255), response]));
      if (isAtOnce) return;
      this.#read();
      this.#endWhenDone();
    });
    isAtOnce = false;
  }

  #endWhenDone(): void {
    if (this.#hasEnded && this.#pending === 0) this.#socket.end();
  }
}
