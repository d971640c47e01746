/** What each expression of a rule does to a packet. One that is not here is an error: nobody knows what it does. */
import { FairleadError } from "../../errors/catalogue.ts";
import { registerIndex, verdictRegister, type Verdict } from "../../kernel/netlink/nftables/data.ts";
import type { Expression, ExpressionName } from "../../kernel/netlink/nftables/expressions/index.ts";
import { ctState, ctStatus } from "../../kernel/netlink/nftables/expressions/load.ts";
import { ipText } from "../../model/address.ts";
import { met, networkBytes, transportBytes, type NodeFacts, type Way } from "./packet.ts";
import { dataText, keyText, type Sets } from "./sets.ts";

/** A way behind an expression. `verdict`: the rule ends with it; "break": without effect. */
export interface Result {
  readonly way: Way;
  readonly verdict?: Verdict;
}

export interface Context {
  readonly sets: Sets;
  readonly node: NodeFacts;
}

type Of<N extends ExpressionName> = Extract<Expression, { expr: N }>;
type Effect<N extends ExpressionName> = (expression: Of<N>, way: Way, context: Context) => readonly Result[];
type Effects = { readonly [N in ExpressionName]?: Effect<N> };

export function perform(expression: Expression, way: Way, context: Context): readonly Result[] {
  const effect = expression.expr === "other" ? undefined : effects[expression.expr];
  if (!effect) throw unknown(expression);
  return (effect as (expression: Expression, way: Way, context: Context) => readonly Result[])(
    expression,
    way,
    context,
  );
}

const effects: Effects = {
  counter: (_, way) => [{ way }],
  payload: (expression, way) => {
    const { dreg, base, offset = -1, len = 0 } = expression;
    const read = { network: networkBytes, transport: transportBytes }[base as "network"];
    const bytes = dreg === undefined ? undefined : read?.(way.packet, offset, len);
    if (!bytes) throw unknown(expression);
    return [{ way: store(way, dreg!, bytes) }];
  },
  meta: (expression, way) => [{ way: meta(expression, way) }],
  ct: (expression, way) => {
    // It is a connection's first packet.
    const status = way.translated ? ctStatus.dnat : 0;
    const value = { state: ctState.new, status }[expression.key as "state"];
    if (value === undefined || expression.dreg === undefined || expression.direction !== undefined)
      throw unknown(expression);
    return [{ way: store(way, expression.dreg, host32(value)) }];
  },
  fib: (expression, way, { node }) => {
    const { result, flags, dreg } = expression;
    const [which] = flags ?? [];
    if (result !== "addrtype" || flags?.length !== 1 || (which !== "saddr" && which !== "daddr"))
      throw unknown(expression);
    const { source, destination } = way.packet;
    // RTN_LOCAL and RTN_UNICAST (linux/rtnetlink.h)
    const type = node.isLocal(which === "saddr" ? source : destination) ? 2 : 1;
    return [{ way: store(way, dreg!, host32(type)) }];
  },
  bitwise: (expression, way) => {
    const { sreg, dreg, len = 0, mask, xor, op = "maskXor" } = expression;
    if (op !== "maskXor" || !mask || !xor) throw unknown(expression);
    const bytes = load(way, sreg!, len).map((byte, i) => (byte & mask[i]!) ^ xor[i]!);
    return [{ way: store(way, dreg!, bytes) }];
  },
  cmp: (expression, way) => {
    const { sreg, op, data } = expression;
    if (!data || (op !== "eq" && op !== "neq")) throw unknown(expression);
    const same = Buffer.compare(load(way, sreg!, data.length), data) === 0;
    return [same === (op === "eq") ? { way } : { way, verdict: { code: "break" } }];
  },
  numgen: ({ dreg, modulus = 1, offset = 0 }, way) =>
    Array.from({ length: modulus }, (_, number) => ({
      way: met(store({ ...way, probability: way.probability / modulus }, dreg!, host32(number + offset)), {
        step: "draw",
        number,
        below: modulus,
      }),
    })),
  immediate: (expression, way) => {
    const { dreg, data } = expression;
    if (data?.verdict && dreg === verdictRegister) return [{ way, verdict: data.verdict }];
    if (!data?.value) throw unknown(expression);
    return [{ way: store(way, dreg!, data.value) }];
  },
  lookup: (expression, way, { sets }) => {
    const set = sets.get(expression.set ?? "");
    const key = load(way, expression.sreg!, set.keyLen);
    const element = sets.find(set, key);
    const found = element && dataText(set, element.data);
    const after = met(way, { step: "lookup", set: set.name, key: keyText(set, key), found });
    const isWanted = (element !== undefined) !== (expression.flags?.includes("inv") ?? false);
    if (!isWanted) return [{ way: after, verdict: { code: "break" } }];
    if (expression.dreg === undefined) return [{ way: after }];
    const { verdict, value } = element?.data ?? {};
    if (verdict) return [{ way: after, verdict }];
    if (!value) throw unknown(expression);
    return [{ way: store(after, expression.dreg, value) }];
  },
  dynset: (expression, way, { sets }) => {
    const set = sets.get(expression.setName ?? "");
    const key = keyText(set, load(way, expression.sregKey!, set.keyLen));
    if (expression.op === "delete") return [{ way: met(way, { step: "forget", set: set.name, key }) }];
    const value = expression.sregData === undefined ? undefined : load(way, expression.sregData, set.dataLen ?? 0);
    const data = dataText(set, value ? { value } : undefined);
    return [{ way: met(way, { step: "remember", set: set.name, key, data }) }];
  },
  nat: (expression, way) => {
    const { type, regAddrMin, regProtoMin, family } = expression;
    if (type !== "dnat" || regAddrMin === undefined) throw unknown(expression);
    const address = ipText(load(way, regAddrMin, family === "ip6" ? 16 : 4))!;
    const [high = 0, low = 0] = regProtoMin === undefined ? [] : load(way, regProtoMin, 2);
    const port = regProtoMin === undefined ? undefined : high * 256 + low;
    const packet = { ...way.packet, destination: address, ...(port === undefined ? {} : { destinationPort: port }) };
    const after = met({ ...way, packet, translated: true }, { step: "translate", address, port });
    return [{ way: after, verdict: { code: "accept" } }];
  },
  masq: (_, way) => [{ way: met({ ...way, masqueraded: true }, { step: "masquerade" }), verdict: { code: "accept" } }],
  reject: (_, way) => [{ way: met(way, { step: "reject" }), verdict: { code: "drop" } }],
};

