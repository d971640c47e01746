/** The network agent's life as a process: from its start to the signal that ends it. */
import os from "node:os";
import { renderConflist } from "../../cni/conflist.ts";
import { removeConflist, writeConflist } from "../../cni/install.ts";
import { serveCni } from "../../cni/server.ts";
import type { Client } from "../api/client.ts";
import { HttpClient } from "../api/http/http_client.ts";
import type { NetworkConfiguration } from "../config/network.ts";
import { openBpf } from "../kernel/real/bpf.ts";
import { openGenericNetlink } from "../kernel/real/generic_netlink.ts";
import { namespaces } from "../kernel/real/namespaces.ts";
import { RealNftables } from "../kernel/real/nftables.ts";
import { openRouting } from "../kernel/real/routing.ts";
import { openSysctl } from "../kernel/real/sysctl.ts";
import type { ProgramLog } from "../log/log.ts";
import { parseIp } from "../model/address.ts";
import { familyOfIp } from "../model/cidr.ts";
import { NetworkAgent, type Announcement } from "../network/agent.ts";
import { removeFastPath } from "../network/fast_path/fast_path.ts";
import { HostPortTable } from "../network/host_port_table.ts";
import { SourceGuard } from "../network/links/source_guard.ts";
import { removeMasquerade } from "../network/masquerade/masquerade.ts";
import { removeOverlay } from "../network/overlay/cleanup.ts";
import { perFamily } from "../network/overlay/decode.ts";
import { offloadFor } from "../network/overlay/offload.ts";
import type { OverlayOptions } from "../network/overlay/state.ts";
import { PrometheusMetrics } from "../network/prometheus.ts";
import { HttpListener, routes } from "../http/listener.ts";
import { systemClock } from "../reconcile/clock.ts";
import { openAbandoned } from "./abandoned.ts";
import { openFastPath } from "./pod_fast_path.ts";
import { packageVersion } from "./package_version.ts";
import { Closes, runPart, type RunningPart } from "./part.ts";
import { openPodNetwork, type OpenPodNetwork } from "./pod_network.ts";

export interface NetworkOptions {
  readonly config: NetworkConfiguration;
  readonly nodeName: string;
  readonly log: ProgramLog["log"];
  /** Default: one of its own, by the configuration. */
  readonly client?: Client & { readonly server: string };
}

/** Serves pods. When it stops, pods and what leads to them stay. */
export function startNetwork(options: NetworkOptions): RunningPart {
  const closes = new Closes();
  return { ready: begin(options, closes), stop: () => closes.all() };
}

/**
 * Serves pods until SIGTERM or SIGINT.
 *
 * @throws FairleadError where it cannot begin
 */
export async function runNetwork(options: NetworkOptions): Promise<void> {
  const { log } = options;
  const ended = untilSignal((signal) => log.info({ signal }, "stopping"));
  await runPart(startNetwork(options), ended);
  log.info("stopped; pods run on");
}

function clientOf({ clientConnection: { kubeconfig } }: NetworkConfiguration): HttpClient {
  return new HttpClient({
    ...(kubeconfig === "" ? {} : { kubeconfig }),
    userAgent: `fairlead-network/${packageVersion()}`,
  });
}

