/** The proxy's modes on the real kernel: the one that the configuration names, and what the others have left. */
import type { KubeProxyConfiguration } from "../config/kube_proxy.ts";
import { FairleadError } from "../errors/catalogue.ts";
import { messageOf } from "../errors/message.ts";
import type { IptablesPort, NftablesPort, RelayPort, RoutingPort } from "../kernel/ports.ts";
import { iptablesVariants, iptablesVersion, openIptables } from "../kernel/real/iptables.ts";
import { removeLeftovers, removeOwnChains, removeOwnIpvs, removeTables } from "../proxy/agent/clean_up.ts";
import { iptablesMode } from "../proxy/agent/iptables_mode.ts";
import type { IptablesReport } from "../proxy/apply/iptables.ts";
import type { ProxyMode } from "../proxy/agent/mode.ts";
import { asksForLocalhost, withLocalhost, withoutLocalnet } from "../proxy/agent/localhost.ts";
import { nftablesMode } from "../proxy/agent/nftables_mode.ts";
import { relayListeners, relayMarkOf, userspaceMode } from "../proxy/agent/userspace_mode.ts";
import { detectVariant, hasRandomFully } from "../proxy/apply/iptables_variant.ts";
import { observeIpvsMode, removeIpvsMode, type IpvsModePorts } from "../proxy/takeover/ipvs_mode.ts";
import { kubeProxyChains } from "../proxy/takeover/plan.ts";
import type { ProgramLog } from "../log/log.ts";
import type { IpFamily } from "../model/service.ts";
import type { Seen } from "../proxy/takeover/takeover.ts";
import { systemClock } from "../reconcile/clock.ts";
import { openIpvsMode } from "./ipvs_mode.ts";
import type { Closes, Servers } from "./part.ts";
import { openLocalhostRelay, openUserspaceRelay } from "./relays.ts";

/** @throws FairleadError PROXY_MODE */
export function modeNameOf({ mode }: KubeProxyConfiguration): ProxyMode["name"] {
  if (mode === "auto") return "nftables";
  if (mode === "nftables" || mode === "iptables" || mode === "ipvs" || mode === "userspace") return mode;
  throw new FairleadError("PROXY_MODE", { subject: `"${mode}"`, reason: `field mode: ${mode} is not built yet` });
}

export interface OpenedMode {
  readonly mode: ProxyMode;
  /** Variants of iptables that it does not use. */
  readonly others: readonly IptablesPort[];
  /** The variant that it uses, in both families; none: it uses none. */
  readonly own: readonly IptablesPort[];
  /** Where one serves something. */
  readonly relay?: RelayPort;
}

export interface OpenModeOptions {
  readonly config: KubeProxyConfiguration;
  /** Those that the kernel has. */
  readonly families: readonly IpFamily[];
  readonly nftables: NftablesPort;
  readonly routing: RoutingPort;
  /** Of what upstream measures of iptables. */
  readonly report: IptablesReport;
  /** Owns what a mode opens for itself. */
  readonly closes: Closes;
  /** Owns what answers packets itself. */
  readonly servers: Servers;
  readonly log: ProgramLog["log"];
}

/** @throws FairleadError NATIVE_CALL where there is no iptables and the mode needs it */
export async function openMode(name: ProxyMode["name"], options: OpenModeOptions): Promise<OpenedMode> {
  // The userspace mode's own relay has them.
  if (name === "userspace" || !asksForLocalhost(options.config)) return openOnly(name, options);
  const opened = await openOnly(name, { ...options, config: withoutLocalnet(options.config) });
  const relay = await openLocalhostRelay(options);
  const mode = withLocalhost(opened.mode, relay, ({ protocol, listen }, error) =>
    options.log.warn(
      { error: messageOf(error) },
      `cannot serve node port ${listen!.port}/${protocol} at ${listen!.address}; it is tried again with the next change`,
    ),
  );
  return { ...opened, mode, relay };
}

async function openOnly(name: ProxyMode["name"], options: OpenModeOptions): Promise<OpenedMode> {
  const { config, nftables } = options;
  const none = { others: iptablesVariants, own: [] };
  if (name === "userspace") return { ...(await openUserspace(options)), ...none };
  if (name === "nftables") return { mode: nftablesMode(nftables, config, systemClock), ...none };
  const version = await iptablesVersion();
  const variant = await detectVariant(iptablesVariants, version);
  const iptables = { IPv4: openIptables("iptables", variant), IPv6: openIptables("ip6tables", variant) };
  const others = iptablesVariants.filter((port) => !port.name.endsWith(`-${variant}`));
  const parts = { ...options, iptables, randomFully: hasRandomFully(version) };
  const mode = name === "iptables" ? iptablesMode(parts) : await openIpvsMode(parts);
  return { mode, others, own: Object.values(iptables) };
}

/** @throws FairleadError NATIVE_CALL where the relay cannot be opened */
async function openUserspace(options: OpenModeOptions): Promise<Pick<OpenedMode, "mode" | "relay">> {
  const { config, families, nftables } = options;
  const relay = await openUserspaceRelay(relayMarkOf(config), relayListeners(families), options);
  return { mode: userspaceMode({ nftables, relay, config, clock: systemClock }), relay };
}

export interface RemovalPorts {
  readonly nftables: NftablesPort;
  /** Undefined where the ipvs mode serves. */
  readonly ipvsMode: IpvsModePorts | undefined;
}

/**
 * Behind the first sync: there is no moment in which nobody serves.
 *
 * @returns in words what was removed, and what was seen that is not ours
 * @throws FairleadError where the kernel, or iptables, refuses
 */
export async function removeOtherModes(
  { mode, others, own }: OpenedMode,
  { nftables, ipvsMode }: RemovalPorts,
): Promise<{ readonly removed: readonly string[]; readonly seen: Seen }> {
  const hasTables = mode.name === "nftables" || mode.name === "userspace";
  const tables = hasTables ? [] : await removeTables(nftables);
  const chains = await removeOwnChains(others);
  await removeLeftovers(own, mode.name === "ipvs" ? "iptables" : "ipvs");
  const ipvs = ipvsMode && (await removeOwnIpvs(ipvsMode));
  const removed = [...tables, ...chains.removed, ...(ipvs?.removed ?? [])];
  return { removed, seen: { variants: chains.others, ipvs: ipvs?.others } };
}

/** Removes what this proxy has programmed, in whatever mode. @throws FairleadError where the kernel refuses */
export async function removeAllModes(nftables: NftablesPort, ipvsMode: IpvsModePorts): Promise<void> {
  await removeTables(nftables);
  const { others } = await removeOwnChains(iptablesVariants);
  const remains = await observeIpvsMode(ipvsMode);
  // Its device, sets and servers bear the names of kube-proxy's, which never is without chains: where none is left, they are ours.
  const isAlone = others.every(({ saved }) => kubeProxyChains(saved).length === 0);
  if (remains.isOurs || isAlone) await removeIpvsMode(ipvsMode, remains);
}
