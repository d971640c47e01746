/**
 * Leads a connection's first packet through a table of nf_tables as it is programmed: pure, over what a port
 * lists. Where the kernel draws a number every number is followed, each with its probability.
 */
import { FairleadError } from "../../errors/catalogue.ts";
import type { Verdict } from "../../kernel/netlink/nftables/data.ts";
import type { NftChainState, NftTable } from "../../kernel/netlink/nftables/state.ts";
import type { IpAddress } from "../../model/address.ts";
import { perform, type Context, type Result } from "./expressions.ts";
import { begin, met, stepsOf, type NodeFacts, type TracedPacket, type TraceStep, type Way } from "./packet.ts";
import { Sets } from "./sets.ts";

export type { NodeFacts, TracedPacket, TraceStep } from "./packet.ts";

export interface Outcome {
  readonly verdict: "accepted" | "dropped" | "rejected";
  /** Of all outcomes together 1. */
  readonly probability: number;
  readonly destination: { readonly address: IpAddress; readonly port: number };
  /** The destination is another than the packet had. */
  readonly translated: boolean;
  /** The source becomes an address of this node. */
  readonly masqueraded: boolean;
  readonly steps: readonly TraceStep[];
}

/** Jumps that a packet may nest (NFT_JUMP_STACK_SIZE). */
const maxDepth = 16;

/** @throws FairleadError TRACE for anything in its way whose effect is not known */
export function tracePacket(table: NftTable, packet: TracedPacket, node: NodeFacts): readonly Outcome[] {
  const tracer = new Tracer(table, { sets: new Sets(table), node });
  const first = packet.inInterface === undefined ? "output" : "prerouting";
  return tracer.hook([begin(packet)], first, (ways) => tracer.behindTranslation(ways, first));
}

type Next = (ways: readonly Way[]) => readonly Outcome[];

class Tracer {
  readonly #chains: ReadonlyMap<string, NftChainState>;
  readonly #context: Context;

  constructor({ chains }: NftTable, context: Context) {
    this.#chains = new Map(chains.map((chain) => [chain.name, chain]));
    this.#context = context;
  }

  /** Where the packet is routed: to this node, or on. */
  behindTranslation(ways: readonly Way[], first: "prerouting" | "output"): readonly Outcome[] {
    const accept: Next = (through) => through.map((way) => outcome(way, "accepted"));
    const post: Next = (through) => this.hook(through, "postrouting", accept);
    if (first === "output") return post(ways);
    return ways.flatMap((way) =>
      this.#context.node.isLocal(way.packet.destination)
        ? this.hook([way], "input", accept)
        : this.hook([way], "forward", post),
    );
  }

  /** All base chains of a hook by their priority; each ends for those that it drops alone. */
  hook(ways: readonly Way[], hook: string, next: Next): readonly Outcome[] {
    const chains = [...this.#chains.values()].filter(({ base }) => base?.hook === hook);
    chains.sort((a, b) => a.base!.priority - b.base!.priority);
    let passing = ways;
    const ended: Outcome[] = [];
    for (const chain of chains) {
      const results = passing.flatMap((way) => this.#base(chain, met(way, { step: "hook", hook, chain: chain.name })));
      passing = results.flatMap(({ way, verdict }) => (verdict ? [] : [way]));
      ended.push(...results.flatMap(({ way, verdict }) => (verdict ? [outcome(way, endingOf(way))] : [])));
    }
    return [...ended, ...next(passing)];
  }

  /** @returns a verdict for those that are dropped */
  #base(chain: NftChainState, way: Way): readonly Result[] {
    return this.#chain(chain, way, 0).map(({ way: after, verdict }) => {
      const code = verdict?.code ?? chain.base?.policy ?? "accept";
      if (code === "accept") return { way: after };
      if (code === "drop") return { way: verdict ? after : met(after, { step: "drop" }), verdict: { code: "drop" } };
      throw new FairleadError("TRACE", { subject: `verdict ${code}`, reason: "its effect is not known" });
    });
  }

  /** @returns without a verdict where the packet fell off the chain's end, or returned */
  #chain({ rules }: NftChainState, way: Way, depth: number): readonly Result[] {
    if (depth > maxDepth) throw new FairleadError("TRACE", { subject: "jumps", reason: "too many of them" });
    let passing: readonly Way[] = [way];
    const ended: Result[] = [];
    for (const { expressions } of rules) {
      const results = passing.flatMap((one) => this.#rule(expressions, one));
      const on: Way[] = [];
      for (const result of results) {
        const { verdict } = result;
        if (!verdict || verdict.code === "break" || verdict.code === "continue") on.push(result.way);
        else this.#follow(result.way, verdict, depth, on, ended);
      }
      passing = on;
    }
    return [...ended, ...passing.map((one) => ({ way: one }))];
  }

  #follow(way: Way, verdict: Verdict, depth: number, on: Way[], ended: Result[]): void {
    const { code } = verdict;
    if (code === "return") return void ended.push({ way });
    if (code === "drop" || code === "accept") {
      const isSilent = code === "drop" && way.trail?.step.step !== "reject";
      return void ended.push({ way: isSilent ? met(way, { step: "drop" }) : way, verdict });
    }
    const target = this.#chains.get(verdict.chain ?? "");
    if ((code !== "jump" && code !== "goto") || !target) {
      throw new FairleadError("TRACE", {
        subject: `verdict ${code} ${verdict.chain ?? ""}`,
        reason: "it leads nowhere",
      });
    }
    const results = this.#chain(target, met(way, { step: "enter", by: code, chain: target.name }), depth + 1);
    for (const result of results) {
      if (result.verdict || code === "goto") ended.push(result);
      else on.push(result.way);
    }
  }

  #rule(expressions: NftChainState["rules"][number]["expressions"], way: Way): readonly Result[] {
    let passing: readonly Way[] = [way];
    const ended: Result[] = [];
    for (const expression of expressions) {
      const results = passing.flatMap((one) => perform(expression, one, this.#context));
      passing = results.flatMap((result) => (result.verdict ? [] : [result.way]));
      ended.push(...results.filter(({ verdict }) => verdict));
    }
    return [...ended, ...passing.map((one) => ({ way: one }))];
  }
}

function endingOf(way: Way): "rejected" | "dropped" {
  return way.trail?.step.step === "reject" ? "rejected" : "dropped";
}

function outcome(way: Way, verdict: Outcome["verdict"]): Outcome {
  const { destination: address, destinationPort: port } = way.packet;
  const { translated, masqueraded, probability } = way;
  return { verdict, probability, destination: { address, port }, translated, masqueraded, steps: stepsOf(way) };
}
