/** What stands around the proxy's tables: health, metrics, conntrack, kernel parameters. */
import os from "node:os";
import { hostPort } from "../model/address.ts";
import { messageOf } from "../errors/message.ts";
import type { EventRecorder } from "../api/event_recorder.ts";
import type { KubeProxyConfiguration } from "../config/kube_proxy.ts";
import type { ConntrackPort } from "../kernel/ports.ts";
import { openConntrack } from "../kernel/real/conntrack.ts";
import { openConntrackHashSize } from "../kernel/real/conntrack_hash_size.ts";
import { openSysctl } from "../kernel/real/sysctl.ts";
import type { FrontendCount, IpFamily } from "../model/service.ts";
import type { AgentLog } from "../proxy/agent/agent.ts";
import type { ProxyMode } from "../proxy/agent/mode.ts";
import { joinObservers, type SyncObserver } from "../proxy/agent/observer.ts";
import { ProblemEvents } from "../proxy/agent/problem_events.ts";
import { allowLocalhostNodePorts, applySettings, readOnlySysFs } from "../proxy/conntrack/apply_settings.ts";
import { ConntrackCleaner } from "../proxy/conntrack/cleaner.ts";
import { ConntrackObserver } from "../proxy/conntrack/conntrack_observer.ts";
import { conntrackSettings, type Setting } from "../proxy/conntrack/settings.ts";
import { HealthObserver, NodeHealth } from "../proxy/health/health_observer.ts";
import { healthRoutes } from "../proxy/health/health_routes.ts";
import { ProxyHealth } from "../proxy/health/proxy_health.ts";
import { ServiceHealth } from "../proxy/health/service_health.ts";
import type { HttpHandler, ListenAddress } from "../http/listener.ts";
import { PersistentListener } from "../http/persistent.ts";
import { configz } from "../proxy/metrics/configz.ts";
import { MetricsObserver } from "../proxy/metrics/metrics_observer.ts";
import { metricsRoutes } from "../proxy/metrics/metrics_routes.ts";
import { registerProcessMetrics } from "../http/process_metrics.ts";
import type { ProxyMetrics } from "../proxy/metrics/proxy_metrics.ts";
import { systemClock as clock } from "../reconcile/clock.ts";

export interface ProxyAroundOptions {
  readonly config: KubeProxyConfiguration;
  /** The one that is used. */
  readonly mode: ProxyMode;
  readonly nodeName: string;
  readonly families: readonly IpFamily[];
  readonly metrics: ProxyMetrics;
  readonly frontendCounts: () => Promise<readonly FrontendCount[]>;
  readonly events: EventRecorder;
  readonly log: AgentLog;
  /** What the kernel refuses of conntrack's settings ends the proxy, as upstream's. */
  readonly mustSetKernel: boolean;
}

export class ProxyAround {
  /** For the agent. */
  readonly observer: SyncObserver;
  readonly #options: ProxyAroundOptions;
  readonly #conntrack: ConntrackPort;
  readonly #cleaner: ConntrackCleaner;
  readonly #services: ServiceHealth;
  /** Undefined: not asked for. */
  readonly #healthListener: PersistentListener | undefined;
  readonly #metricsListener: PersistentListener | undefined;

