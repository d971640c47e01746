/** Questions over UDP: a packet each. */
import dgram from "node:dgram";
import { FairleadError } from "../../errors/catalogue.ts";
import type { Handler } from "../handler.ts";
import type { ServerAddress } from "./address.ts";

/** What the kernel keeps of questions while we are busy, in bytes; it may give less. */
const receiveBufferBytes = 4 * 1024 * 1024;

export class UdpServer {
  readonly #socket: dgram.Socket;

  private constructor(socket: dgram.Socket) {
    this.#socket = socket;
  }

  /** @throws FairleadError LISTEN */
  static async open(at: ServerAddress, handler: Handler): Promise<UdpServer> {
    const isIpv6 = at.host.includes(":");
    const socket = dgram.createSocket({ type: isIpv6 ? "udp6" : "udp4", ipv6Only: isIpv6 });
    socket.on("message", (bytes, { port, address }) => {
      handler.handle(bytes, "udp", (response) => {
        // An asker that is gone is nobody's failure.
        if (port !== 0) socket.send(response, port, address, () => undefined);
      });
    });
    await new Promise<void>((resolve, reject) => {
      socket.once("error", (cause) =>
        reject(new FairleadError("LISTEN", { subject: `udp ${at.host}:${at.port}`, cause })),
      );
      socket.bind({ address: at.host, port: at.port }, resolve);
    });
    // A refused packet that comes back must not end the server.
    socket.removeAllListeners("error").on("error", () => undefined);
    try {
      socket.setRecvBufferSize(receiveBufferBytes);
    } catch {
      // The kernel's own size, then.
    }
    return new UdpServer(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}
