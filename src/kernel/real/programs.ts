/** Programs run to their end, off the main thread: node's own way forks on it, for as long as a big process takes. */
import { native } from "../native.ts";

/** @throws Error with what the program said, where it fails */
export async function runProgram(argv: readonly [string, ...string[]], timeoutMs: number): Promise<void> {
  const options = { argv, timeoutMs, maxOutputBytes: 64 * 1024 };
  const { status, signal, stderr } = await native().runInNamespace(null, options);
  if (status === 0) return;
  const end = status === null ? `signal ${signal}` : `status ${status}`;
  throw new Error(`${argv.join(" ")} ended with ${end}: ${stderr.toString().trim()}`);
}
