/** The chains that are there whatever Services there are. docs/packet-paths/nftables.md draws how packets go through them. */
import type { Expression } from "../../../kernel/netlink/nftables/expressions/index.ts";
import type { NftBase } from "../../../kernel/netlink/nftables/state.ts";
import type { IpFamily } from "../../../model/service.ts";
import { isFromPod, loadFrontend, type RuledChain } from "./fan_out.ts";
import {
  changeMark,
  destinationIn,
  drop,
  goTo,
  hasMark,
  header,
  isFromThisNode,
  isNew,
  isTranslated,
  jump,
  loadAddress,
  lookup,
  lookupVerdict,
  type Expressions,
} from "./match.ts";
import type { NftablesOptions } from "./options.ts";
import { setNames, type KeyForm } from "./sets.ts";

export const tableName = "fairlead";

export const chainNames = {
  /** Looks frontends up and translates. */
  services: "services",
  externalLocal: "external-local",
  externalLocalNodePort: "external-local-nodeport",
  checkSource: "check-source",
  withoutEndpoints: "without-endpoints",
  clusterIps: "cluster-ips",
  reject: "reject",
  masquerade: "masquerade",
} as const;

/** NF_IP_PRI_NAT_DST is -100: before it the destination is still the frontend, after it the backend. */
const beforeTranslation = -110;
const afterTranslation = -90;

/** @returns in an order in which a chain stands before those that jump to it */
export function fixedChains(options: NftablesOptions): readonly RuledChain[] {
  const { family } = options;
  const base = (name: string, hook: NftBase["hook"], priority: number, ...rules: Expressions[]): RuledChain => ({
    chain: { name, base: { type: "filter", hook, priority } },
    rules,
  });
  const nat = (name: string, hook: NftBase["hook"], priority: number, ...rules: Expressions[]): RuledChain => ({
    chain: { name, base: { type: "nat", hook, priority } },
    rules,
  });
  const checkSource = [...isNew, ...loadFrontend(family, "address", 0), lookupVerdict(setNames.restricted, 0)];
  const refuse = [
    [...isNew, jump(chainNames.withoutEndpoints)],
    [...isNew, jump(chainNames.clusterIps)],
  ];
  return [
    ...helpers(options),
    base("prerouting-filter", "prerouting", beforeTranslation, checkSource),
    base("output-filter", "output", beforeTranslation, checkSource),
    base("input", "input", 0, [...isNew, jump(chainNames.withoutEndpoints)]),
    base("forward", "forward", 0, ...refuse),
    base("output", "output", afterTranslation, ...refuse),
    nat("prerouting-nat", "prerouting", -100, [jump(chainNames.services)]),
    nat("output-nat", "output", -100, [jump(chainNames.services)]),
    nat("postrouting-nat", "postrouting", 100, ...postrouting(options)),
  ];
}

function helpers(options: NftablesOptions): readonly RuledChain[] {
  const { family } = options;
  const toNodePort = [loadAddress(family, "destination", 0), lookup(setNames.nodePortAddresses, 0)];
  const { address, nodePort } = setNames;
  const chain = (name: string, ...rules: Expressions[]): RuledChain => ({ chain: { name }, rules });
  return [
    chain(chainNames.reject, [refusal[family]]),
    chain(chainNames.masquerade, changeMark(options.masqueradeMark, false), [{ expr: "masq", flags: ["fullyRandom"] }]),
    chain(
      chainNames.withoutEndpoints,
      [...loadFrontend(family, "address", 0), lookupVerdict(address.withoutEndpoints, 0)],
      [...toNodePort, ...loadFrontend(family, "nodePort", 0), lookupVerdict(nodePort.withoutEndpoints, 0)],
    ),
    chain(chainNames.clusterIps, ...clusterIpRules(options)),
    chain(
      chainNames.checkSource,
      [
        ...loadFrontend(family, "address", 0),
        loadAddress(family, "source", header[family].registers + 2),
        lookup(setNames.sourceRanges, 0),
        verdictReturn,
      ],
      [drop],
    ),
    externalLocal(chainNames.externalLocal, "address", options),
    externalLocal(chainNames.externalLocalNodePort, "nodePort", options),
    chain(
      chainNames.services,
      [...loadFrontend(family, "address", 0), lookupVerdict(address.frontends, 0)],
      [...toNodePort, ...loadFrontend(family, "nodePort", 0), lookupVerdict(nodePort.frontends, 0)],
    ),
  ];
}

const verdictReturn: Expression = { expr: "immediate", dreg: 0, data: { verdict: { code: "return" } } };
/** "Port unreachable": RFC 792, code 3; RFC 4443, code 4. */
const refusal: Readonly<Record<IpFamily, Expression>> = {
  IPv4: { expr: "reject", type: "icmp", icmpCode: 3 },
  IPv6: { expr: "reject", type: "icmp", icmpCode: 4 },
};

/** A port that no Service has at a Service's address is refused; an address that no Service has is dropped. */
function clusterIpRules({ family, serviceCidrs }: NftablesOptions): readonly Expressions[] {
  return [
    [loadAddress(family, "destination", 0), lookup(setNames.clusterIps, 0), goTo(chainNames.reject)],
    ...serviceCidrs.map((cidr) => [...destinationIn(family, cidr), drop]),
  ];
}

/** externalTrafficPolicy Local: pods and this node itself go to the cluster's backends, others to this node's. */
function externalLocal(name: string, form: KeyForm, { family, local, masqueradeMark }: NftablesOptions): RuledChain {
  const inside = [...loadFrontend(family, form, 0), lookupVerdict(setNames[form].inside, 0)];
  const outside = [...loadFrontend(family, form, 0), lookupVerdict(setNames[form].outside, 0)];
  const pods = local.mode === "none" ? [] : [[...isFromPod(family, local, true), ...inside]];
  return {
    chain: { name },
    rules: [
      ...pods,
      // The source would be the frontend's own address, which is no way back from another node.
      [...isFromThisNode, ...changeMark(masqueradeMark, true)],
      [...isFromThisNode, ...inside],
      outside,
    ],
  };
}

/** A backend that is its own client must see another address, or it would answer itself directly. */
function postrouting({ family, masqueradeMark }: NftablesOptions): readonly Expressions[] {
  const { registers } = header[family];
  const pair = [loadAddress(family, "source", 0), loadAddress(family, "destination", registers)];
  return [
    [...isTranslated, ...pair, lookup(setNames.hairpins, 0), goTo(chainNames.masquerade)],
    [...hasMark(masqueradeMark), goTo(chainNames.masquerade)],
  ];
}
