/** kube-proxy's names of chains and sets (pkg/proxy/ipvs), so that who knows its rules finds theirs. */
import type { IpFamily } from "../../../model/service.ts";
import { commonNames } from "../shared/iptables_chains.ts";

export const chainNames = {
  ...commonNames,
  nodePort: "KUBE-NODE-PORT",
  loadBalancer: "KUBE-LOAD-BALANCER",
  sourceRanges: "KUBE-SOURCE-RANGES-FIREWALL",
  ipvsFilter: "KUBE-IPVS-FILTER",
  ipvsOutFilter: "KUBE-IPVS-OUT-FILTER",
} as const;

/** Holds the addresses of Services, so that packets to them are for this machine. */
export const deviceName = "kube-ipvs0";

/** Most bytes of a set's name. */
const maxName = 31;

/** As upstream has them: both families' sets are there at the same time. @param name of IPv4's */
export function setName(name: SetName, family: IpFamily): string {
  return family === "IPv4" ? name : name.replace(/^(KUBE|FAIRLEAD)-/, "$1-6-").slice(0, maxName);
}

export type SetName =
  | "KUBE-LOOP-BACK"
  | "KUBE-CLUSTER-IP"
  | "KUBE-EXTERNAL-IP"
  | "KUBE-EXTERNAL-IP-LOCAL"
  | "KUBE-LOAD-BALANCER"
  | "KUBE-LOAD-BALANCER-LOCAL"
  | "KUBE-LOAD-BALANCER-FW"
  | "KUBE-LOAD-BALANCER-SOURCE-IP"
  | "KUBE-LOAD-BALANCER-SOURCE-CIDR"
  | "KUBE-NODE-PORT-TCP"
  | "KUBE-NODE-PORT-LOCAL-TCP"
  | "KUBE-NODE-PORT-UDP"
  | "KUBE-NODE-PORT-LOCAL-UDP"
  | "KUBE-NODE-PORT-SCTP-HASH"
  | "KUBE-NODE-PORT-LOCAL-SCTP-HASH"
  | "KUBE-HEALTH-CHECK-NODE-PORT"
  | "KUBE-IPVS-IPS"
  /** Ours: frontends that this node drops, for it has no endpoint of theirs and may send to no other. */
  | "FAIRLEAD-NO-LOCAL"
  /** Ours: the same for who comes from outside of the cluster. */
  | "FAIRLEAD-NO-LOCAL-OUTSIDE";
