/** Kernel parameters and timeouts that the ipvs mode needs (upstream: NewProxier), and whether the kernel can have the mode at all. */
import type { KubeProxyConfiguration } from "../../config/kube_proxy.ts";
import { FairleadError } from "../../errors/catalogue.ts";
import type { IpvsPort, SysctlPort } from "../../kernel/ports.ts";
import type { IpvsService } from "../../kernel/netlink/ipvs/service.ts";
import type { IpAddress } from "../../model/address.ts";
import type { Setting } from "../conntrack/settings.ts";

type IpvsConfig = KubeProxyConfiguration["ipvs"];

/** @param release of the kernel: "6.1.0-18-amd64" */
export function ipvsSettings({ strictARP }: Pick<IpvsConfig, "strictARP">, release: string): readonly Setting[] {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
  const version = major * 1000 + minor;
  return [
    // IPVS leaves what it balances to conntrack, so that it can be masqueraded.
    { name: "net/ipv4/vs/conntrack", value: 1 },
    // From 4.1 on there is such a mode; from 5.9 on it delays no connection any more (kubernetes/kubernetes#93297).
    ...(version >= 4001 && version < 5009 ? [{ name: "net/ipv4/vs/conn_reuse_mode", value: 0 }] : []),
    { name: "net/ipv4/vs/expire_nodest_conn", value: 1 },
    { name: "net/ipv4/vs/expire_quiescent_template", value: 1 },
    { name: "net/ipv4/ip_forward", value: 1 },
    ...(strictARP
      ? [
          { name: "net/ipv4/conf/all/arp_ignore", value: 1 },
          { name: "net/ipv4/conf/all/arp_announce", value: 2 },
        ]
      : []),
  ];
}

/** Upstream's default. */
export function schedulerOf({ scheduler }: Pick<IpvsConfig, "scheduler">): string {
  return scheduler === "" ? "rr" : scheduler;
}

/** @throws FairleadError where the kernel refuses */
export async function applyIpvsSettings(config: IpvsConfig, release: string, sysctl: SysctlPort, ipvs: IpvsPort) {
  for (const { name, value } of ipvsSettings(config, release)) {
    if ((await sysctl.read(name)) !== String(value)) await sysctl.write(name, String(value));
  }
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  const timeouts = {
    tcpSeconds: seconds(config.tcpTimeout),
    tcpFinSeconds: seconds(config.tcpFinTimeout),
    udpSeconds: seconds(config.udpTimeout),
  };
  // 0 leaves one as it is.
  if (Object.values(timeouts).some((value) => value > 0)) await ipvs.setTimeouts(timeouts);
}

const ENOENT = 2;
/** Of the documentation (RFC 5737), as upstream's probe. */
const probed = { address: "198.51.100.0" as IpAddress, port: 20_000, protocol: "tcp" } as const;

/** @throws FairleadError PROXY_MODE for a scheduler that this kernel has not; NETLINK_REFUSED */
export async function checkScheduler(ipvs: IpvsPort, scheduler: string): Promise<void> {
  if ((await ipvs.services()).some((service) => service.scheduler === scheduler)) return;
  const service: IpvsService = { key: probed, scheduler };
  const [refused] = await ipvs.apply([{ verb: "addService", service }]);
  if (refused?.errno === ENOENT) throw lacks(`scheduler ${scheduler}`, `ip_vs_${scheduler}`);
  if (refused) throw refused;
  await ipvs.apply([{ verb: "deleteService", service: probed }]);
}

/** What the kernel lacks for the mode. @param module that would bring it */
export function lacks(what: string, module: string): FairleadError {
  return new FairleadError("PROXY_MODE", {
    subject: '"ipvs"',
    reason: `this kernel has no ${what}, and cannot load the module ${module}`,
  });
}
