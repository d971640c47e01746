/** /logs/: what is below /var/log, as files and lists of folders (http.FileServer). */
import { createReadStream } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { ServerResponse } from "node:http";
import { sendText, type Asked, type Endpoint } from "./endpoint.ts";
import { Refusal } from "./refusal.ts";

const folder = "/var/log";

export function systemLogEndpoints(isEnabled: boolean, root = folder): readonly Endpoint[] {
  if (!isEnabled)
    return [refusing("/logs", "logs endpoint is disabled."), refusing("/logs/*", "logs endpoint is disabled.")];
  return ["/logs", "/logs/*"].map((at) => ({
    path: at,
    answer: (asked: Asked, response: ServerResponse) => serveFile(root, asked.params["*"] ?? "", asked, response),
  }));
}

/** 405 with these words and a newline, as http.Error. */
export function refusing(at: string, words: string): Endpoint {
  const refuse = (): never => {
    throw new Refusal(405, `${words}\n`);
  };
  return { path: at, methods: ["GET", "POST", "PUT"], answer: refuse, upgrade: refuse };
}

async function serveFile(root: string, below: string, { signal }: Asked, response: ServerResponse): Promise<void> {
  const file = await insideOf(root, below);
  const found = await stat(file).catch(notFound);
  if (found.isDirectory())
    return sendText(response, 200, await listOf(file), { "Content-Type": "text/html; charset=utf-8" });
  if (!found.isFile()) throw new Refusal(404, "404 page not found\n");
  response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8", "Content-Length": found.size });
  // A log grows while it is read: no more than what was promised.
  if (found.size === 0) return void response.end();
  await pipeline(createReadStream(file, { end: found.size - 1, signal }), response).catch(() => response.destroy());
}

/** A container may be given the folder as a volume: its links lead nowhere else. */
async function insideOf(root: string, below: string): Promise<string> {
  const real = await realpath(path.join(root, path.normalize(`/${below}`))).catch(notFound);
  const within = await realpath(root).catch(notFound);
  if (real !== within && !real.startsWith(`${within}/`)) return notFound();
  return real;
}

function notFound(): never {
  throw new Refusal(404, "404 page not found\n");
}

async function listOf(file: string): Promise<string> {
  const entries = await readdir(file, { withFileTypes: true });
  const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort();
  const links = names.map((name) => `<a href="${encodeURI(name)}">${escaped(name)}</a>\n`);
  return `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${links.join("")}</pre>\n`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&#34;");
}
