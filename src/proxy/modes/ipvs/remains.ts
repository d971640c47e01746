/** Which of a machine's virtual servers are this mode's: its sets tell. Pure. */
import type { Ipset } from "../../../kernel/netlink/ipset/set.ts";
import type { IpvsServiceKey } from "../../../kernel/netlink/ipvs/service.ts";
import { setName } from "./names.ts";

/** Whether the sets are ours, and no kube-proxy's. */
export function isOurs(sets: readonly Ipset[]): boolean {
  const own = new Set((["IPv4", "IPv6"] as const).map((family) => setName("FAIRLEAD-NO-LOCAL", family)));
  return sets.some(({ name }) => own.has(name));
}

/** Servers of the frontends that stand in the sets. @param services all that there are */
export function serversOf(
  sets: readonly Ipset[],
  services: readonly { readonly key: IpvsServiceKey }[],
): readonly IpvsServiceKey[] {
  const frontends = new Set<string>();
  for (const { name, definition, elements } of sets) {
    const [, family, nodePorts] = /^KUBE-(6-)?NODE-PORT-(TCP|UDP)$/.exec(name) ?? [];
    for (const { ip, port, protocol } of elements) {
      if (nodePorts !== undefined) frontends.add(`${family ?? ""}${nodePorts.toLowerCase()} ${port}`);
      else if (definition.type === "hash:ip,port") frontends.add(`${protocol} ${ip} ${port}`);
    }
  }
  return services.flatMap(({ key }) => {
    if ("mark" in key) return [];
    const { address, port, protocol } = key;
    const family = address.includes(":") ? "6-" : "";
    return frontends.has(`${protocol} ${address} ${port}`) || frontends.has(`${family}${protocol} ${port}`)
      ? [key]
      : [];
  });
}
