import { isDeepStrictEqual } from "node:util";
import { routeTable } from "../../netlink/rtnetlink/common.ts";
import { wholeRule } from "../../netlink/rtnetlink/requests.ts";
import type { Rule, RuleSpec } from "../../netlink/rtnetlink/rule.ts";
import type { RoutingExecutors } from "../../ports.ts";
import { Refusal, unmodelled, type Namespace } from "./state.ts";

/** The kernel's own: the local table first, the main one and (IPv4) the default one last. */
export function addOwnRules(ns: Namespace): void {
  const own = (family: "ip" | "ip6", priority: number, table: number): void => {
    const rule = told(wholeRule({ family, table, protocol: "kernel" }, "lookup"));
    // A priority of 0 is not told.
    ns.rules.push(priority === 0 ? rule : { ...rule, priority });
  };
  for (const family of ["ip", "ip6"] as const) {
    own(family, 0, routeTable.local);
    own(family, 32766, routeTable.main);
    if (family === "ip") own(family, 32767, routeTable.default);
  }
}

export function ruleExecutors(ns: Namespace): RoutingExecutors<void>["rule"] {
  return { add: (v) => addRule(ns, v), delete: (v) => deleteRule(ns, v) };
}

function told(rule: Rule): Rule {
  const mask = rule.mark !== undefined && rule.markMask === undefined ? { markMask: 0xffffffff } : {};
  return { suppressPrefixLength: -1, protocol: "unspec", ...mask, ...rule };
}

function of(ns: Namespace, family: Rule["family"]): Rule[] {
  return ns.rules.filter((rule) => rule.family === family);
}

function addRule(ns: Namespace, v: RuleSpec): void {
  const rule = told(wholeRule(v, "lookup"));
  if (rule.action === "lookup" && !rule.table) throw unmodelled("a rule for whichever table is empty");
  const others = of(ns, rule.family);
  // Without a priority the kernel compares the rest alone.
  const { priority, ...rest } = rule;
  for (const { priority: own, ...other } of others) {
    const same = priority === undefined || (own ?? 0) === priority;
    if (same && isDeepStrictEqual(other, rest)) throw new Refusal("EEXIST");
  }
  ns.rules.push({ ...rest, priority: priority ?? beforeSecond(others) });
  ns.rules.sort((a, b) => (a.priority ?? 0) - (b.priority ?? 0));
}

/** A rule goes before the second of the list, the first of which is that of the local table (fib_default_rule_pref). */
function beforeSecond([, second]: Rule[]): number {
  return second?.priority ? second.priority - 1 : 0;
}

function deleteRule(ns: Namespace, v: RuleSpec): void {
  const { flags: _flags, action, ...wanted } = wholeRule(v, "unspec");
  const at = ns.rules.findIndex((rule) => {
    if (action !== "unspec" && rule.action !== action) return false;
    const fields = Object.entries(wanted).filter(([, value]) => value !== undefined);
    return fields.every(([name, value]) => isDeepStrictEqual(rule[name as keyof Rule] ?? 0, value));
  });
  if (at < 0) throw new Refusal("ENOENT");
  ns.rules.splice(at, 1);
}
