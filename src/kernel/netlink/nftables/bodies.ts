/** State to message bodies and back: hook names and numbers, sizes, the kernel's defaults. */
import type { ChainBody, FlowtableBody } from "./chain.ts";
import { hookNumbers } from "./chain.ts";
import type { Expression } from "./expressions/index.ts";
import { omit } from "./fields.ts";
import type { ObjectBody } from "./object.ts";
import type { RuleBody } from "./rule.ts";
import type { SetBody } from "./set.ts";
import type { NftBase, NftChain, NftFamily, NftFlowtable, NftObject, NftRule, NftSet, NftTableRef } from "./state.ts";

/** A field, or nothing where the value is undefined: attributes that are absent are absent. */
function field<K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [P in K]?: V };
}

export function chainBody(table: NftTableRef, chain: NftChain): ChainBody {
  const { base, flags } = chain;
  return {
    table: table.name,
    name: chain.name,
    ...(base ? baseBody(table.family, base) : {}),
    // NFT_CHAIN_BASE is told by the hook; the kernel lists it and takes it.
    ...(flags ? { flags: [...(base ? (["base"] as const) : []), ...flags] } : {}),
    ...field("userdata", chain.userdata),
  };
}

function baseBody(family: NftFamily, base: NftBase): ChainBody {
  const { devices } = base;
  return {
    hook: {
      number: hookNumber(family, base.hook),
      priority: base.priority,
      // A kernel from before NFTA_HOOK_DEVS has one device only.
      ...(devices?.length === 1 ? { device: devices[0]! } : field("devices", devices)),
    },
    type: base.type,
    ...field("policy", base.policy),
  };
}

/** A hook that the family lacks gets a number past all of them: the kernel is to refuse it. */
function hookNumber(family: NftFamily, hook: NftBase["hook"]): number {
  if (hook.startsWith("#")) return Number(hook.slice(1));
  const numbers: Readonly<Record<string, number>> = hookNumbers[family];
  return numbers[hook] ?? 255;
}

export function chainOf(family: NftFamily, body: ChainBody): NftChain {
  const flags = body.flags?.filter((one): one is "offload" | "binding" | `#${number}` => one !== "base") ?? [];
  return {
    name: body.name ?? "",
    ...(body.hook ? { base: baseOf(family, body) } : {}),
    ...(flags.length > 0 ? { flags } : {}),
    ...field("userdata", body.userdata),
    ...field("handle", body.handle),
  };
}

function baseOf(family: NftFamily, body: ChainBody): NftBase {
  const { number = 0, priority = 0, device, devices } = body.hook ?? {};
  const name = Object.entries(hookNumbers[family]).find(([, value]) => value === number)?.[0];
  return {
    type: body.type ?? "",
    hook: (name ?? `#${number}`) as NftBase["hook"],
    priority,
    ...field("policy", body.policy),
    ...(devices ? { devices } : device === undefined ? {} : { devices: [device] }),
  };
}

export function ruleOf(body: RuleBody): NftRule {
  return {
    expressions: body.expressions?.map(programmable) ?? [],
    ...field("userdata", body.userdata),
    ...field("handle", body.handle),
  };
}

/**
 * The kernel lists flags, without any, for an option that is written, and refuses them there
 * (net/netfilter/nft_exthdr.c, nft_exthdr_tcp_set_init): what is listed can be programmed.
 */
function programmable(expression: Expression): Expression {
  const isWritten = expression.expr === "exthdr" && expression.sreg !== undefined;
  return isWritten ? omit(expression, "flags") : expression;
}

export function setBody(table: NftTableRef, set: NftSet): SetBody {
  const { size, fieldLens } = set;
  const desc = {
    ...field("size", size),
    ...field(
      "concat",
      fieldLens?.map((len) => ({ len })),
    ),
  };
  return {
    table: table.name,
    ...omit(set, "handle", "id", "size", "fieldLens", "policy"),
    ...field("policy", set.policy),
    flags: set.flags ?? [],
    ...(size === undefined && !fieldLens ? {} : { desc }),
  };
}

export function setOfBody(body: SetBody): NftSet {
  const { desc } = body;
  return {
    ...omit(body, "table", "desc", "id", "backend", "count"),
    name: body.name ?? "",
    keyType: body.keyType ?? 0,
    keyLen: body.keyLen ?? 0,
    ...field("size", desc?.size),
    ...field(
      "fieldLens",
      desc?.concat?.map(({ len = 0 }) => len),
    ),
  };
}

export function objectBody(table: NftTableRef, object: NftObject): ObjectBody {
  return { table: table.name, ...omit(object, "handle") };
}

export function objectOf(body: ObjectBody): NftObject {
  return { ...omit(body, "table", "use"), objectName: body.objectName ?? "" };
}

export function flowtableBody(table: NftTableRef, flowtable: NftFlowtable): FlowtableBody {
  const { name, priority, devices, flags } = flowtable;
  // A flowtable hangs in ingress (hook 0) and nowhere else.
  return { table: table.name, name, hook: { number: 0, priority, devices }, ...field("flags", flags) };
}

export function flowtableOf(body: FlowtableBody): NftFlowtable {
  return {
    name: body.name ?? "",
    priority: body.hook?.priority ?? 0,
    devices: body.hook?.devices ?? [],
    ...(body.flags && body.flags.length > 0 ? { flags: body.flags } : {}),
    ...field("handle", body.handle),
  };
}
