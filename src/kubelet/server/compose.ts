/** Everything the kubelet serves, joined: health on its own port, and the server's endpoints with who may use them. */
import type { Registry } from "prom-client";
import type { Client } from "../../api/client.ts";
import type { KubeletConfiguration } from "../../config/kubelet.ts";
import { PersistentListener } from "../../http/persistent.ts";
import type { HttpHandler } from "../../http/listener.ts";
import type { Clock } from "../../reconcile/clock.ts";
import type { CgroupPlace } from "../cgroups/names.ts";
import type { CgroupTree } from "../cgroups/tree.ts";
import type { Runtime } from "../cri/runtime.ts";
import type { Folders } from "../pods/names.ts";
import type { KubeletFlags } from "../settings.ts";
import { kubeletVersion } from "../version.ts";
import { Authenticator } from "./auth/authenticator.ts";
import { Authorizer } from "./auth/authorizer.ts";
import { configz } from "./configz.ts";
import { sendJson, type Endpoint } from "./endpoint.ts";
import { healthEndpoints, healthOf, type Check } from "./health.ts";
import { logEndpoint } from "./logs/endpoint.ts";
import { metricsEndpoints, requestLabels } from "./metrics/endpoints.ts";
import type { KubeletMetrics } from "./metrics/kubelet_metrics.ts";
import { podIndex, type PodIndex, type PodSource } from "./pod_index.ts";
import { podEndpoints } from "./pods.ts";
import { Router } from "./router.ts";
import { KubeletServer } from "./server.ts";
import { certificateOfFiles } from "./serving/files.ts";
import { ensureSelfSigned } from "./serving/self_signed.ts";
import type { ServingCertificateSource } from "./serving/source.ts";
import { StatsCollector } from "./stats/collector.ts";
import { statsEndpoints } from "./stats/endpoints.ts";
import { streamEndpoints } from "./streams/endpoints.ts";
import { refusing, systemLogEndpoints } from "./system_logs.ts";

export interface KubeletServing {
  readonly config: KubeletConfiguration;
  readonly flags: KubeletFlags;
  readonly client: Client;
  readonly runtime: Runtime;
  readonly pods: PodSource;
  readonly clock: Clock;
  /** Default: the files that the configuration names, or one that is made. */
  readonly certificate?: ServingCertificateSource;
  readonly metrics: KubeletMetrics;
  /** There is an API server. */
  readonly hasApi: boolean;
  /** Of parts that count for themselves. */
  readonly registries: readonly Registry[];
  readonly tree: CgroupTree;
  readonly place: CgroupPlace;
  readonly folders: Folders;
  readonly osImage: string;
  /** What keeps the pods goes on. */
  readonly syncLoop: Check;
  readonly onError: (attempted: string, error: unknown) => void;
}

export interface RunningServer {
  /** Of the HTTPS server. */
  readonly port: number | undefined;
  stop(): Promise<void>;
}

/** @throws FairleadError CERTIFICATE_FILE */
export async function serveKubelet(serving: KubeletServing): Promise<RunningServer> {
  const { config, clock, onError } = serving;
  const checks = { ping: () => undefined, log: () => undefined, syncloop: serving.syncLoop };
  const health = await serveHealth(serving, checks);
  if (!config.enableServer) return { port: undefined, stop: () => health.close() };
  const endpoints = endpointsOf(serving, checks);
  const common = { onError, idleTimeoutMs: config.streamingConnectionIdleTimeout };
  const observe = (isReadOnly: boolean) => (method: string, path: string) =>
    serving.metrics.request(requestLabels(method, path, isReadOnly));
  const server = new KubeletServer({
    settings: config,
    certificate: serving.certificate ?? (await ownCertificate(serving)),
    secure: { ...common, observe: observe(false), router: new Router(endpoints), access: accessOf(serving) },
    readOnly: {
      ...common,
      observe: observe(true),
      router: new Router(endpoints.filter(({ isReadOnly }) => isReadOnly)),
      access: undefined,
    },
    clock,
    onError,
  });
  await server.start();
  return {
    get port() {
      return server.port;
    },
    async stop() {
      await Promise.all([server.close(), health.close()]);
    },
  };
}

async function serveHealth(
  { config, clock, onError }: KubeletServing,
  checks: Readonly<Record<string, Check>>,
): Promise<Pick<PersistentListener, "close">> {
  const { healthzPort: port, healthzBindAddress: host } = config;
  if (port === 0) return { close: () => Promise.resolve() };
  const handler: HttpHandler = ({ path, query }) =>
    path === "/healthz" ? healthOf(checks, query.has("verbose")) : { code: 404, body: "404 page not found\n" };
  const failed = (error: unknown): void => onError("serve /healthz", error);
  const listener = new PersistentListener({ host, port }, handler, { clock, onError: failed });
  await listener.start();
  return listener;
}

function accessOf({ config, client, flags, clock }: KubeletServing) {
  const now = (): number => clock.now();
  return {
    authenticator: new Authenticator(config.authentication, client, now),
    authorizer: new Authorizer(config.authorization, client, flags.nodeName, now),
  };
}

async function ownCertificate({ config, flags, clock, onError }: KubeletServing): Promise<ServingCertificateSource> {
  const { tlsCertFile: certFile, tlsPrivateKeyFile: keyFile } = config;
  const names = [flags.hostname, ...flags.addresses];
  const isGiven = certFile !== "" && keyFile !== "";
  const files = isGiven ? { certFile, keyFile } : await ensureSelfSigned(flags.certDir, names, clock.now());
  return certificateOfFiles(files, (error) => onError("read the serving certificate", error));
}

function endpointsOf(serving: KubeletServing, checks: Readonly<Record<string, Check>>): readonly Endpoint[] {
  const pods = podIndex(serving.pods);
  const { config, runtime, clock } = serving;
  const debugging = config.enableDebuggingHandlers
    ? [
        ...podEndpoints(pods),
        ...streamEndpoints({ pods, runtime }),
        logEndpoint({ pods, runtime, now: () => clock.now() }),
        ...systemLogEndpoints(config.enableSystemLogHandler),
        configzEndpoint(config),
        // Profiles are of Go's runtime: there are none here.
        refusing("/debug/pprof/*", "profiling endpoint is disabled."),
        refusing("/debug/flags/v", "flags endpoint is disabled."),
      ]
    : [...podEndpoints(pods).filter(({ isReadOnly }) => isReadOnly), ...withoutDebugging()];
  serving.metrics.follow(pods, serving.hasApi);
  const stats = statsOf(serving, pods);
  return [
    ...healthEndpoints(checks),
    ...metricsEndpoints({ ...serving, files: () => stats.files() }),
    ...statsEndpoints({ ...serving, stats, version: kubeletVersion }),
    ...debugging,
  ];
}

function statsOf(serving: KubeletServing, pods: PodIndex): StatsCollector {
  const { flags, config } = serving;
  return new StatsCollector({ ...serving, pods, nodeName: flags.nodeName, volumeStatsMs: config.volumeStatsAggPeriod });
}

function configzEndpoint(config: KubeletConfiguration): Endpoint {
  return { path: "/configz", answer: (_asked, response) => sendJson(response, configz(config)) };
}

const debuggingPaths = ["/run", "/exec", "/attach", "/portForward", "/containerLogs", "/logs", "/debug/pprof"];

function withoutDebugging(): readonly Endpoint[] {
  const words = "Debug endpoints are disabled.";
  return [...debuggingPaths.map((path) => refusing(`${path}/*`, words)), refusing("/runningpods", words)];
}
