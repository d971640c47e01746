/** The parts of a kubelet, joined: a runtime, an API, a node, its pods. */
import { mkdir, readFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Informer } from "../api/informer.ts";
import type { Client } from "../api/client.ts";
import type { EventRecorder } from "../api/event_recorder.ts";
import { ApiEventRecorder } from "../api/events/api_event_recorder.ts";
import { resourceTypes } from "../api/resource_types.ts";
import type { KubeletConfiguration } from "../config/kubelet.ts";
import type { Clock } from "../reconcile/clock.ts";
import type { CertificateMetrics } from "./certificates/metrics.ts";
import { openServingCertificate } from "./certificates/open.ts";
import type { DnsConfig } from "./cri/messages.ts";
import type { Runtime } from "./cri/runtime.ts";
import { preemption } from "./preemption/preempt.ts";
import { closedBy, openAdmission, readAppArmor } from "./admission/admission.ts";
import { openCgroups } from "./cgroups/open.ts";
import { Limiter } from "./images/limiter.ts";
import { PullRate } from "./images/pull_rate.ts";
import { nodeAddresses } from "./node/addresses.ts";
import { readNodeFacts } from "./node/facts.ts";
import type { NodePressures } from "./node/conditions.ts";
import { NodeStartup } from "./node/startup.ts";
import { NodeAgent } from "./node/node_agent.ts";
import { PodManager } from "./pods/pod_manager.ts";
import { ConfigObjects } from "./pods/config_objects.ts";
import type { PodDeps } from "./pods/deps.ts";
import { Turns } from "./pods/turns.ts";
import { parseResolvConf } from "./pods/render/dns.ts";
import { evictable, openUpkeep } from "./upkeep.ts";
import { TimerWheel } from "./probes/timer_wheel.ts";
import { runByFork, type RunProgram } from "./volumes/mounts.ts";
import { RuntimeEvents } from "./runtime_events.ts";
import { serveKubelet } from "./server/compose.ts";
import { heartbeat } from "./server/heartbeat.ts";
import { KubeletMetrics } from "./server/metrics/kubelet_metrics.ts";
import { measuredRuntime } from "./server/metrics/measured_runtime.ts";
import {
  cgroupSettings,
  nodeSettings,
  podSettings,
  shutdownSettings,
  staticPodsSettings,
  type KubeletFlags,
} from "./settings.ts";
import { logind } from "./shutdown/logind.ts";
import { ShutdownTimes } from "./shutdown/times.ts";
import { ShutdownManager } from "./shutdown/manager.ts";
import { NoApi, noEvents } from "./standalone.ts";

export interface KubeletOptions {
  readonly config: KubeletConfiguration;
  readonly flags: KubeletFlags;
  /** Absent: the kubelet is standalone. */
  readonly client?: Client;
  /** Resolves when the client can say who it is; nothing is asked of the API before. */
  readonly ready: () => Promise<void>;
  readonly certificates: CertificateMetrics;
  readonly runtime: Runtime;
  /** Default: node's own way. */
  readonly runProgram?: RunProgram;
  readonly clock: Clock;
  readonly onError: (attempted: string, error: unknown) => void;
}

export interface Kubelet {
  readonly pods: PodManager;
  /** The node is registered, and what the API wants of it is looked after. */
  readonly joined: Promise<void>;
  stop(): Promise<void>;
}

/** Bounds of waiting for the first answers, in ms; each is asked again afterwards. */
const syncTimeoutMs = 60_000;
const runtimeRetryMs = 500;
const eventFlushMs = 2000;

