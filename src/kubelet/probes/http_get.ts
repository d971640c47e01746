/**
 * httpGet's question (pkg/probe/http): redirects within the host are followed, and little of a body is read. Each is a
 * connection of its own, as upstream's; a whole HTTP client costs six times as much as the connection
 * (docs/decisions/076-pod-start.md).
 */
import net, { isIP, type Socket } from "node:net";
import tls from "node:tls";
import { dialFailure, isPlainHttp } from "./dial.ts";
import { decodeResponse, type HttpResponse } from "./http_response.ts";
import type { ProbeAnswer } from "./probe_state.ts";

const maxRedirects = 10;

type Headers = Readonly<Record<string, string>>;

/** @param timeoutMs of all, with its redirects */
export async function getOverHttp(url: string, headers: Headers, timeoutMs: number): Promise<ProbeAnswer> {
  const deadlineMs = performance.now() + timeoutMs;
  let at = new URL(url);
  try {
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const { code, location } = await ask(at, headers, deadlineMs - performance.now());
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
    const message = `Get "${url}": ${dialFailure(error as Error)}`;
    return { isGood: false, message, ...(isPlainHttp(error as Error) ? { isPlainHttp: true } : {}) };
  }
}

function ask(url: URL, headers: Headers, timeoutMs: number): Promise<HttpResponse> {
  const text = requestText(url, headers);
  return new Promise((resolve, reject) => {
    const socket = connect(url);
    const over = (settle: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    const timer = setTimeout(() => over(() => reject(timeout())), Math.max(0, timeoutMs));
    let bytes: Buffer = Buffer.alloc(0);
    const look = (isEnd: boolean): void => {
      try {
        const answer = decodeResponse(bytes, isEnd);
        if (answer !== "more") over(() => resolve(answer));
      } catch (error) {
        over(() => reject(error instanceof Error ? error : new Error(String(error))));
      }
    };
    socket.on("data", (part: Buffer) => {
      bytes = bytes.length === 0 ? part : Buffer.concat([bytes, part]);
      look(false);
    });
    socket.once("end", () => look(true));
    socket.once("error", (error) => over(() => reject(error)));
    socket.write(text);
  });
}

function timeout(): Error {
  return Object.assign(new Error("timeout"), { name: "TimeoutError" });
}

function connect(url: URL): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol !== "https:") return net.connect({ host, port: Number(url.port || 80) });
  const servername = isIP(host) === 0 ? host : "";
  // A pod's certificate is its own: upstream does not verify it either.
  const options = { servername, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] };
  return tls.connect({ host, port: Number(url.port || 443), ...options });
}

/** @throws Error where a field would be more than one */
function requestText(url: URL, headers: Headers): string {
  const { host, ...rest } = headers;
  const lines = Object.entries({ host: host ?? url.host, ...rest }).map(([name, value]) => `${name}: ${value}`);
  if (lines.some((line) => /[\r\n\0]/.test(line))) throw new Error("net/http: invalid header field value");
  return [`GET ${url.pathname}${url.search} HTTP/1.1`, ...lines, "", ""].join("\r\n");
}
