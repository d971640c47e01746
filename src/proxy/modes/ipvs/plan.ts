/** What the kernel holds and what it should hold → stages, which are carried out in their order. Pure. */
import type { Ipset } from "../../../kernel/netlink/ipset/set.ts";
import type { IpsetStep } from "../../../kernel/netlink/ipset/step.ts";
import {
  familyOfKey,
  serviceName,
  type IpvsServiceKey,
  type IpvsServiceWithDestinations,
} from "../../../kernel/netlink/ipvs/service.ts";
import type { IpvsStep } from "../../../kernel/netlink/ipvs/step.ts";
import type { IpAddress } from "../../../model/address.ts";
import { holds, parseCidr } from "../../../model/cidr.ts";
import { Edits, fixChain, insertMissing, isSame, type Section } from "../shared/iptables_edits.ts";
import type { ObservedTables } from "../shared/iptables_saved.ts";
import type { IpvsOptions } from "./options.ts";
import type { Ruleset } from "./ruleset.ts";
import { ServerSteps } from "./server_steps.ts";
import { definitions, memberKey, type Member } from "./sets.ts";
import { fixedChains, jumps } from "./table.ts";

export type Stage =
  | { readonly what: "sets"; readonly steps: readonly IpsetStep[] }
  | { readonly what: "rules"; readonly sections: readonly Section[] }
  | { readonly what: "servers"; readonly steps: readonly IpvsStep[] }
  /** This machine gets the addresses, or gives them up. */
  | { readonly what: "bind" | "unbind"; readonly addresses: readonly IpAddress[] };

export interface Observed {
  /** Those of a kube-proxy's names are enough. */
  readonly sets: readonly Ipset[];
  readonly tables: ObservedTables;
  readonly servers: readonly IpvsServiceWithDestinations[];
  /** Addresses that this machine has for Services, of any family. */
  readonly addresses: readonly IpAddress[];
}

/** What changes, sorted by when it may: sets before the addresses that they guard, those behind their servers. */
class Changes {
  readonly servers = new ServerSteps();
  readonly creations: IpsetStep[] = [];
  readonly bound: IpAddress[] = [];
  readonly unbound: IpAddress[] = [];
  rules: readonly Section[] = [];
  readonly #added = new Map<string, Member[]>();
  readonly #removed = new Map<string, Member[]>();