/** Resolves when static pods are looked after, whether an API server answers or not. */
export async function startKubelet(given: KubeletOptions): Promise<Kubelet> {
  const metrics = new KubeletMetrics(given.flags.nodeName);
  const options = { ...given, metrics, runtime: measuredRuntime(given.runtime, metrics) };
  const { config, flags, runtime, clock, onError } = options;
  const isStandalone = options.client === undefined;
  const client = options.client ?? new NoApi();
  await mkdir(flags.rootDir, { recursive: true });
  const facts = await readNodeFacts(flags.rootDir);
  const { runtimeName } = await patiently(options, "ask the container runtime for its version", () =>
    runtime.version(),
  );
  const tellsOfChanges = RuntimeEvents.tells(runtimeName);
  const events = isStandalone
    ? noEvents
    : new ApiEventRecorder(client, { component: "kubelet", host: flags.nodeName, clock });
  const wheel = new TimerWheel(clock);
  const groups = await patiently(options, "learn how the node keeps control groups", () =>
    openCgroups(options, facts, events),
  );
  const cgroups = { version: groups.tree.hierarchies.version, driver: groups.tree.driver };
  const settings = podSettings(config, flags, facts, { dns: await hostDns(config), tellsOfChanges, cgroups });
  const services = new Informer(client, resourceTypes.services, {
    clock,
    onError: (error) => onError("follow Services", error),
  });
  const upkeep = openUpkeep({
    ...{ config, settings, runtime, tree: groups.tree, events, metrics, clock, onError },
    workers: () => [...pods.workers],
    isKnown: (uid) => pods.isKnown(uid),
  });
  const agent = newAgent(
    { ...options, client, pressures: upkeep.pressures, problems: () => shutdown.problems },
    events,
  );
  const shutdown: ShutdownManager = new ShutdownManager({
    settings: shutdownSettings(config),
    port: logind(),
    pods: () => [...pods.workers].map(evictable),
    onChange(isGoingDown) {
      if (isGoingDown) agent.events.shutdown();
      agent.wake();
    },
    times: new ShutdownTimes(path.join(flags.rootDir, "graceful_node_shutdown_state"), metrics, onError),
    clock,
    onError,
  });
  const mostPulls = config.serializeImagePulls ? 1 : (config.maxParallelImagePulls ?? Infinity);
  const deps: PodDeps = {
    runtime,
    client,
    clock,
    events,
    configs: new ConfigObjects(client, {
      strategy: config.configMapAndSecretChangeDetectionStrategy,
      clock,
      onError: (error) => onError("follow ConfigMaps and Secrets", error),
    }),
    pulls: new Limiter(mostPulls),
    pullRate: new PullRate(config.registryPullQPS, config.registryBurst, clock),
    cgroups: groups.manager,
    wheel,
    turns: new Turns(),
    settings,
    runtimeName,
    services: () => services.objects.values(),
    nodeIps: () => agent.ips,
    allocatable: () => agent.allocatable,
    metrics,
    runProgram: given.runProgram ?? runByFork,
    onError,
  };
  const staticPods = staticPodsSettings(config, flags);
  const admission = closedBy(
    () => shutdown.rejection,
    openAdmission({
      client,
      node: () => agent.node,
      allocatable: () => agent.allocatable,
      pressures: upkeep.pressures,
      unsafeSysctls: config.allowedUnsafeSysctls,
      hasAppArmor: await readAppArmor(),
      preempt: preemption({ pods: () => [...pods.workers].map(evictable), events, metrics, clock }),
    }),
  );
  const pods: PodManager = new PodManager(deps, { staticPods, node: () => agent.node, isStandalone, admission });
  const told = newEvents(options, runtimeName, pods);
  told.start();
  await patiently(options, "bound the control groups of pods", () => groups.manager.start(() => pods.pods));
  await patiently(options, "list what the container runtime has", () => pods.start());
  shutdown.start();
  let isReady = false;
  const addresses = () => (isReady ? agent.addresses : []);
  const serving = config.serverTLSBootstrap
    ? await openServingCertificate({
        ...{ nodeName: flags.nodeName, folder: flags.certDir, client, clock, addresses, onError },
        metrics: options.certificates,
      })
    : undefined;
  const certificate = serving ? { certificate: serving } : {};
  const server = await serveKubelet({
    ...{
      ...options,
      ...certificate,
      client,
      hasApi: !isStandalone,
      pods,
      tree: groups.tree,
      syncLoop: heartbeat(wheel, clock),
    },
    registries: options.certificates ? [options.certificates.registry] : [],
    place: cgroupSettings(config, facts, groups.tree.driver),
    folders: settings.folders,
    osImage: facts.osImage,
  });
  let isStopped = false;
  const join = async (): Promise<void> => {
    await options.ready();
    if (isStopped) return;
    isReady = true;
    if (!isStandalone) services.start();
    await agent.start();
    // A pod's environment names Services: it is not made without them, but for static ones.
    if (!isStandalone) await services.synced(syncTimeoutMs);
    while (!isStopped && !(await pods.adopt(syncTimeoutMs))) {
      if (!isStopped) onError("list the pods of this node", new Error("no answer yet"));
    }
    if (!isStopped) upkeep.start();
  };
  return {
    pods,
    joined: join(),
    async stop() {
      isStopped = true;
      told.stop();
      shutdown.stop();
      pods.stop();
      upkeep.stop();
      groups.manager.stop();
      services.stop();
      agent.stop();
      serving?.stop();
      wheel.stop();
      await server.stop();
      await events.stop(eventFlushMs);
    },
  };
}

function newAgent(
  options: KubeletOptions & {
    readonly metrics: KubeletMetrics;
    readonly client: Client;
    readonly pressures: NodePressures;
    readonly problems: () => readonly string[];
  },
  events: EventRecorder,
): NodeAgent {
  const { config, flags, client, runtime, metrics, clock, onError } = options;
  const now = clock.now();
  const times = { bootMs: now - os.uptime() * 1000, startMs: now - process.uptime() * 1000 };
  return new NodeAgent({
    client,
    clock,
    runtime,
    events,
    facts: () => readNodeFacts(flags.rootDir),
    addresses: () => nodeAddresses(flags.nodeIps),
    problems: options.problems,
    pressures: options.pressures,
    settings: nodeSettings(config, flags),
    startup: new NodeStartup(metrics, times, () => clock.now()),
    registers: config.registerNode,
    isStandalone: client instanceof NoApi,
    leaseSeconds: config.nodeLeaseDurationSeconds,
    updateMs: config.nodeStatusUpdateFrequency,
    reportMs: config.nodeStatusReportFrequency,
    onError,
  });
}

function newEvents(
  { config, runtime, metrics, clock, onError }: KubeletOptions & { readonly metrics: KubeletMetrics },
  runtimeName: string,
  pods: PodManager,
) {
  return new RuntimeEvents({
    runtime,
    runtimeName,
    endpoint: config.containerRuntimeEndpoint,
    metrics,
    clock,
    onContainer: (id) => pods.containerChanged(id),
    onGap: () => pods.relistAll(),
    onError: (error) => onError("follow the container runtime's events", error),
  });
}

/** Until it is answered: a runtime or an API server that is late is no reason to give up. */
async function patiently<T>({ clock, onError }: KubeletOptions, attempted: string, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      onError(attempted, error);
      await new Promise<void>((resolve) => clock.after(runtimeRetryMs, resolve));
    }
  }
}

async function hostDns({ resolvConf }: KubeletConfiguration): Promise<DnsConfig> {
  if (resolvConf === "") return { servers: [], searches: [], options: [] };
  return parseResolvConf(await readFile(resolvConf, "utf8").catch(() => ""));
}
