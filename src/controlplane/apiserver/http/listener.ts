/** The sockets' side of the server: protocols, and what a client may make it hold. */
import http from "node:http";
import http2 from "node:http2";
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
  if (!tls) return http.createServer(http1, onRequest);
  const server = http2.createSecureServer(
    {
      ...tls,
      ...http2Bounds,
      // node takes these for the HTTP/1.1 side of such a server too; its types do not say so.
      ...http1,
      allowHTTP1: true,
      requestCert: true,
      // Certificates of another CA are no credentials, and no reason to hang up: tokens may come.
      rejectUnauthorized: false,
      handshakeTimeout: headersTimeoutMs,
    },
    onRequest,
  );
  // Its constructor puts its own in their place.
  return Object.assign(server, {
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: idleTimeoutMs,
  });
}