  add(member: Member): void {
    push(this.#added, member);
  }

  remove(member: Member): void {
    push(this.#removed, member);
  }

  get stages(): readonly Stage[] {
    const { servers, creations, rules: sections, bound, unbound } = this;
    const stages: readonly Stage[] = [
      { what: "sets", steps: [...creations, ...elementSteps("add", this.#added)] },
      { what: "rules", sections },
      { what: "servers", steps: servers.coming },
      { what: "bind", addresses: bound },
      { what: "unbind", addresses: unbound },
      { what: "servers", steps: servers.going },
      { what: "sets", steps: elementSteps("remove", this.#removed) },
    ];
    return stages.filter((stage) => lengthOf(stage) > 0);
  }
}

/** Elements of one step: more would be a message that the kernel works on for long. */
const stepLength = 500;

function push(sets: Map<string, Member[]>, member: Member): void {
  const found = sets.get(member.set);
  if (found) found.push(member);
  else sets.set(member.set, [member]);
}

function elementSteps(verb: "add" | "remove", sets: ReadonlyMap<string, readonly Member[]>): readonly IpsetStep[] {
  return [...sets].flatMap(([set, members]) => {
    const steps: IpsetStep[] = [];
    for (let from = 0; from < members.length; from += stepLength) {
      steps.push({ verb, set, elements: members.slice(from, from + stepLength).map(({ element }) => element) });
    }
    return steps;
  });
}

export function lengthOf(stage: Stage): number {
  if ("sections" in stage) return stage.sections.reduce((sum, { lines }) => sum + lines.length, 0);
  return "addresses" in stage ? stage.addresses.length : stage.steps.length;
}

/** What changed since the kernel last held what was wanted; nothing else is looked at. Bit by bit. */
export function* planChanges(ruleset: Ruleset): Generator<void, readonly Stage[], void> {
  yield* ruleset.refresh();
  const changes = new Changes();
  const { servers, members, addresses, programmed } = ruleset.takeChanges();
  if (programmed === undefined) throw new TypeError("nobody knows what the kernel holds");
  changes.rules = changedRules(programmed, ruleset.options);
  for (const { before, after } of members) {
    if (after && !before) changes.add(after);
    else if (before && !after) changes.remove(before);
    yield;
  }
  for (const { before, after } of servers) {
    changes.servers.change(before, after, ruleset.ending);
    yield;
  }
  for (const { before, after } of addresses) {
    if (after && !before) changes.bound.push(after);
    else if (before && !after) changes.unbound.push(before);
  }
  return changes.stages;
}

function changedRules(programmed: IpvsOptions, options: IpvsOptions): readonly Section[] {
  if (programmed === options) return [];
  const edits = new Edits();
  const before = fixedChains(programmed);
  fixedChains(options).forEach(({ table, chain, rules }, i) => {
    if (!isSame(rules, before[i]!.rules)) edits.of(table).write(chain, rules);
  });
  return edits.sections;
}

/**
 * Everything against what was observed: at the start, and after anything that nobody understands. What is right already is
 * left as it is; of others' is touched what upstream touches: every virtual server of the family that excludeCIDRs does not
 * name, and what bears a name of kube-proxy's. Bit by bit.
 */
export function* planAll(ruleset: Ruleset, observed: Observed): Generator<void, readonly Stage[], void> {
  yield* ruleset.refresh();
  // What changes while all is planned goes with the next changes.
  ruleset.takeChanges();
  const changes = new Changes();
  const { options } = ruleset;
  yield* planSets(changes, ruleset, observed.sets);
  const edits = new Edits();
  for (const fixed of fixedChains(options)) fixChain(edits, fixed, observed.tables);
  insertMissing(edits, jumps(), observed.tables);
  changes.rules = edits.sections;
  yield* planServers(changes, ruleset, observed.servers);
  const there = new Set(observed.addresses.filter((address) => address.includes(":") === (options.family === "IPv6")));
  for (const [, address] of ruleset.addresses.entries()) {
    if (!there.delete(address)) changes.bound.push(address);
    yield;
  }
  for (const address of there) changes.unbound.push(address);
  return changes.stages;
}

function* planSets(changes: Changes, { options, members }: Ruleset, observed: readonly Ipset[]): Generator<void> {
  const wanted = definitions(options.family);
  const found = new Map(observed.map((set) => [set.name, set]));
  for (const [set, definition] of wanted) {
    if (!found.has(set)) changes.creations.push({ verb: "create", set, definition });
  }
  const there = new Map<string, Member>();
  for (const { name: set, elements } of observed) {
    if (!wanted.has(set)) continue;
    for (const element of elements) {
      there.set(memberKey({ set, element }), { set, element });
      yield;
    }
  }
  for (const [key, member] of members.entries()) {
    if (!there.delete(key)) changes.add(member);
    yield;
  }
  for (const member of there.values()) changes.remove(member);
}

function* planServers(
  changes: Changes,
  { options, servers, ending }: Ruleset,
  observed: readonly IpvsServiceWithDestinations[],
): Generator<void> {
  const isOurs = ownServers(options.family, options.excludeCidrs);
  const there = new Map(observed.filter(({ key }) => isOurs(key)).map((server) => [serviceName(server.key), server]));
  ending.clear();
  for (const [name, server] of servers.entries()) {
    changes.servers.correct(there.get(name), server, ending);
    there.delete(name);
    yield;
  }
  for (const { key } of there.values()) changes.servers.delete(key, ending);
}

/** Virtual servers that are this proxy's to change. Those of a mark are never a Service's. */
export function ownServers(
  family: Ruleset["options"]["family"],
  excludeCidrs: readonly string[],
): (key: IpvsServiceKey) => boolean {
  const excluded = excludeCidrs.flatMap((text) => parseCidr(text) ?? []);
  return (key) => {
    if ("mark" in key || familyOfKey(key) !== (family === "IPv4" ? "ip" : "ip6")) return false;
    return !excluded.some((cidr) => holds(cidr, key.address));
  };
}
