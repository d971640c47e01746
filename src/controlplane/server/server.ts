/** The control plane as one program: its store, its API over TLS, and what goes on beside requests. */
import { FairleadError } from "../../errors/catalogue.ts";
import { startControlPlaneApi, type ControlPlaneApi } from "../apiserver/compose.ts";
import { ApiMetrics } from "../apiserver/metrics/api_metrics.ts";
import { measuredStore } from "../apiserver/metrics/measured_store.ts";
import type { Store } from "../store/store.ts";
import { actorsOf } from "./actors.ts";
import { ActorRunner } from "./actor_runner.ts";
import { Compactor } from "./compaction.ts";
import { takeDataDir } from "./data_dir.ts";
import type { ProgramLog } from "../../log/log.ts";
import { requestLog, requestVerbosity } from "./logging.ts";
import { openStore } from "./open_store.ts";
import type { ServerOptions } from "./options.ts";

export interface RunningServer {
  readonly api: ControlPlaneApi;
  /** Path of the administrator's kubeconfig. */
  readonly adminKubeconfig: string;
  /**
   * Stops: /readyz fails, no new connections, watches end, requests finish within `graceMs`, the store is closed.
   */
  close(graceMs: number): Promise<void>;
}

/**
 * Starts the server; it answers when this returns.
 *
 * @throws FairleadError DATA_DIR, DATA_DIR_IN_USE, LISTEN, STORE_UNAVAILABLE, CERTIFICATE_FILE
 */
export async function startServer(options: ServerOptions, serverLog: ProgramLog): Promise<RunningServer> {
  const giveBack = takeDataDir(options.dataDir);
  let store: Store | undefined;
  try {
    store = await openStore(options);
    return await startOn(store, options, serverLog, giveBack);
  } catch (error) {
    await store?.close();
    giveBack();
    throw error;
  }
}

async function startOn(
  store: Store,
  options: ServerOptions,
  serverLog: ProgramLog,
  giveBack: () => void,
): Promise<RunningServer> {
  const { log } = serverLog;
  const metrics = new ApiMetrics({ ofProcess: true });
  const { from, to } = options.serviceNodePorts;
  const api = await startControlPlaneApi({
    dataDir: options.dataDir,
    store: measuredStore(store, (...operation) => metrics.storeRequest(...operation)),
    metrics,
    maxInFlight: { readOnly: options.maxRequestsInFlight, mutating: options.maxMutatingRequestsInFlight },
    serviceNodePortRange: `${from}-${to}`,
    ...(serverLog.verbosity < requestVerbosity ? {} : { onRequest: requestLog(log) }),
    host: options.bindAddress,
    port: options.securePort,
    tlsSans: options.tlsSans,
    serviceCidrs: options.serviceCidrs,
    ...(options.advertiseAddress === undefined ? {} : { advertiseAddress: options.advertiseAddress }),
    ...options.security,
    onInternalError: (err, where) => log.error({ err, where }, "internal error"),
  }).catch((error: unknown) => {
    throw listenError(error, options);
  });
  const compactor = new Compactor(store, (err) => log.warn({ err }, "compaction failed; it is tried again"));
  const lead = options.leaderElect ? { store, routes: api.server.routes } : undefined;
  const actors = new ActorRunner(actorsOf({ api, options, log }), log, lead);
  return {
    api,
    adminKubeconfig: api.adminKubeconfig,
    async close(graceMs) {
      // First: what acts needs the API to finish what it is at.
      await actors.stop(graceMs);
      await compactor.stop();
      await api.close(graceMs);
      await store.close();
      giveBack();
    },
  };
}

/** What the system says of an address that cannot be listened on, as an error of the catalogue. */
function listenError(cause: unknown, { bindAddress, securePort }: ServerOptions): unknown {
  if ((cause as Partial<NodeJS.ErrnoException>).syscall !== "listen") return cause;
  const reasons: Partial<Record<string, string>> = {
    EADDRINUSE: "another program has the port",
    EADDRNOTAVAIL: "the address is not one of this machine's",
    EACCES: "this user may not take the port",
  };
  const reason = reasons[(cause as NodeJS.ErrnoException).code ?? ""];
  const subject = `${bindAddress}:${securePort}`;
  return new FairleadError("LISTEN", { subject, cause, ...(reason === undefined ? {} : { reason }) });
}
