/** Cluster DNS's life as a process. */
import { readFile } from "node:fs/promises";
import { HttpClient } from "../api/http/http_client.ts";
import { DnsServer } from "../dns/dns_server.ts";
import { decodeAddress, decodeResolvConf, type UpstreamAddress } from "../dns/forward/decode.ts";
import { HttpListener, routes } from "../http/listener.ts";
import type { ProgramLog } from "../log/log.ts";
import { packageVersion } from "./package_version.ts";
import { Closes, runPart, type RunningPart } from "./part.ts";
import { untilEnd } from "./process_end.ts";

export interface DnsOptions {
  readonly kubeconfig?: string;
  readonly bindAddresses: readonly string[];
  readonly port: number;
  readonly clusterDomain: string;
  /** Absent: those of resolvConf. */
  readonly upstream?: readonly UpstreamAddress[];
  readonly resolvConf: string;
  readonly stubDomains: ReadonlyMap<string, readonly UpstreamAddress[]>;
  readonly cacheSeconds: number;
  readonly metricsBindAddress: string;
}

/** Answers until SIGTERM or SIGINT. @throws FairleadError where it cannot begin */
export async function runDns(options: DnsOptions, programLog: ProgramLog): Promise<void> {
  const ended = untilEnd(programLog, undefined);
  await runPart(startDns(options, programLog.log), ended);
  programLog.log.info("stopped");
}

export function startDns(options: DnsOptions, log: ProgramLog["log"]): RunningPart {
  const closes = new Closes();
  return { ready: begin(options, log, closes), stop: () => closes.all() };
}

async function begin(options: DnsOptions, log: ProgramLog["log"], closes: Closes): Promise<void> {
  const { kubeconfig, metricsBindAddress } = options;
  const client = closes.own(
    new HttpClient({
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
      userAgent: `fairlead-dns/${packageVersion()}`,
    }),
  );
  const upstreams = options.upstream ?? (await serversOf(options.resolvConf, log));
  const server = new DnsServer({
    ...options,
    client,
    upstreams,
    version: packageVersion(),
    onError: (resource, error) => log.warn({ resource, error: String(error) }, "cannot follow the API; trying again"),
  });
  await server.start();
  closes.own(server);
  closes.own(await HttpListener.open(decodeAddress(metricsBindAddress)!, dnsRoutes(server)));
  const { bindAddresses, port, clusterDomain } = options;
  log.info({ addresses: bindAddresses, port, clusterDomain, upstreams }, "answering");
  while (!closes.isOver && !(await server.synced(syncLookMs))) log.warn("the cluster's names are not known yet");
  if (!closes.isOver) log.info("the cluster's names are known");
}

const syncLookMs = 10_000;

/** Health and readiness as CoreDNS says them. */
function dnsRoutes(server: DnsServer) {
  const { registry } = server.metrics;
  return routes({
    "/health": () => ({ code: 200, body: "OK" }),
    "/ready": () => (server.isSynced ? { code: 200, body: "OK" } : { code: 503, body: "kubernetes" }),
    "/metrics": async () => ({ code: 200, body: await registry.metrics(), contentType: registry.contentType }),
  });
}

async function serversOf(file: string, log: ProgramLog["log"]): Promise<readonly UpstreamAddress[]> {
  try {
    return decodeResolvConf(await readFile(file, "utf8"));
  } catch (error) {
    log.warn({ file, error: String(error) }, "no servers for names outside of the cluster");
    return [];
  }
}
