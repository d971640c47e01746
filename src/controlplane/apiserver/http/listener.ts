/** The sockets' side of the server: protocols, and what a client may make it hold. */
import http from "node:http";
import http2 from "node:http2";
import type { Duplex } from "node:stream";
import type { SecureContextOptions } from "node:tls";
import type { Request } from "./body.ts";
import { idleTimeoutMs } from "./connections.ts";
import type { Reply } from "./reply.ts";

/** Time for a client to send its headers, in ms: a slow one holds no connection for longer. */
const headersTimeoutMs = 10_000;
/** Time for a client to send a whole request, in ms. */
const requestTimeoutMs = 60_000;
/** How often connections are looked at for these times, in ms. */
const checkIntervalMs = 5_000;
/** More of them is answered with 431. */
const maxHeaderBytes = 64 * 1024;

const http1 = {
  maxHeaderSize: maxHeaderBytes,
  headersTimeout: headersTimeoutMs,
  requestTimeout: requestTimeoutMs,
  keepAliveTimeout: idleTimeoutMs,
  connectionsCheckingInterval: checkIntervalMs,
};

/**
 * Bounds of one HTTP/2 connection. nghttp2 itself ends one that resets streams faster than it
 * replenishes (CVE-2023-44487); node ends one that floods it with pings, settings or bad frames.
 */
const http2Bounds = {
  settings: { maxConcurrentStreams: 250, maxHeaderListSize: maxHeaderBytes, enableConnectProtocol: false },
  /** MB. Streams of one client share a connection, and each may have a stream's bound of bytes queued. */
  maxSessionMemory: 64,
  maxOutstandingPings: 10,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  unknownProtocolTimeout: headersTimeoutMs,
};

/** @param tls absent: plain HTTP/1.1 */
export function createListener(
  tls: SecureContextOptions | undefined,
  onRequest: (request: Request, reply: Reply) => void,
): http.Server | http2.Http2SecureServer {
  if (!tls) return http.createServer(http1, onRequest).on("clientError", refuse);
  const server = http2.createSecureServer(
    {
      ...tls,
      ...http2Bounds,
      allowHTTP1: true,
      requestCert: true,
      // Certificates of another CA are no credentials, and no reason to hang up: tokens may come.
      rejectUnauthorized: false,
      handshakeTimeout: headersTimeoutMs,
    },
    onRequest,
  );
  // The HTTP/1.1 side of such a server reads these, and its constructor takes none of them.
  return Object.assign(server, http1).on("clientError", refuse);
}

const refusals: Partial<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };
/** Time for a refused client to read why, in ms. */
const refusalMs = 1000;
const refused = new WeakSet<Duplex>();

/**
 * Answers what is no request of HTTP/1.1. node's own handler closes at once, and a client that is
 * still sending would get a reset in place of the answer.
 */
function refuse(error: NodeJS.ErrnoException, socket: Duplex & { _httpMessage?: http.ServerResponse | null }): void {
  if (refused.has(socket)) return;
  refused.add(socket);
  if (!socket.writable || socket._httpMessage?.headersSent) {
    socket.destroy();
    return;
  }
  const code = refusals[error.code ?? ""] ?? 400;
  socket.end(`HTTP/1.1 ${code} ${http.STATUS_CODES[code]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  socket.resume();
  setTimeout(() => socket.destroy(), refusalMs).unref();
}