  private constructor(options: ProxyAroundOptions, conntrack: ConntrackPort) {
    const { config, mode, nodeName, families, metrics, events: recorder } = options;
    this.#options = options;
    this.#conntrack = conntrack;
    registerProcessMetrics(metrics.registry);
    this.#cleaner = new ConntrackCleaner(conntrack, {
      clock,
      onCleaned: (family, seconds, deleted) => metrics.conntrackCleaned(family, seconds, deleted),
      onError: this.#failed("cannot clean conntrack; it is tried again"),
    });
    const node = new NodeHealth();
    const timeoutMs = 2 * mode.section.syncPeriod;
    const health = new ProxyHealth({ now: () => clock.now(), timeoutMs, node: () => node.state });
    this.#services = new ServiceHealth({
      nodeName,
      clock,
      recorder,
      isProxyHealthy: () => health.isHealthy(),
      onError: this.#failed("cannot open a health-check node port; it is tried again"),
    });
    const { healthzBindAddress, metricsBindAddress } = config;
    this.#healthListener = this.#listener(
      healthzBindAddress,
      healthRoutes(health, (probe, code) => metrics.probed(probe, code)),
    );
    const { registry } = metrics;
    this.#metricsListener = this.#listener(
      metricsBindAddress,
      metricsRoutes({
        registry,
        mode: mode.name,
        configz: configz(config),
        frontendCounts: options.frontendCounts,
        serverCounts: mode.serverCounts,
      }),
    );
    const isEverywhere = mode.nodePortRanges.includes("all");
    this.observer = joinObservers([
      new MetricsObserver(metrics, families, clock.now()),
      new ConntrackObserver(this.#cleaner),
      new HealthObserver(health, this.#services, { families, nodeName, isEverywhere }),
      new ProblemEvents(recorder, (fields, message) => options.log.warn(fields, message)),
      node,
    ]);
  }

  static async open(options: ProxyAroundOptions): Promise<ProxyAround> {
    return new ProxyAround(options, await openConntrack());
  }

  /** @throws FairleadError LISTEN, with bindAddressHardFail; with mustSetKernel whatever the kernel refuses */
  async start(): Promise<void> {
    await this.#start(this.#healthListener, "FailedToStartProxierHealthcheck", "healthz server failed");
    await this.#start(this.#metricsListener, "FailedToStartMetricServer", "starting metrics server failed");
    await this.#setKernel();
  }

  /** What is programmed stays; nothing listens any more. */
  async close(): Promise<void> {
    await Promise.all([
      this.#healthListener?.close(),
      this.#metricsListener?.close(),
      this.#services.close(),
      this.#cleaner.close(),
    ]);
    this.#conntrack.close();
  }

  #listener(at: ListenAddress | undefined, handler: HttpHandler): PersistentListener | undefined {
    if (!at) return undefined;
    const address = hostPort(at.host ?? "", at.port);
    return new PersistentListener(at, handler, {
      clock,
      onError: this.#failed(`cannot listen on ${address}; it is tried again`),
    });
  }

  async #start(listener: PersistentListener | undefined, reason: string, words: string): Promise<void> {
    try {
      await listener?.start(this.#options.config.bindAddressHardFail);
    } catch (error) {
      this.#warnOfNode(reason, `${words}: ${messageOf(error)}`);
      throw error;
    }
  }

  /** Upstream ends at the first one that is refused, behind its listeners; a node in one process only says it. */
  async #setKernel(): Promise<void> {
    const { config, mode, log, mustSetKernel } = this.#options;
    const sysctl = openSysctl();
    const said = this.#failed("cannot set a kernel parameter");
    const refused = mustSetKernel ? fail : said;
    const settings = conntrackSettings(config.conntrack, os.cpus().length);
    const onWritten = (setting: Setting): void => log.info(setting, "set a kernel parameter");
    const result = await applySettings(settings, sysctl, openConntrackHashSize(), { onWritten, onRefused: refused });
    if (result.isSysFsReadOnly) this.#warnOfNode(readOnlySysFs.reason, readOnlySysFs.message);
    // 127.0.0.1 is translated nowhere else: others could reach what listens on loopback alone.
    if (mode.servesLocalhost) await allowLocalhostNodePorts(sysctl).catch(said);
  }

  #warnOfNode(reason: string, message: string): void {
    const { events, nodeName } = this.#options;
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: nodeName, uid: nodeName } };
    events.event(node, "Warning", reason, message);
  }

  #failed(what: string): (error: unknown) => void {
    return (error) => this.#options.log.warn({ error: messageOf(error) }, what);
  }
}

function fail(error: unknown): never {
  throw error;
}
