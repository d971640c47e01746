/** What the rules of frontends have counted. Pure. */
import type { FrontendCount } from "../../../model/service.ts";
import type { Frontend } from "../../derive/frontends.ts";
import type { TableName } from "../shared/iptables_tables.ts";
import type { Ruleset } from "./ruleset.ts";

/** nat sees a connection's first packet alone; filter sees what is refused, which nat has not translated. */
export const countedTables: readonly TableName[] = ["nat", "filter"];

interface Count {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/**
 * Bit by bit.
 *
 * @param saved what `iptables-save -c` prints of {@link countedTables}
 * @returns one for each frontend; nothing of it where the kernel has no rule of it yet
 */
export function* countsOf(ruleset: Ruleset, saved: string): Generator<void, readonly FrontendCount[], void> {
  const counted = new Map<string, Count>();
  for (const line of saved.split("\n")) {
    const [, packets, bytes, rule] =
      /^\[(\d+):(\d+)\] -A (KUBE-(?:SERVICES|NODEPORTS|EXTERNAL-SERVICES) .*)$/.exec(line) ?? [];
    if (rule !== undefined) counted.set(rule, { packets: BigInt(packets!), bytes: BigInt(bytes!) });
    yield;
  }
  const counts: FrontendCount[] = [];
  for (const service of ruleset.claims.services.keys()) {
    const { shared } = ruleset.rendered(service);
    for (const frontend of ruleset.frontendsOf(service)) {
      const rules = shared.filter(({ rule }) => isOf(frontend, rule));
      const found = rules.flatMap(({ chain, rule }) => counted.get(`${chain} ${rule}`) ?? []);
      const { family, protocol, address, port } = frontend;
      counts.push({ service: frontend.service, family, protocol, address, port, ...sum(found) });
    }
    yield;
  }
  return counts;
}

/** Whether a rule of the frontend's service port is the frontend's. */
function isOf({ address, port, protocol }: Frontend, rule: string): boolean {
  const isItsPort =
    rule.includes(`-m ${protocol.toLowerCase()} --dport ${port} `) && !rule.includes("health check node port");
  if (!isItsPort) return false;
  return address === undefined ? !rule.startsWith("-d ") : rule.startsWith(`-d ${address}/`);
}

function sum(counts: readonly Count[]): Count {
  return counts.reduce((all, one) => ({ packets: all.packets + one.packets, bytes: all.bytes + one.bytes }), {
    packets: 0n,
    bytes: 0n,
  });
}
