/** The server's life as a process: from its start to the signal that ends it. */
import { performance } from "node:perf_hooks";
import { collectWhenIdle } from "./idle_memory.ts";
import type { ProgramLog } from "../../log/log.ts";
import type { ServerOptions } from "./options.ts";
import { startServer } from "./server.ts";

/** What requests in flight have to finish, in ms. */
export const drainGraceMs = 10_000;
const signals = ["SIGTERM", "SIGINT"] as const;

/**
 * Serves until SIGTERM or SIGINT, then drains. A second signal ends the process at once.
 *
 * @throws what {@link startServer} throws
 */
export async function runServer(options: ServerOptions, serverLog: ProgramLog): Promise<void> {
  const { log } = serverLog;
  const stopped = stopSignal(serverLog);
  process.on("uncaughtException", (err) => {
    log.fatal({ err }, "unexpected error");
    serverLog.flush();
    process.exit(1);
  });
  const server = await startServer(options, serverLog);
  log.info(
    {
      address: options.bindAddress,
      port: server.api.port,
      kubeconfig: server.adminKubeconfig,
      store: options.etcd ? "etcd" : "embedded",
      startupMs: Math.round(performance.now()),
    },
    "serving",
  );
  const stopCollecting = collectWhenIdle();
  const signal = await stopped;
  stopCollecting();
  log.info({ signal }, "draining");
  await server.close(drainGraceMs);
  log.info("stopped");
}

/** The first signal; from then on a second one ends the process. */
function stopSignal(serverLog: ProgramLog): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first: NodeJS.Signals | undefined;
    for (const signal of signals) {
      process.on(signal, () => {
        if (first === undefined) return resolve((first = signal));
        serverLog.log.warn({ signal }, "stopping at once");
        serverLog.flush();
        process.exit(1);
      });
    }
  });
}
