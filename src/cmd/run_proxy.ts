/** The proxy's life as a process: from its start to the signal that ends it. */
import { existsSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { writeFile } from "node:fs/promises";
import { ApiEventRecorder } from "../api/events/api_event_recorder.ts";
import type { EventType } from "../api/event_recorder.ts";
import type { HttpClient } from "../api/http/http_client.ts";
import { countedClient } from "../api/http/request_metrics.ts";
import type { KubeProxyConfiguration } from "../config/kube_proxy.ts";
import { messageOf } from "../errors/message.ts";
import { native } from "../kernel/native.ts";
import type { RoutingPort } from "../kernel/ports.ts";
import { openIpset } from "../kernel/real/ipset.ts";
import { openIpvs } from "../kernel/real/ipvs.ts";
import { RealNftables } from "../kernel/real/nftables.ts";
import { openRouting } from "../kernel/real/routing.ts";
import type { ProgramLog } from "../log/log.ts";
import type { IpFamily } from "../model/service.ts";
import { ProxyAgent } from "../proxy/agent/agent.ts";
import { ProxyMetrics } from "../proxy/metrics/proxy_metrics.ts";
import { registerRelayMetrics } from "../proxy/metrics/relay_metrics.ts";
import type { IpvsModePorts } from "../proxy/takeover/ipvs_mode.ts";
import { findKubeProxy, removeKubeProxy, type Seen, type TakeoverPorts } from "../proxy/takeover/takeover.ts";
import { systemClock } from "../reconcile/clock.ts";
import { packageVersion } from "./package_version.ts";
import { Closes, ReloadedPart, runPart, Servers, type ReplaceablePart } from "./part.ts";
import { untilEnd } from "./process_end.ts";
import { ProxyAround } from "./proxy_around.ts";
import {
  modeNameOf,
  openMode,
  removeAllModes,
  removeOtherModes,
  type OpenedMode,
  type RemovalPorts,
} from "./proxy_modes.ts";

export interface ProxyOptions {
  readonly config: KubeProxyConfiguration;
  readonly nodeName: string;
  readonly log: ProgramLog["log"];
  /** Where the API server is, in the place of the kubeconfig's. */
  readonly master?: string;
  /** What a kube-proxy has programmed here is removed once ours serves. */
  readonly takeover: boolean;
  /** What the kernel refuses of conntrack's settings ends the proxy, as upstream's. Default: it is said. */
  readonly mustSetKernel?: boolean;
}

export interface ProxyProcessOptions extends Omit<ProxyOptions, "log"> {
  readonly programLog: ProgramLog;
  /** It ends the process when it changes, as upstream's does: whoever runs it starts it anew. */
  readonly configFile?: string;
  /** Reads the configuration anew, at SIGHUP. @throws FairleadError CONFIG_UNREADABLE, CONFIG_INVALID */
  readonly reread?: () => Promise<Reread>;
}

type Reread = Pick<ProxyOptions, "config" | "nodeName">;

/** What Events that wait have to be written, in ms. */
const eventsGraceMs = 1000;

/**
 * Proxies until SIGTERM or SIGINT. What is programmed stays: packets go on.
 *
 * @throws FairleadError where it cannot begin, or its configuration has changed
 */
export async function runProxy(options: ProxyProcessOptions): Promise<void> {
  const { config, programLog } = options;
  const { log } = programLog;
  modeNameOf(config);
  keepHeapSmall();
  await writeFile("/proc/self/oom_score_adj", String(config.oomScoreAdj)).catch((error: Error) => {
    if (programLog.verbosity >= 2) log.info({ error: error.message }, "oomScoreAdj stays as it is");
  });
  const part = new ReloadedPart(startProxy({ ...options, log }));
  const reread = options.reread && (() => reload(part, options));
  const ended = untilEnd(programLog, options.configFile, reread);
  await runPart(part, ended);
  log.info("stopped; what is programmed stays");
}

/**
 * What Services need is kept for long and grows little behind the first sync, where V8 would let the heap double and
 * more before it collects (docs/decisions/051-proxy-memory.md).
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--heap-growing-percent=50");
}

/**
 * Goes on with the configuration as it is now, in another mode too; one that is not right changes nothing.
 *
 * @throws FairleadError where that cannot begin: what is programmed stays, and the process has to end
 */
async function reload(part: ReloadedPart, options: ProxyProcessOptions): Promise<void> {
  const { log } = options.programLog;
  const read = await readAnew(options).catch((error: unknown) => {
    log.error({ error: messageOf(error) }, "the configuration stays as it was");
    return undefined;
  });
  if (!read) return;
  log.info({ mode: read.config.mode }, "the configuration was read anew");
  await part.replace(() => startProxy({ ...options, ...read, log }));
}

async function readAnew({ reread }: ProxyProcessOptions): Promise<Reread> {
  const read = await reread!();
  modeNameOf(read.config);
  return read;
}

/** Proxies. When it stops, what is programmed stays. */
export function startProxy(options: ProxyOptions): ReplaceablePart {
  const closes = new Closes();
  const servers = new Servers(systemClock);
  const stop = async (): Promise<void> => {
    await closes.all();
    await servers.close();
  };
  return {
    ready: begin(options, closes, servers),
    stop,
    handOver: async () => {
      await closes.all();
      return () => servers.drain();
    },
  };
}

async function begin(options: ProxyOptions, closes: Closes, servers: Servers): Promise<void> {
  const { config, nodeName, log } = options;
  const startedMs = performance.now();
  const modeName = modeNameOf(config);
  const metrics = new ProxyMetrics({ mode: modeName, now: () => systemClock.now() });
  const client = closes.own(clientOf(options, metrics));
  const nftables = closes.own(await RealNftables.open());
  const routing = closes.own(await openRouting());
  const events = new ApiEventRecorder(client, { component: "kube-proxy", host: nodeName, clock: systemClock });
  closes.add(() => events.stop(eventsGraceMs));
  const families = familiesOfKernel();
  const opened = await openMode(modeName, {
    config,
    families,
    nftables,
    routing,
    report: metrics,
    closes,
    servers,
    log,
  });
  const { mode } = opened;
  if (opened.relay) registerRelayMetrics(metrics.registry, opened.relay);
  log.info({ node: nodeName, mode: modeName, families, server: client.server }, "starting");
  const around = closes.own(
    await ProxyAround.open({
      config,
      mode,
      nodeName,
      families,
      metrics,
      frontendCounts: () => agent.frontendCounts(),
      events,
      log,
      mustSetKernel: options.mustSetKernel ?? false,
    }),
  );
  const { observer } = around;
  const agent: ProxyAgent = new ProxyAgent({
    client,
    mode,
    routing,
    config,
    nodeName,
    families,
    clock: systemClock,
    log,
    observer,
  });
  closes.add(() => agent.stop());
  const node = { apiVersion: "v1", kind: "Node", metadata: { name: nodeName, uid: nodeName } };
  await around.start();
  if (closes.isOver) return;
  events.event(node, "Normal", "Starting", "");
  await agent.start();
  if (closes.isOver) return;
  log.info({ startupMs: Math.round(performance.now() - startedMs) }, "programmed");
  const ipvsMode = modeName === "ipvs" ? undefined : await openIpvsModePorts(routing, closes);
  // A part that is stopped meanwhile (SIGHUP) closes the ports of both, which is no fault: the one behind it looks again.
  const complain = (error: unknown, what: string): void => {
    if (!closes.isOver) log.error({ error: messageOf(error) }, what);
  };
  const seen = await settleOtherModes(opened, { nftables, ipvsMode }, log).catch((error: unknown) => {
    complain(error, "cannot remove what another mode has left");
    return undefined;
  });
  const ports = { nftables, iptables: opened.others, ipvsMode };
  await settleKubeProxy(ports, seen, options, (...event) => events.event(node, ...event)).catch((error: unknown) => {
    complain(error, "cannot look for what kube-proxy has left, or remove it");
  });
}

function clientOf({ config, master }: ProxyOptions, { requests }: ProxyMetrics): HttpClient {
  const { kubeconfig } = config.clientConnection;
  return countedClient(
    {
      ...(kubeconfig === "" ? {} : { kubeconfig }),
      ...(master === undefined ? {} : { server: master }),
      userAgent: `kube-proxy/fairlead-${packageVersion()}`,
      pickList: (list, paths) => native().pickJsonList(list, paths),
    },
    requests,
  );
}

/** Removes what this proxy has programmed. */
export async function cleanUp({ log }: ProgramLog): Promise<void> {
  const closes = new Closes();
  try {
    const nftables = closes.own(await RealNftables.open());
    await removeAllModes(nftables, await openIpvsModePorts(closes.own(await openRouting()), closes));
    log.info("removed what Fairlead's proxy had programmed");
  } finally {
    await closes.all();
  }
}

/** @returns what was seen that is not ours. @throws FairleadError where the kernel, or iptables, refuses */
async function settleOtherModes(opened: OpenedMode, ports: RemovalPorts, log: ProgramLog["log"]): Promise<Seen> {
  const { removed, seen } = await removeOtherModes(opened, ports);
  if (removed.length > 0) log.info({ removed }, "removed what another mode had left");
  return seen;
}

/** Says what there is of kube-proxy's, and removes it where that was asked for: never before ours serves. */
async function settleKubeProxy(
  ports: TakeoverPorts,
  seen: Seen | undefined,
  { takeover, log }: ProxyOptions,
  event: (type: EventType, reason: string, message: string) => void,
): Promise<void> {
  const found = await findKubeProxy(ports, seen);
  if (found.length === 0) return;
  const what = found.join(", ");
  if (!takeover) {
    const message = `kube-proxy has left rules on this node: ${what}; --takeover removes them`;
    event("Warning", "KubeProxyRulesFound", message);
    return log.warn({ found }, message);
  }
  const left = await removeKubeProxy(ports);
  event("Normal", "KubeProxyRulesRemoved", `removed what kube-proxy had left on this node: ${what}`);
  log.info({ found }, "removed what kube-proxy had left");
  if (left.length > 0) log.warn({ left }, "this is left of kube-proxy: 'kube-proxy --cleanup' removes it");
}

/** Where nobody has used ipsets or IPVS, asking for them would load them. */
async function openIpvsModePorts(routing: RoutingPort, closes: Closes): Promise<IpvsModePorts> {
  const ipset = existsSync("/sys/module/ip_set") ? closes.own(await openIpset()) : undefined;
  const ipvs = existsSync("/sys/module/ip_vs") ? await openIpvs() : undefined;
  return { routing, ipset, ipvs: ipvs && closes.own(ipvs) };
}

/** A kernel without IPv6 has no such file (upstream: platformCheckSupported). */
function familiesOfKernel(): readonly IpFamily[] {
  return existsSync("/proc/net/if_inet6") ? ["IPv4", "IPv6"] : ["IPv4"];
}
