/** What an ipvs mode leaves beside its iptables chains: virtual servers, ipsets, and the device with Services' addresses. */
import type { Ipset } from "../../kernel/netlink/ipset/set.ts";
import type { IpvsServiceKey } from "../../kernel/netlink/ipvs/service.ts";
import type { Address } from "../../kernel/netlink/rtnetlink/address.ts";
import type { IpsetPort, IpvsPort, RoutingPort } from "../../kernel/ports.ts";
import { kubeProxyServers, kubeProxySets } from "./plan.ts";

export interface IpvsModePorts {
  readonly routing: RoutingPort;
  /** Undefined where the kernel has none loaded. */
  readonly ipset: IpsetPort | undefined;
  /** Undefined where the kernel has none loaded. */
  readonly ipvs: IpvsPort | undefined;
}

/** The device that holds Services' addresses, of kube-proxy's and ours. */
const ipvsDevice = "kube-ipvs0";

/** What there is of it, in words; empty: nothing. */
export async function findIpvsMode(ports: IpvsModePorts): Promise<readonly string[]> {
  const { servers, sets, device } = await observe(ports);
  return [
    ...(servers.length > 0 ? [`${servers.length} virtual servers of its ipvs mode`] : []),
    ...(sets.length > 0 ? [`${sets.length} ipsets of its ipvs mode`] : []),
    ...(device ? [`ipvs device ${ipvsDevice}`] : []),
  ];
}

/**
 * Removes it, once no rule asks its sets. Virtual servers bear no name: they are known by the device's addresses and the
 * sets' ports, so that those go last.
 *
 * @throws FairleadError where the kernel refuses
 */
export async function removeIpvsMode(ports: IpvsModePorts): Promise<void> {
  const { routing, ipset, ipvs } = ports;
  const { servers, sets, device } = await observe(ports);
  if (servers.length > 0) await ipvs!.apply(servers.map((service) => ({ verb: "deleteService", service })));
  if (sets.length > 0) await ipset!.apply(sets.map((set) => ({ verb: "destroy", set })));
  if (device) await routing.apply([{ verb: "delete", object: "link", value: { index: device.index } }]);
}

async function observe({ routing, ipset, ipvs }: IpvsModePorts) {
  const device = await routing.link({ name: ipvsDevice });
  const listed = (await ipset?.list()) ?? [];
  const names = kubeProxySets(listed.map(({ name }) => name));
  const sets = listed.filter(({ name }) => names.includes(name));
  const keys = ((await ipvs?.services()) ?? []).map(({ key }) => key);
  return { device, sets: names, servers: keys.length === 0 ? [] : await theirs(routing, device?.index, sets, keys) };
}

async function theirs(
  routing: RoutingPort,
  device: number | undefined,
  sets: readonly Ipset[],
  keys: readonly IpvsServiceKey[],
): Promise<readonly IpvsServiceKey[]> {
  const addresses = await routing.addresses();
  const addressesOf = (found: readonly Address[]) => new Set(found.map(({ local, address }) => local ?? address!));
  const onDevice = addresses.filter(({ index }) => index === device);
  return kubeProxyServers(keys, { device: addressesOf(onDevice), machine: addressesOf(addresses), sets });
}
