/** Rows of the flow table that upstream's iptables mode has otherwise, and what it has. */
import type { Expected, Flow, Scenario } from "./flows.ts";

/** What the iptables mode does with a flow. */
export function expectedOf({ name }: Scenario, flow: Flow): Expected {
  // kubernetes/website, "Virtual IPs and Service Proxies", and KEP-3866 ("Functionality": differences to nftables): the
  // iptables mode neither refuses other ports of cluster IPs nor drops cluster IPs that no Service has.
  if (flow.to === "wrong port of the cluster IP" || flow.to === "unallocated cluster IP") return "left alone";
  // pkg/proxy/iptables/proxier.go, usesFWChain: source ranges are looked at where there are endpoints alone.
  if (name === "no endpoint refuses whatever source ranges and policies say") return "refused";
  return flow.expect;
}
