/** What the server serves, a path each. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { UpgradeClient } from "./streams/upgrade.ts";

export interface Asked {
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  /** By the names in the endpoint's path; "*": what is behind it. */
  readonly params: Readonly<Record<string, string>>;
  /** The client is gone. */
  readonly signal: AbortSignal;
}

export interface Endpoint {
  /** "/exec/{namespace}/{pod}/{container}", "/logs/*" */
  readonly path: string;
  /** Default: GET alone. */
  readonly methods?: readonly string[];
  /** On readOnlyPort as well, where nobody is asked who they are. */
  readonly isReadOnly?: boolean;
  /** @throws Refusal */
  answer(asked: Asked, response: ServerResponse): Promise<void> | void;
  /** Resolves when the connection is over. @throws Refusal as long as nothing was answered */
  upgrade?(asked: Asked, client: UpgradeClient): Promise<void>;
}

export function sendText(response: ServerResponse, code: number, text: string, headers: object = {}): void {
  response.writeHead(code, {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Content-Length": Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

export function sendJson(response: ServerResponse, value: unknown): void {
  const text = `${JSON.stringify(value)}\n`;
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}

/** Writes at the client's pace: the next part is made when there is room for it. Resolves early when the client goes. */
export async function sendParts(response: ServerResponse, parts: AsyncIterable<Buffer>): Promise<void> {
  for await (const part of parts) {
    if (response.destroyed || response.closed) return;
    if (part.length === 0 || response.write(part)) continue;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        response.off("drain", done);
        response.off("close", done);
        resolve();
      };
      response.once("drain", done);
      response.once("close", done);
    });
  }
}
