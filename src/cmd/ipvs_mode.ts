/** The ipvs mode on the real kernel: its ports, the kernel's parameters, and what is said where the kernel lacks it. */
import os from "node:os";
import type { KubeProxyConfiguration } from "../config/kube_proxy.ts";
import type { IptablesPort, RoutingPort } from "../kernel/ports.ts";
import { openIpset } from "../kernel/real/ipset.ts";
import { openIpvs } from "../kernel/real/ipvs.ts";
import { openSysctl } from "../kernel/real/sysctl.ts";
import type { ProgramLog } from "../log/log.ts";
import type { IpFamily } from "../model/service.ts";
import { ipvsMode } from "../proxy/agent/ipvs_mode.ts";
import type { ProxyMode } from "../proxy/agent/mode.ts";
import { applyIpvsSettings, checkScheduler, lacks, schedulerOf } from "../proxy/apply/ipvs_settings.ts";
import type { IpvsServersOptions } from "../proxy/apply/ipvs.ts";
import { openServiceAddresses } from "../proxy/apply/service_addresses.ts";
import { systemClock } from "../reconcile/clock.ts";
import type { Closes } from "./part.ts";

export interface IpvsModeParts {
  readonly config: KubeProxyConfiguration;
  readonly iptables: Readonly<Record<IpFamily, IptablesPort>>;
  readonly randomFully: boolean;
  readonly report: IpvsServersOptions["report"];
  readonly routing: RoutingPort;
  /** Owns the ports that are opened here. */
  readonly closes: Closes;
  readonly log: ProgramLog["log"];
}

/** @throws FairleadError PROXY_MODE for a kernel without IPVS or the scheduler; NATIVE_CALL, NETLINK_REFUSED */
export async function openIpvsMode(parts: IpvsModeParts): Promise<ProxyMode> {
  const { config, iptables, randomFully, report, routing, closes, log } = parts;
  const opened = await openIpvs();
  if (!opened) throw lacks("IPVS (CONFIG_IP_VS)", "ip_vs");
  const ipvs = closes.own(opened);
  await checkScheduler(ipvs, schedulerOf(config.ipvs));
  await applyIpvsSettings(config.ipvs, os.release(), openSysctl(), ipvs);
  const ipset = closes.own(await openIpset());
  const addresses = await openServiceAddresses(routing);
  const onLackingScheduler = (scheduler: string): void =>
    log.warn({ scheduler }, "this kernel lacks a scheduler that Services name; they are balanced by the common one");
  const ports = { ipvs, ipset, iptables, addresses };
  return ipvsMode({ ...ports, config, randomFully, report, clock: systemClock, onLackingScheduler });
}
