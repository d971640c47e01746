/** The server's open connections: which are idle, and how they end. */
import type { IncomingMessage } from "node:http";
import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Request } from "./body.ts";

/** How long a connection may be without a request (upstream's IdleTimeout), in ms. */
export const idleTimeoutMs = 90_000;
/** When the system begins to ask whether a silent client is still there, in ms. */
const keepAliveMs = 15_000;

type Connection = Socket | ServerHttp2Session;

export class Connections {
  /** Everything that was accepted. */
  readonly #sockets = new Set<Socket>();
  /** Connections past their handshake, with the number of requests on each. */
  readonly #active = new Map<Connection, number>();
  #isDraining = false;

  /** A connection was accepted; with TLS, its handshake is to come. */
  accept(socket: Socket): void {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  /** HTTP/1.1 is spoken on it. */
  addSocket(socket: Socket): void {
    this.#add(socket);
  }

  addSession(session: ServerHttp2Session): void {
    this.#add(session);
    session.setTimeout(idleTimeoutMs, () => {
      if (this.#active.get(session) === 0) session.close();
    });
    if (this.#isDraining) session.close();
  }

  #add(connection: Connection): void {
    this.#active.set(connection, 0);
    connection.once("close", () => this.#active.delete(connection));
  }

  /** A request begins. @returns what is called once when it has ended */
  begin(request: Request): () => void {
    const connection = connectionOf(request);
    const change = (by: number): void => {
      const count = this.#active.get(connection);
      if (count !== undefined) this.#active.set(connection, count + by);
    };
    change(1);
    return () => {
      change(-1);
      if (this.#isDraining) this.#endIfIdle(connection);
    };
  }

  /** Ends idle connections now and each other one when its last request has ended. */
  drain(): void {
    this.#isDraining = true;
    for (const connection of this.#active.keys()) {
      if (isSession(connection)) connection.close();
      else this.#endIfIdle(connection);
    }
    // What is still in its handshake has asked for nothing.
    const shaken = new Set([...this.#active.keys()].map(addressOf));
    for (const socket of this.#sockets) if (!shaken.has(addressOf(socket))) socket.destroy();
  }

  /** Cuts everything. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #endIfIdle(connection: Connection): void {
    if (isSession(connection) || this.#active.get(connection) !== 0) return;
    // Behind what is still to be written.
    connection.destroySoon();
  }
}

function connectionOf(request: Request): Connection {
  const session = "stream" in request ? request.stream?.session : undefined;
  return session ? (session as ServerHttp2Session) : (request as IncomingMessage).socket;
}

function isSession(connection: Connection): connection is ServerHttp2Session {
  return "goaway" in connection;
}

/** A TLS connection is another object than the socket below it; the client's end is the same. */
function addressOf(connection: Connection): string {
  const socket = isSession(connection) ? connection.socket : connection;
  return `${socket.remoteAddress}:${socket.remotePort}`;
}
