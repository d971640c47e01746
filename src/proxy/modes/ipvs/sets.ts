/** ipsets by which a constant number of rules knows all Services (upstream: ipsetInfo). */
import type { IpsetDefinition, IpsetElement } from "../../../kernel/netlink/ipset/set.ts";
import type { IpFamily } from "../../../model/service.ts";
import { setName, type SetName } from "./names.ts";

type SetType = "hash:ip" | "hash:ip,port" | "hash:ip,port,ip" | "hash:ip,port,net" | "bitmap:port";

/** In the order in which they are made. */
const types: Readonly<Record<SetName, SetType>> = {
  "KUBE-LOOP-BACK": "hash:ip,port,ip",
  "KUBE-CLUSTER-IP": "hash:ip,port",
  "KUBE-EXTERNAL-IP": "hash:ip,port",
  "KUBE-EXTERNAL-IP-LOCAL": "hash:ip,port",
  "KUBE-LOAD-BALANCER": "hash:ip,port",
  "KUBE-LOAD-BALANCER-LOCAL": "hash:ip,port",
  "KUBE-LOAD-BALANCER-FW": "hash:ip,port",
  "KUBE-LOAD-BALANCER-SOURCE-IP": "hash:ip,port,ip",
  "KUBE-LOAD-BALANCER-SOURCE-CIDR": "hash:ip,port,net",
  "KUBE-NODE-PORT-TCP": "bitmap:port",
  "KUBE-NODE-PORT-LOCAL-TCP": "bitmap:port",
  "KUBE-NODE-PORT-UDP": "bitmap:port",
  "KUBE-NODE-PORT-LOCAL-UDP": "bitmap:port",
  "KUBE-NODE-PORT-SCTP-HASH": "hash:ip,port",
  "KUBE-NODE-PORT-LOCAL-SCTP-HASH": "hash:ip,port",
  "KUBE-HEALTH-CHECK-NODE-PORT": "bitmap:port",
  "KUBE-IPVS-IPS": "hash:ip",
  "FAIRLEAD-NO-LOCAL": "hash:ip,port",
  "FAIRLEAD-NO-LOCAL-OUTSIDE": "hash:ip,port",
};

const names = Object.keys(types) as readonly SetName[];

/** Of both families. */
export const setNames: ReadonlySet<string> = new Set(
  names.flatMap((name) => [setName(name, "IPv4"), setName(name, "IPv6")]),
);

/** All sets of a family with what they are made as: upstream's sizes, so that its sets are taken as they are. */
export function definitions(family: IpFamily): ReadonlyMap<string, IpsetDefinition> {
  return new Map(names.map((name) => [setName(name, family), definition(types[name], family)]));
}

function definition(type: SetType, family: IpFamily): IpsetDefinition {
  if (type === "bitmap:port") return { type, portFrom: 0, portTo: 65_535 };
  return { type, family: family === "IPv4" ? "ip" : "ip6", hashSize: 1024, maxElements: 65_536 };
}

/** An element of a set. */
export interface Member {
  /** The set's name, of its family. */
  readonly set: string;
  readonly element: IpsetElement;
}

/** What tells it from others, listed by the kernel or wanted by us. */
export function memberKey({ set, element }: Member): string {
  const { ip = "", protocol = "", port = "", ip2 = "", cidr2 = "" } = element;
  // A set of networks has an address as a network of one.
  const isWhole = cidr2 === (ip2.includes(":") ? 128 : 32);
  return `${set} ${ip} ${set.includes("-NODE-PORT") && ip === "" ? "" : protocol} ${port} ${ip2} ${isWhole ? "" : cidr2}`;
}
