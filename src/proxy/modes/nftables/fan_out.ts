/**
 * Fan-out chains: each is shared by all frontends with as many backends, so that no Service has a chain of
 * its own. A random index below that number and the frontend's key find the backend in one look-up.
 */
import { part, register } from "../../../kernel/netlink/nftables/data.ts";
import type { Expression } from "../../../kernel/netlink/nftables/expressions/index.ts";
import type { NftChain } from "../../../kernel/netlink/nftables/state.ts";
import type { IpFamily } from "../../../model/service.ts";
import type { Masquerade } from "../../derive/frontends.ts";
import {
  cameBy,
  changeMark,
  header,
  loadAddress,
  loadPort,
  loadProtocol,
  lookupData,
  sourceIn,
  type Expressions,
} from "./match.ts";
import type { LocalDetector, NftablesOptions } from "./options.ts";
import { keyRegisters, setNames, type KeyForm, type Scope } from "./sets.ts";

export interface FanOut {
  readonly form: KeyForm;
  readonly scope: Scope;
  readonly masquerade: Masquerade;
  /** Backends: at least one. */
  readonly count: number;
  readonly affinitySeconds: number | undefined;
}

export interface RuledChain {
  readonly chain: NftChain;
  readonly rules: readonly Expressions[];
}

/** "cluster-4", "local-nodeport-2-masquerade", "cluster-3-affinity-10800": what it does, for who reads the ruleset. */
export function fanOutName({ form, scope, masquerade, count, affinitySeconds }: FanOut): string {
  const name = `${scope}${form === "nodePort" ? "-nodeport" : ""}-${count}`;
  const masqueraded = { never: "", always: "-masquerade", "off-cluster": "-masquerade-off-cluster" }[masquerade];
  return `${name}${masqueraded}${affinitySeconds === undefined ? "" : `-affinity-${affinitySeconds}`}`;
}

export function fanOutChain(fanOut: FanOut, options: NftablesOptions): RuledChain {
  const { affinitySeconds } = fanOut;
  const balance =
    affinitySeconds === undefined
      ? [balanced(fanOut, options.family)]
      : affine(fanOut, affinitySeconds, options.family);
  return { chain: { name: fanOutName(fanOut) }, rules: [...masqueradeRules(fanOut.masquerade, options), ...balance] };
}

function masqueradeRules(
  masquerade: Masquerade,
  { family, local, masqueradeMark }: NftablesOptions,
): readonly Expressions[] {
  const mark = changeMark(masqueradeMark, true);
  if (masquerade === "always") return [mark];
  if (masquerade === "never" || local.mode === "none") return [];
  return [[...isFromPod(family, local, false), ...mark]];
}

/** Whether the source is one of the cluster's pods, as far as the configuration can tell. */
export function isFromPod(family: IpFamily, local: Exclude<LocalDetector, { mode: "none" }>, is: boolean): Expressions {
  if (local.mode === "cidr") return sourceIn(family, local.cidr, is);
  return local.mode === "BridgeInterface" ? cameBy(local.name, false, is) : cameBy(local.prefix, true, is);
}

/** Loads a frontend's key. @param at index of its first register */
export function loadFrontend(family: IpFamily, form: KeyForm, at: number): Expressions {
  const after = at + (form === "address" ? header[family].registers : 0);
  const address = form === "address" ? [loadAddress(family, "destination", at)] : [];
  return [...address, loadProtocol(after), loadPort(after + 1)];
}

function balanced({ form, scope, count }: FanOut, family: IpFamily): Expressions {
  const index = keyRegisters(family, form);
  return [
    ...loadFrontend(family, form, 0),
    anyBelow(count, index),
    lookupData(setNames[form][scope], 0, index),
    translate(family, index),
  ];
}

function anyBelow(count: number, at: number): Expression {
  const dreg = register(at);
  if (count === 1) return { expr: "immediate", dreg, data: { value: part.host32(0) } };
  return { expr: "numgen", dreg, modulus: count, type: "random" };
}

/** DNAT to the address and port that stand in registers from `at` on. */
function translate(family: IpFamily, at: number): Expression {
  const regProtoMin = register(at + header[family].registers);
  return { expr: "nat", type: "dnat", family: family === "IPv4" ? "ip" : "ip6", regAddrMin: register(at), regProtoMin };
}

/** Registers: client, frontend's key, the backend's number, its address and port. */
function affine({ form, scope, count }: FanOut, seconds: number, family: IpFamily): readonly Expressions[] {
  const frontend = header[family].registers;
  const number = frontend + keyRegisters(family, form);
  const { [`${scope}Affinity` as const]: affinity, [`${scope}Affine` as const]: endpoints } = setNames[form];
  const key = [loadAddress(family, "source", 0), ...loadFrontend(family, form, frontend)];
  const remember = { expr: "dynset", setName: affinity, sregKey: register(0), sregData: register(number) } as const;
  const find = lookupData(setNames.numbered, number, number + 1);
  const refresh = { ...remember, op: "update", timeoutMs: seconds * 1000 } as const;
  const go = translate(family, number + 1);
  const remembered = [...key, lookupData(affinity, 0, number), ...namedInListings(number)];
  const chosen = [
    ...key,
    anyBelow(count, number),
    lookupData(endpoints, frontend, number),
    ...namedInListings(number),
    find,
  ];
  return [
    [...remembered, find, refresh, go],
    // What is remembered is gone. An update would refresh it as it is (net/netfilter/nft_dynset.c): away with it.
    // (The kernel wants to know where a map's data is, even to delete.)
    [...remembered, { ...remember, op: "delete" }],
    [...chosen, refresh, go],
    // A set that takes no more (it is full, or just growing) ends the rule before, and must not end the service.
    [...chosen, go],
  ];
}

/**
 * nft (1.0.6) aborts where it lists a look-up, or an update, by what another look-up has found; by way of the
 * packet's priority it lists a meta expression. Rules of nat chains see a connection's first packet alone, and
 * the priority of one that is forwarded is set later (net/ipv4/ip_forward.c).
 */
function namedInListings(at: number): Expressions {
  return [
    { expr: "meta", key: "priority", sreg: register(at) },
    { expr: "meta", key: "priority", dreg: register(at) },
  ];
}
