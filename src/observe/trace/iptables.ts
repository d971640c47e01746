/**
 * Leads a connection's first packet through the tables of iptables as iptables-save prints them: pure. Where the kernel
 * draws whether a rule is a packet's, both ways are followed, each with its probability.
 */
import { destinationOf, matchRule, numbers, unknown, type Target } from "./iptables_rule.ts";
import type { Outcome } from "./nftables.ts";
import { begin, met, stepsOf, type NodeFacts, type TracedPacket, type Way } from "./packet.ts";

/** Table → chain → rules without their "-A CHAIN". */
export type TracedTables = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

type Verdict = "accept" | "drop" | "reject" | "return";

interface Result {
  readonly way: Way;
  /** Undefined: the chain's end was reached. */
  readonly verdict?: Verdict;
}

/** The kernel refuses rulesets that nest deeper than it has room for. */
const maxDepth = 16;

/** In the order of their priorities (linux/netfilter_ipv4.h). nat's translate once, wherever they stand. */
const hooks = {
  PREROUTING: ["raw", "mangle", "nat"],
  INPUT: ["mangle", "filter", "nat"],
  FORWARD: ["mangle", "filter"],
  OUTPUT: ["raw", "mangle", "nat", "filter"],
  POSTROUTING: ["mangle", "nat"],
} as const;

type HookName = keyof typeof hooks;

/** @throws FairleadError TRACE for any match or target whose effect is not known */
export function traceIptables(tables: TracedTables, packet: TracedPacket, node: NodeFacts): readonly Outcome[] {
  const tracer = new Tracer(tables, node);
  return packet.inInterface === undefined
    ? tracer.through(["OUTPUT", "POSTROUTING"], [begin(packet)])
    : tracer.arrived([begin(packet)]);
}

export class Tracer {
  readonly #tables: TracedTables;
  protected readonly node: NodeFacts;
  protected readonly ended: Outcome[] = [];

  constructor(tables: TracedTables, node: NodeFacts) {
    this.#tables = tables;
    this.node = node;
  }

  /** Routed behind its translation: to this node, or on. */
  arrived(ways: readonly Way[]): readonly Outcome[] {
    const [here, on]: [Way[], Way[]] = [[], []];
    for (const way of this.hook("PREROUTING", ways)) {
      (this.node.isLocal(way.packet.destination) ? here : on).push(way);
    }
    this.through(["INPUT"], here);
    return this.through(["FORWARD", "POSTROUTING"], on);
  }

  through(names: readonly HookName[], ways: readonly Way[]): readonly Outcome[] {
    let passing = ways;
    for (const name of names) passing = this.hook(name, passing);
    for (const way of passing) this.ended.push(outcome(way, "accepted"));
    return this.ended;
  }

  /** @param tables of the hook, in their order; default: all. @returns the ways that go on */
  protected hook(hook: HookName, ways: readonly Way[], tables: readonly string[] = hooks[hook]): readonly Way[] {
    let passing = ways;
    for (const table of tables) {
      const rules = this.#tables.get(table)?.get(hook) ?? [];
      if (rules.length === 0) continue;
      const chain = `${table} ${hook}`;
      const results = passing.flatMap((way) =>
        this.#chain(table, rules, met(way, { step: "hook", hook: hook.toLowerCase(), chain }), 0),
      );
      passing = results.flatMap(({ way, verdict }) => {
        if (verdict !== "drop" && verdict !== "reject") return [way];
        this.ended.push(outcome(met(way, { step: verdict }), verdict === "drop" ? "dropped" : "rejected"));
        return [];
      });
    }
    return passing;
  }

  #chain(table: string, rules: readonly string[], way: Way, depth: number): readonly Result[] {
    if (depth > maxDepth) throw unknown("a jump that deep");
    const ended: Result[] = [];
    let passing: readonly Way[] = [way];
    for (const rule of rules) {
      const on: Way[] = [];
      for (const one of passing) this.#rule(table, rule, one, depth, on, ended);
      passing = on;
    }
    return [...ended, ...passing.map((one) => ({ way: one }))];
  }

  #rule(table: string, rule: string, way: Way, depth: number, on: Way[], ended: Result[]): void {
    const { probability, remembers, target } = matchRule(rule, way, this.node);
    if (probability < 1) on.push({ ...way, probability: way.probability * (1 - probability) });
    if (probability === 0) return;
    const taken = remembers.reduce(
      (one, set) => met(one, { step: "remember", set, key: one.packet.source, data: "now" }),
      { ...way, probability: way.probability * probability },
    );
    const results = target ? this.#take(table, target, taken, depth) : [{ way: taken }];
    for (const result of results) {
      if (result.verdict === undefined) on.push(result.way);
      else ended.push(result);
    }
  }

  #take(table: string, { name, options }: Target, way: Way, depth: number): readonly Result[] {
    switch (name) {
      case "ACCEPT":
        return [{ way, verdict: "accept" }];
      case "DROP":
        return [{ way, verdict: "drop" }];
      case "REJECT":
        return [{ way, verdict: "reject" }];
      case "RETURN":
        return [{ way, verdict: "return" }];
      case "MARK": {
        const [value, mask] = numbers(options.get("--set-xmark") ?? "");
        const mark = ((way.mark & ~mask) ^ value) >>> 0;
        return [{ way: met({ ...way, mark }, { step: "mark", mark }) }];
      }
      case "MASQUERADE":
        return [{ way: met({ ...way, masqueraded: true }, { step: "masquerade" }), verdict: "accept" }];
      case "DNAT":
        return [{ way: translate(way, options.get("--to-destination") ?? ""), verdict: "accept" }];
      default:
        return this.#jump(table, name, way, depth);
    }
  }

  /** What returns goes on behind the jump. */
  #jump(table: string, chain: string, way: Way, depth: number): readonly Result[] {
    const rules = this.#tables.get(table)?.get(chain);
    if (!rules) throw unknown(`target ${chain}`);
    const results = this.#chain(table, rules, met(way, { step: "enter", by: "jump", chain }), depth + 1);
    return results.map(({ way: after, verdict }) =>
      verdict === undefined || verdict === "return" ? { way: after } : { way: after, verdict },
    );
  }
}

/** @param to "10.0.0.1:80" */
export function translate(way: Way, to: string): Way {
  const { address, port } = destinationOf(to);
  const packet = { ...way.packet, destination: address, destinationPort: port };
  return met({ ...way, packet, translated: true }, { step: "translate", address, port });
}

export function outcome(way: Way, verdict: Outcome["verdict"]): Outcome {
  const { destination: address, destinationPort: port } = way.packet;
  const { translated, masqueraded, probability } = way;
  return { verdict, probability, destination: { address, port }, translated, masqueraded, steps: stepsOf(way) };
}
