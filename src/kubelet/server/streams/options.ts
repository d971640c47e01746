/** What a query asks of exec, attach and port-forward (cri/streaming, remotecommand and portforward). */
import type { StreamOptions } from "../../cri/runtime.ts";
import { Refusal } from "../refusal.ts";

/** @throws Refusal 400 */
export function streamOptions(query: URLSearchParams): StreamOptions {
  const has = (name: string): boolean => query.get(name) === "1";
  const tty = has("tty");
  // A terminal has one stream for both.
  const options = { tty, stdin: has("input"), stdout: has("output"), stderr: has("error") && !tty };
  if (!options.stdin && !options.stdout && !options.stderr) {
    throw new Refusal(400, "you must specify at least 1 of stdin, stdout, stderr");
  }
  return options;
}

/** Only WebSockets of the old kind name them here: with SPDY each stream does. @throws Refusal 400 */
export function forwardedPorts(query: URLSearchParams, isWebSocket: boolean): readonly number[] {
  if (!isWebSocket) return [];
  const asked = query.getAll("port");
  if (asked.length === 0) throw new Refusal(400, 'query parameter "port" is required');
  return asked.flatMap((list) => list.split(",")).map(portOf);
}

function portOf(text: string): number {
  if (text === "") throw new Refusal(400, 'query parameter "port" cannot be empty');
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new Refusal(400, `unable to parse "${text}" as a port`);
  if (port < 1) throw new Refusal(400, `port "${text}" must be > 0`);
  return port;
}
