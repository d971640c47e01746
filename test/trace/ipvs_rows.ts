/** Rows of the flow table that upstream's ipvs mode has otherwise, and what it has. */
import type { Expected, Flow, Pod, Scenario } from "./flows.ts";

const here: readonly Pod[] = ["one", "two"];

/** What the ipvs mode does with a flow. */
export function expectedOf({ spec }: Scenario, flow: Flow): Expected {
  const { expect } = flow;
  // KEP-3866 ("Functionality": differences to nftables): cluster IPs that no Service has are dropped by that mode alone.
  if (flow.to === "unallocated cluster IP") return "left alone";
  // pkg/proxy/ipvs/proxier.go, syncEndpoint: with externalTrafficPolicy Local a virtual server has this node's endpoints,
  // for clients inside as for those outside; all of the cluster's where this node has none. (Who comes from outside is
  // dropped then, as in every mode: upstream's answers are lost on their way.)
  if (spec?.externalTrafficPolicy !== "Local" || flow.to === "cluster IP" || typeof expect === "string") return expect;
  const local = expect.reaches.filter((pod) => here.includes(pod));
  return local.length > 0 ? { ...expect, reaches: local } : expect;
}