const numbers = { mark: "mark", priority: "priority" } as const;

function meta(expression: Of<"meta">, way: Way): Way {
  const { key, dreg, sreg } = expression;
  const field = numbers[key as "mark"] as "mark" | "priority" | undefined;
  if (sreg !== undefined) {
    if (!field) throw unknown(expression);
    const value = Buffer.from(load(way, sreg, 4)).readUInt32LE();
    const after = { ...way, [field]: value };
    // By way of its priority a packet carries a register that listings can name: of no meaning to who reads.
    return field === "mark" ? met(after, { step: "mark", mark: value }) : after;
  }
  if (field) return store(way, dreg!, host32(way[field]));
  if (key === "l4proto") return store(way, dreg!, Uint8Array.of(way.packet.protocol));
  if (key === "iifname") return store(way, dreg!, interfaceName(way.packet.inInterface));
  throw unknown(expression);
}

/** IFNAMSIZ; without a link the kernel gives an empty name (net/netfilter/nft_meta.c). */
function interfaceName(name = ""): Uint8Array {
  const raw = new Uint8Array(16);
  raw.set(Buffer.from(name).subarray(0, 15));
  return raw;
}

/** Whole registers are written: what is behind the bytes becomes zero. */
function store(way: Way, register: number, bytes: Uint8Array): Way {
  const registers = way.registers.slice();
  const at = registerIndex(register) * 4;
  registers.fill(0, at, at + Math.ceil(bytes.length / 4) * 4);
  registers.set(bytes, at);
  return { ...way, registers };
}

function load({ registers }: Way, register: number, len: number): Uint8Array {
  const at = registerIndex(register) * 4;
  return registers.slice(at, at + len);
}

function host32(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

function unknown(expression: object): FairleadError {
  const text = JSON.stringify(expression, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  return new FairleadError("TRACE", { subject: `expression ${text}`, reason: "its effect is not known" });
}