async function begin(options: NetworkOptions, closes: Closes): Promise<void> {
  const { config, nodeName, log } = options;
  const client = options.client ?? closes.own(clientOf(config));
  const metrics = new PrometheusMetrics();
  const fastPath = await openFastPath({
    config,
    routing: closes.own(await openRouting()),
    pods: () => pods.network.attached(),
    metrics,
    log,
  });
  const agent = new NetworkAgent({
    client,
    nodeName,
    overlay: overlayOptions(config),
    masquerade: {
      enabled: config.ipMasq.enabled,
      clusterCidrs: config.clusterCIDRs,
      exclusions: config.ipMasq.nonMasqueradeCIDRs,
    },
    mtu: config.mtu === 0 ? undefined : config.mtu,
    routing: closes.own(await openRouting()),
    nftables: closes.own(await RealNftables.open()),
    generic: closes.own(await openGenericNetlink()),
    sysctl: openSysctl(),
    announcement: announcementOf(config),
    clock: systemClock,
    log,
    onOverlay: ({ tunnelEnds }): Promise<void> => {
      fastPath?.changed();
      return pods.network.setTunnelEnds(tunnelEnds);
    },
    onError: (part) => metrics.failed(part),
  });
  closes.add(() => agent.stop());
  const pods: OpenPodNetwork = closes.own(
    await openPodNetwork({
      stateDir: config.stateDir,
      metrics,
      podCidrs: () => agent.podCidrs,
      excluded: config.reserved,
      mtu: () => agent.podMtu,
      notReady: () => agent.notReady,
      ...(config.overlay.mode === "host-gw" ? {} : { tunnelPort: config.overlay.port }),
      onLinks: () => fastPath?.changed(),
    }),
  );
  await pods.network.restore();
  closes.add(() => fastPath?.stop());
  fastPath?.start();
  // From here on the plugin is answered, with the truth: not before what was there is known.
  const cni = await serveCni({ network: pods.network, namespaces, socketPath: config.cni.socket });
  closes.add(() => cni.stop());
  const abandoned = openAbandoned({
    config,
    network: pods.network,
    cni,
    routing: closes.own(await openRouting()),
    closes,
    metrics,
    log,
  });
  closes.add(() => abandoned.stop());
  abandoned.start();
  metrics.follow({
    agent,
    addressesInUse: () => pods.network.addressesInUse,
    attachments: () => pods.network.attached().length,
    load: () => cni.load,
    fastPath,
  });
  const { metricsBindAddress } = config;
  if (metricsBindAddress) closes.own(await HttpListener.open(metricsBindAddress, handlerOf(metrics, agent)));
  log.info({ node: nodeName, mode: config.overlay.mode, server: client.server, socket: config.cni.socket }, "starting");
  if (closes.isOver) return;
  await agent.start();
  if (closes.isOver) return;
  log.info({ node: nodeName }, "started");
}

function handlerOf({ registry }: PrometheusMetrics, agent: NetworkAgent) {
  return routes({
    "/metrics": async () => ({ code: 200, body: await registry.metrics(), contentType: registry.contentType }),
    // It lives as long as it answers; what it waits for does not get better by a restart.
    "/healthz": () => ({ code: 200, body: "ok" }),
    "/readyz": () => (agent.notReady === undefined ? { code: 200, body: "ok" } : { code: 503, body: agent.notReady }),
  });
}

function overlayOptions({ overlay, nodeIPs }: NetworkConfiguration): OverlayOptions {
  const { mode, vni, port, linkName, checksumOffload } = overlay;
  const ips = nodeIPs.map((text) => parseIp(text)!);
  const nodeIps = perFamily((family) => ips.find((ip) => familyOfIp(ip) === family));
  const offload = checksumOffload === "auto" ? offloadFor(os.release()) : checksumOffload === "on";
  return { mode, vni, port, linkName, nodeIps, ...(offload === undefined ? {} : { checksumOffload: offload }) };
}

function announcementOf({ cni }: NetworkConfiguration): Announcement {
  const { confDir, confName, networkName: name, podLinks: mode, socket, chained } = cni;
  if (!cni.writeConflist) return { write: () => Promise.resolve(), remove: () => Promise.resolve() };
  const text = renderConflist({ name, plugin: { mode, socket }, chained });
  return {
    write: async () => void (await writeConflist(confDir, text, confName)),
    remove: async () => void (await removeConflist(confDir, confName)),
  };
}

/** Removes what the agent made for the node. Pods' links go with them: the runtime takes them away. */
export async function cleanUp(config: NetworkConfiguration, { log }: ProgramLog): Promise<void> {
  const [routing, nftables] = [await openRouting(), await RealNftables.open()];
  try {
    await announcementOf(config).remove();
    await removeOverlay(routing, config.overlay);
    await removeMasquerade(nftables);
    await removeFastPath(openBpf(), routing);
    for (const family of ["inet", "bridge"] as const) await new SourceGuard(nftables, family, () => []).remove();
    const hostPorts = await HostPortTable.open(nftables, routing);
    await hostPorts.settle();
    hostPorts.close();
    log.info("removed the overlay, masquerading, tables, the fast path and the configuration list");
  } finally {
    routing.close();
    nftables.close();
  }
}

/** Resolves at the first signal; a second one ends the process. */
function untilSignal(onSignal: (signal: string) => void): Promise<void> {
  return new Promise((resolve) => {
    let isEnding = false;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        if (isEnding) process.exit(1);
        isEnding = true;
        onSignal(signal);
        resolve();
      });
    }
  });
}
