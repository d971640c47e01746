/**
 * What the kernel lists for what it was given: defaults filled in, what stands for itself left out.
 * A plan compares observed rules with wanted ones in this form, and the fake keeps it.
 */
import { verdictType, type Data } from "./data.ts";
import type { Expression, ExpressionName } from "./expressions/index.ts";
import type { StatefulExpression } from "./expressions/stateful.ts";
import { omit } from "./fields.ts";
import type { Element, SetBody } from "./set.ts";

type Of<N extends ExpressionName> = Extract<Expression, { expr: N }>;
type Listing = { readonly [N in ExpressionName]?: (given: Of<N>) => Of<N> };

/** Expressions without an entry are listed as they are given. Each cites its dump function by its name: nft_<name>_dump. */
const listings: Listing = {
  payload: (e) => (e.sreg === undefined ? e : { csumType: "none", csumOffset: 0, csumFlags: [], ...e }),
  exthdr: (e) => ({ flags: [], op: "ipv6", ...e }),
  osf: (e) => ({ ttl: 0, flags: [], ...e }),
  immediate: (e) => (e.data ? { ...e, data: listedData(e.data) } : e),
  bitwise: (e) => ({ op: "maskXor", ...e }),
  numgen: (e) => ({ offset: 0, ...e }),
  hash: (e) => withoutZero({ type: "jenkins", ...e }, "offset"),
  lookup: (e) => ({ flags: [], ...omit(e, "setId") }),
  dynset: (e) => listedDynset(e),
  objref: (e) => omit(e, "setId"),
  nat: (e) => listedNat(e),
  masq: (e) => withoutEmpty(withMaximum(e), "flags"),
  redir: (e) => withoutEmpty(listedRedir(e), "flags"),
  reject: (e) => (e.type === "tcpReset" ? omit(e, "icmpCode") : e),
  log: (e) => listedLog(e),
  counter: listedStateful,
  quota: listedStateful,
  limit: listedStateful,
  connlimit: listedStateful,
  last: listedStateful,
};

export function listedExpression(given: Expression): Expression {
  if (given.expr === "other") return given;
  const listing = listings[given.expr] as ((given: Expression) => Expression) | undefined;
  return listing ? listing(given) : given;
}

/** A chain's name stands with jump and goto only. */
export function listedData(given: Data): Data {
  const { verdict } = given;
  if (!verdict || verdict.code === "jump" || verdict.code === "goto") return given;
  return { verdict: omit(verdict, "chain", "chainId") };
}

function listedNat(given: Of<"nat">): Of<"nat"> {
  const listed = withMaximum(given);
  if (given.regAddrMin !== undefined) listed.regAddrMax ??= given.regAddrMin;
  const implied = [
    ...(given.regAddrMin === undefined ? [] : (["mapIps"] as const)),
    ...(given.regProtoMin === undefined ? [] : (["protoSpecified"] as const)),
  ];
  const rest = given.flags?.filter((flag) => flag !== "mapIps" && flag !== "protoSpecified") ?? [];
  return { ...listed, flags: [...implied, ...rest] };
}

function listedRedir(given: Of<"redir">): Of<"redir"> {
  if (given.regProtoMin === undefined) return given;
  const rest = given.flags?.filter((flag) => flag !== "protoSpecified") ?? [];
  return { ...withMaximum(given), flags: ["protoSpecified", ...rest] };
}

function withMaximum<E extends { regProtoMin?: number; regProtoMax?: number }>(given: E): E {
  if (given.regProtoMin === undefined) return { ...given };
  return { regProtoMax: given.regProtoMin, ...given };
}

function listedDynset(given: Of<"dynset">): Of<"dynset"> {
  const { expressions } = given;
  return {
    timeoutMs: 0,
    ...omit(given, "setId"),
    flags: given.flags?.includes("inv") ? ["inv"] : [],
    ...(expressions ? { expressions: expressions.map(listedStateful) } : {}),
  };
}

/** With a group there is no level, without one the kernel's log has no queue. */
function listedLog(given: Of<"log">): Of<"log"> {
  if (given.group === undefined) return withoutEmpty({ level: "warning", ...given }, "flags");
  return withoutZero(withoutZero(withoutEmpty(given, "flags"), "snaplen"), "queueThreshold");
}

/** The state of a new object or expression. */
export function listedStateful<E extends Stateful>(given: E): E {
  return { ...defaults(given), ...(given.expr === "connlimit" ? withoutEmpty(given as never, "flags") : given) };
}

type Stateful = StatefulExpression | (Expression & { expr: StatefulExpression["expr"] });

function defaults({ expr, ...given }: Stateful): object {
  switch (expr) {
    case "counter":
      return { bytes: 0n, packets: 0n };
    case "quota":
      return { consumed: 0n, flags: [] };
    case "limit":
      return "type" in given && given.type === "bytes"
        ? { burst: 0, flags: [] }
        : { burst: 5, type: "packets", flags: [] };
    case "last":
      return { set: 0, msecs: 0 };
    default:
      return {};
  }
}

/** @param set the set that the element is in */
export function listedElement(given: Element, set: SetBody): Element {
  const { data, timeoutMs } = given;
  const expressions = given.expressions ?? (given.flags?.includes("intervalEnd") ? undefined : set.expressions);
  const isDefault = timeoutMs !== undefined && timeoutMs === (set.timeoutMs ?? 0);
  return withoutEmpty(
    {
      ...omit(given, ...(isDefault ? (["timeoutMs", "expirationMs"] as const) : (["expirationMs"] as const))),
      ...(data ? { data: listedData(data) } : {}),
      ...(expressions ? { expressions: expressions.map(listedStateful) } : {}),
    },
    "flags",
  );
}

/** Without what a transaction alone knows, with the length that the kernel gives verdicts. */
export function listedSet(given: SetBody): SetBody {
  const { dataType, desc, expressions, policy } = given;
  const listed: SetBody = {
    ...withoutZero(withoutZero(withoutEmpty(omit(given, "id"), "flags"), "timeoutMs"), "gcIntervalMs"),
    ...(dataType === verdictType ? { dataLen: 16 } : {}),
    ...(expressions ? { expressions: expressions.map(listedStateful) } : {}),
  };
  if (policy === "performance") delete listed.policy;
  if (desc?.size === 0) listed.desc = omit(desc, "size");
  return listed;
}

function withoutEmpty<T extends { flags?: readonly unknown[] }>(given: T, name: "flags"): T {
  return given[name]?.length === 0 ? (omit(given, name) as unknown as T) : given;
}

function withoutZero<T extends object>(given: T, name: keyof T): T {
  return given[name] === 0 ? (omit(given, name) as unknown as T) : given;
}
