/** The node agent's life as a process: its parts beside one another, each with back-off of its own. */
import { messageOf } from "../errors/message.ts";
import type { HttpClient } from "../api/http/http_client.ts";
import { countedClient } from "../api/http/request_metrics.ts";
import type { NodeConfiguration } from "../config/node.ts";
import { CertificateMetrics } from "../kubelet/certificates/metrics.ts";
import { openNodeClient, type NodeClient } from "../kubelet/certificates/open.ts";
import type { LocalPathNode } from "../kubelet/volumes/local_path/plan.ts";
import { removeLocalPaths } from "../kubelet/volumes/local_path/remover.ts";
import type { KubeletFlags } from "../kubelet/settings.ts";
import type { ProgramLog } from "../log/log.ts";
import { systemClock } from "../reconcile/clock.ts";
import { KeptPart } from "./kept_part.ts";
import type { RunningPart } from "./part.ts";
import { untilEnd } from "./process_end.ts";
import { startDns, type DnsOptions } from "./run_dns.ts";
import { startKubelet } from "./run_kubelet.ts";
import { startNetwork } from "./run_network.ts";
import { keepHeapSmall, startProxy } from "./run_proxy.ts";

export interface NodeOptions {
  readonly config: NodeConfiguration;
  readonly flags: KubeletFlags;
  readonly kubeconfig: string;
  /** How to ask for a certificate where the kubeconfig has none that is good. */
  readonly bootstrapKubeconfig?: string;
  /** Where cluster DNS answers, at the node's addresses; absent: it is somebody else's. */
  readonly dnsPort?: number;
  /** Below which volumes of the StorageClass local-path are; absent: their folders are somebody else's to remove. */
  readonly localPathFolder?: string;
  readonly programLog: ProgramLog;
}

/** Runs the node until SIGTERM or SIGINT. Pods, and what leads to them, stay. */
export async function runNode(options: NodeOptions): Promise<void> {
  const { programLog } = options;
  const { log } = programLog;
  keepHeapSmall();
  const ended = untilEnd(programLog, undefined);
  // Its timers hold up nothing, so that something has to hold the process.
  const alive = setInterval(() => undefined, 60_000);
  const parts: KeptPart[] = [];
  // One connection and one set of credentials for kubelet and pod network; the proxy counts its own requests.
  const clientMetrics = new CertificateMetrics(() => systemClock.now());
  const node = await clientOf(options, clientMetrics);
  const isEnded = ended.then(() => true);
  if (!(await Promise.race([node.ready().then(() => false), isEnded]))) {
    parts.push(...startParts(options, node.client, clientMetrics));
  }
  await ended;
  clearInterval(alive);
  // The kubelet first: it still needs the network for what it has begun.
  for (const part of parts) await part.stop();
  node.close();
  log.info("stopped; pods run on, and what is programmed stays");
}

/** By the certificate that the cluster gives the node, which is renewed; or by what the kubeconfig says. */
async function clientOf(options: NodeOptions, metrics: CertificateMetrics): Promise<NodeClient> {
  const { kubeconfig, bootstrapKubeconfig, config, flags, programLog } = options;
  if (bootstrapKubeconfig === undefined) {
    const client = countedClient({ kubeconfig, userAgent: "kubelet" }, metrics.requests);
    metrics.client({ notAfterMs: undefined });
    return { client, ready: () => Promise.resolve(), close: () => client.close() };
  }
  const clock = systemClock;
  const onError = (attempted: string, error: unknown): void => {
    programLog.log.warn({ err: messageOf(error) }, `cannot ${attempted}; it is tried again`);
  };
  const about = { nodeName: flags.nodeName, folder: flags.certDir, rotates: config.kubelet.rotateCertificates };
  return openNodeClient({ ...about, kubeconfig, bootstrapKubeconfig, clock, metrics, onError });
}

function startParts(options: NodeOptions, client: HttpClient, clientMetrics: CertificateMetrics): readonly KeptPart[] {
  const { flags, programLog } = options;
  const { log } = programLog;
  const parts = Object.entries(starts(options, client, clientMetrics)).map(([name, start]) => {
    const onFailed = (error: unknown, waitMs: number): void => {
      const reason = messageOf(error);
      log.error({ part: name, err: reason, waitMs }, "cannot begin; it is started anew, and the others go on");
    };
    return new KeptPart({ name, start, clock: systemClock, onFailed });
  });
  void Promise.all(parts.map((part) => part.ready)).then(() => {
    log.info({ node: flags.nodeName, startupMs: Math.round(performance.now()) }, "all parts serve");
  });
  return parts;
}

/** A part of the node is a row here. */
function starts(
  { config, flags, kubeconfig, dnsPort, localPathFolder, programLog: { log } }: NodeOptions,
  client: HttpClient,
  clientMetrics: CertificateMetrics,
): Readonly<Record<string, () => RunningPart>> {
  const { nodeName } = flags;
  const proxyConfig = { ...config.proxy, clientConnection: { ...config.proxy.clientConnection, kubeconfig } };
  const of = (part: string) => log.child({ part });
  const { clusterDomain, resolvConf } = config.kubelet;
  const dnsOptions = (port: number): DnsOptions => ({
    kubeconfig,
    bindAddresses: flags.addresses,
    port,
    clusterDomain,
    resolvConf,
    stubDomains: new Map(),
    cacheSeconds: 30,
    metricsBindAddress: "127.0.0.1:9153",
  });
  const endpoint = config.network.containerRuntimeEndpoint || config.kubelet.containerRuntimeEndpoint;
  const networkConfig = { ...config.network, containerRuntimeEndpoint: endpoint };
  return {
    kubelet: () =>
      startKubelet({ config: config.kubelet, flags, kubeconfig, client, clientMetrics, log: of("kubelet") }),
    proxy: () => startProxy({ config: proxyConfig, nodeName, log: of("proxy"), takeover: false }),
    network: () => startNetwork({ config: networkConfig, nodeName, client, log: of("network") }),
    ...(localPathFolder === undefined
      ? {}
      : { storage: () => startStorage(client, { hostname: nodeName, folder: localPathFolder }, of("storage")) }),
    ...(dnsPort === undefined ? {} : { dns: () => startDns(dnsOptions(dnsPort), of("dns")) }),
  };
}

function startStorage(client: HttpClient, node: LocalPathNode, log: ProgramLog["log"]): RunningPart {
  const onError = (attempted: string, error: unknown): void =>
    log.warn({ err: messageOf(error) }, `cannot ${attempted}; it is tried again`);
  return { ready: Promise.resolve(), stop: removeLocalPaths({ client, node, onError }) };
}
