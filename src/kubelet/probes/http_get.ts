/** httpGet's question (pkg/probe/http): redirects within the host are followed, and little of a body is read. */
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { dialFailure } from "./dial.ts";
import type { ProbeAnswer } from "./probe_state.ts";

const maxBodyBytes = 10 * 1024;
const maxRedirects = 10;

type Headers = Readonly<Record<string, string>>;

/** @param timeoutMs of all, with its redirects */
export async function getOverHttp(url: string, headers: Headers, timeoutMs: number): Promise<ProbeAnswer> {
  const signal = AbortSignal.timeout(timeoutMs);
  let at = new URL(url);
  try {
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const { code, location } = await ask(at, headers, signal);
      if (code < 200 || code >= 400) {
        return { isGood: false, code, message: `HTTP probe failed with statuscode: ${code}` };
      }
      const next = code >= 300 && location !== undefined ? new URL(location, at) : undefined;
      // What another host would say is none of this container's.
      if (next?.hostname !== at.hostname) return { isGood: true, message: "" };
      at = next;
    }
    return { isGood: false, message: `Get "${at.href}": stopped after ${maxRedirects} redirects` };
  } catch (error) {
    return { isGood: false, message: `Get "${url}": ${dialFailure(error as Error)}` };
  }
}

interface Answer {
  readonly code: number;
  readonly location: string | undefined;
}

function ask(url: URL, headers: Headers, signal: AbortSignal): Promise<Answer> {
  const { request } = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    // A pod's certificate is its own: upstream does not verify it either.
    const asked = request(url, { headers, signal, rejectUnauthorized: false, agent: false }, (answer) => {
      answer.on("error", reject);
      skim(answer, () => {
        resolve({ code: answer.statusCode ?? 0, location: answer.headers.location });
        asked.destroy();
      });
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** To its end, or until it is clear that it is long: it may have none. */
function skim(answer: IncomingMessage, done: () => void): void {
  let bytes = 0;
  answer.on("data", (part: Buffer) => {
    bytes += part.length;
    if (bytes >= maxBodyBytes) done();
  });
  answer.on("end", done);
}
