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
  isToOthers,
  isTranslated,
  loadAddress,
  lookup,
  lookupVerdict,
  verdict,
  type Expressions,
} from "./match.ts";
import type { NftablesOptions } from "./options.ts";
import { setNames, type KeyForm } from "./sets.ts";

export const tableName = "fairlead";

export const chainNames = {
  externalLocal: "external-local",
  externalLocalNodePort: "external-local-nodeport",
  checkSource: "check-source",
  admitted: "admitted",
  reject: "reject",
  masquerade: "masquerade",
} as const;

/** NF_IP_PRI_NAT_DST and NF_IP_PRI_NAT_SRC (linux/netfilter_ipv4.h). */
const destinationNat = -100;
const sourceNat = 100;

/**
 * All base chains are of type nat: they see a connection's first packet, and those that follow cost nothing. What is
 * refused is refused there too: a connection that never began has no other packet (docs/decisions/055-nat-chains-alone.md).
 *
 * @returns in an order in which a chain stands before those that jump to it
 */
export function fixedChains(options: NftablesOptions): readonly RuledChain[] {
  const nat = (name: string, hook: NftBase["hook"], priority: number, ...rules: Expressions[]): RuledChain => ({
    chain: { name, base: { type: "nat", hook, priority } },
    rules,
  });
  const toServices = frontendRules(options.family);
  return [
    ...helpers(options),
    nat("prerouting", "prerouting", destinationNat, ...toServices, ...refusals(options, isToOthers)),
    nat("output", "output", destinationNat, ...exempt(options), ...toServices, ...refusals(options, [])),
    nat("postrouting", "postrouting", sourceNat, ...postrouting(options)),
  ];
}

/** Who serves Services itself must not be led to itself. */
function exempt({ exemptMark }: NftablesOptions): readonly Expressions[] {
  return exemptMark === undefined ? [] : [[...hasMark(exemptMark), verdict({ code: "accept" })]];
}

function helpers(options: NftablesOptions): readonly RuledChain[] {
  const { family } = options;
  const chain = (name: string, ...rules: Expressions[]): RuledChain => ({ chain: { name }, rules });
  return [
    chain(chainNames.reject, [refusal[family]]),
    chain(chainNames.masquerade, changeMark(options.masqueradeMark, false), [{ expr: "masq", flags: ["fullyRandom"] }]),
    chain(chainNames.admitted, [...loadFrontend(family, "address", 0), lookupVerdict(setNames.restricted, 0)]),
    chain(
      chainNames.checkSource,
      [
        ...loadFrontend(family, "address", 0),
        loadAddress(family, "source", header[family].registers + 2),
        lookup(setNames.sourceRanges, 0),
        goTo(chainNames.admitted),
      ],
      [drop],
    ),
    externalLocal(chainNames.externalLocal, "address", options),
    externalLocal(chainNames.externalLocalNodePort, "nodePort", options),
  ];
}

/** In both base chains themselves: a jump would be one more step of each connection. */
function frontendRules(family: IpFamily): readonly Expressions[] {
  const { address, nodePort, nodePortAddresses } = setNames;
  return [
    [...loadFrontend(family, "address", 0), lookupVerdict(address.frontends, 0)],
    [
      loadAddress(family, "destination", 0),
      lookup(nodePortAddresses, 0),
      ...loadFrontend(family, "nodePort", 0),
      lookupVerdict(nodePort.frontends, 0),
    ],
  ];
}

/** "Port unreachable": RFC 792, code 3; RFC 4443, code 4. */
const refusal: Readonly<Record<IpFamily, Expression>> = {
  IPv4: { expr: "reject", type: "icmp", icmpCode: 3 },
  IPv6: { expr: "reject", type: "icmp", icmpCode: 4 },
};

/**
 * A port that no Service has at a Service's address is refused; an address that no Service has is dropped.
 *
 * @param but what else must hold, at the end of each rule's match
 */
function refusals({ family, serviceCidrs }: NftablesOptions, but: Expressions): readonly Expressions[] {
  return [
    [loadAddress(family, "destination", 0), lookup(setNames.clusterIps, 0), ...but, goTo(chainNames.reject)],
    ...serviceCidrs.map((cidr) => [...destinationIn(family, cidr), ...but, drop]),
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
    // The look-up comes first: it costs about what the test costs, and hardly a packet passes it.
    [...pair, lookup(setNames.hairpins, 0), ...isTranslated, goTo(chainNames.masquerade)],
    [...hasMark(masqueradeMark), goTo(chainNames.masquerade)],
  ];
}
