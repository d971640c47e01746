/** The runtime speaks what the client speaks: two connections joined byte for byte (proxy.UpgradeAwareHandler). */
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Duplex } from "node:stream";
import { responseHead, upgradeTo, type UpgradeClient } from "./upgrade.ts";

/** Who asks is our business alone. */
const ownHeaders = new Set(["host", "authorization", "content-length", "transfer-encoding"]);

export async function passUpgrade(url: string, { request, socket, head }: UpgradeClient): Promise<void> {
  const answer = await upgradeTo(url, request.method ?? "GET", passedHeaders(request));
  if (!answer.isUpgraded) return refuse(answer.response, socket);
  socket.write(responseHead(answer.response));
  await join(socket, head, answer.socket, answer.head);
}

/** Resolves when both are over. */
export async function join(client: Duplex, head: Buffer, backend: Duplex, backendHead: Buffer): Promise<void> {
  for (const end of [client, backend]) end.setMaxListeners(30);
  if (backendHead.length > 0) client.write(backendHead);
  if (head.length > 0) backend.write(head);
  const ended = (): undefined => void [client, backend].forEach((end) => end.destroy());
  await Promise.all([pipeline(client, backend).catch(ended), pipeline(backend, client).catch(ended)]);
}

function passedHeaders({ headers }: IncomingMessage): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ownHeaders.has(name)));
}

async function refuse(answer: IncomingMessage, client: Duplex): Promise<void> {
  client.write(responseHead({ statusCode: answer.statusCode, rawHeaders: withoutLength(answer.rawHeaders) }));
  await pipeline(answer, client).catch(() => client.destroy());
}

/** Its end is the connection's. */
function withoutLength(rawHeaders: readonly string[]): string[] {
  const kept: string[] = ["Connection", "close"];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    if (["transfer-encoding", "content-length", "connection"].includes(name)) continue;
    kept.push(rawHeaders[at]!, rawHeaders[at + 1]!);
  }
  return kept;
}
