/** Connections that a client asks to be upgraded, and the runtime's streaming server behind them. */
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import { Refusal } from "../refusal.ts";

/** A client's connection, of which the request's head is read. */
export interface UpgradeClient {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Time for the runtime's streaming server to answer, in ms (streaming.Config, StreamCreationTimeout). */
const answerTimeoutMs = 30_000;

export interface Upgraded {
  readonly isUpgraded: true;
  readonly response: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

export interface Refused {
  readonly isUpgraded: false;
  readonly response: IncomingMessage;
}

/**
 * Asks the runtime's streaming server for an upgrade.
 *
 * @throws Refusal 500 where it does not answer
 */
export function upgradeTo(url: string, method: string, headers: http.OutgoingHttpHeaders): Promise<Upgraded | Refused> {
  const { request } = url.startsWith("https:") ? https : http;
  return new Promise((resolve, reject) => {
    // Its certificate is made by the runtime for itself.
    const asked = request(url, { method, headers, agent: false, rejectUnauthorized: false, timeout: answerTimeoutMs });
    asked.once("upgrade", (response, socket, head) => {
      (socket as Partial<{ setTimeout(ms: number): void }>).setTimeout?.(0);
      resolve({ isUpgraded: true, response, socket, head });
    });
    asked.once("response", (response) => resolve({ isUpgraded: false, response }));
    asked.once("timeout", () => asked.destroy(new Error("the runtime's streaming server does not answer")));
    asked.once("error", (error) => reject(new Refusal(500, `error dialing backend: ${error.message}`)));
    asked.end();
  });
}

/** As a client of SPDY/3.1. @throws Refusal 500 */
export async function upgradeToSpdy(url: string, protocol: string): Promise<Upgraded> {
  const headers = { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": protocol };
  const answer = await upgradeTo(url, "POST", headers);
  if (answer.isUpgraded) return answer;
  const { response } = answer;
  response.destroy();
  throw new Refusal(500, `unable to upgrade connection to the runtime: it answers ${response.statusCode}`);
}

export function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

export function offeredProtocols({ headers }: IncomingMessage): readonly string[] {
  return (headers["sec-websocket-protocol"] ?? "").split(",").map((protocol) => protocol.trim());
}

type ResponseHead = { readonly statusCode?: number | undefined; readonly rawHeaders: readonly string[] };

/** "HTTP/1.1 101 Switching Protocols" and the headers, as the other side wrote them. */
export function responseHead({ statusCode = 500, rawHeaders }: ResponseHead): string {
  const lines = [`HTTP/1.1 ${statusCode} ${http.STATUS_CODES[statusCode] ?? ""}`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}
