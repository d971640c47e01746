/** `npm run bench -- SCENARIO`: see README.md. */
import { main } from "./main.ts";

const stop = new AbortController();
// `timeout` ends a run by SIGTERM: what a driver has made goes then too.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

process.exitCode = await main(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  signal: stop.signal,
});
