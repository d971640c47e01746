/** nf_tables of a namespace, over netlink. */
import { setTimeout as sleep } from "node:timers/promises";
import { FairleadError } from "../../errors/catalogue.ts";
import { bytes, type Codec } from "../netlink/codec/codec.ts";
import { Writer } from "../netlink/codec/writer.ts";
import { decodeBody, encodeBatch, type AnyRequest, type ReceivedMessage } from "../netlink/codec/message.ts";
import { renderBatch } from "../netlink/nftables/batch.ts";
import { chainOf, flowtableOf, objectOf, ruleOf, setOfBody } from "../netlink/nftables/bodies.ts";
import { omit } from "../netlink/nftables/fields.ts";
import { nftCodecs, nftRequest, type NftBody, type NftKind, type NftMessage } from "../netlink/nftables/message.ts";
import { transactionRefused } from "../netlink/nftables/refusal.ts";
import type { NftElement, NftFamily, NftRule, NftSet, NftTable, NftTableRef } from "../netlink/nftables/state.ts";
import type { NftStep } from "../netlink/nftables/step.ts";
import type { NamespaceRef } from "../native.ts";
import type { NftablesPort, NftChange } from "../ports.ts";
import { readEach } from "./answers.ts";
import { NetlinkClient, netlinkProtocol } from "./netlink_client.ts";
import { watchRulesets } from "./nftables_watch.ts";
import { Pace, paced } from "../../reconcile/pace.ts";

/**
 * The kernel grows a set's hash table behind the load that filled it. A listing meanwhile goes on by count
 * (nft_set_dump_ctx, iter->skip), so that it shows as many elements twice as it leaves out, and says nothing of it.
 */
const growthAttempts = 20;
const growthDelayMs = 2;
/** How often a table that changes while it is read is read again. */
const listAttempts = 5;
/** ENOENT, and ERANGE for a name longer than any table has. */
const notThere: readonly (number | undefined)[] = [2, 34];

export class RealNftables implements NftablesPort {
  readonly #client: NetlinkClient;
  readonly #namespace: NamespaceRef;

  private constructor(client: NetlinkClient, namespace: NamespaceRef) {
    this.#client = client;
    this.#namespace = namespace;
  }

  /**
   * @param namespace default: this process's own
   * @throws FairleadError NATIVE_CALL when it is not there
   */
  static async open(namespace: NamespaceRef = null): Promise<RealNftables> {
    const client = await NetlinkClient.open({ protocol: netlinkProtocol.netfilter, namespace });
    return new RealNftables(client, namespace);
  }

  async transact(steps: readonly NftStep[]): Promise<void> {
    if (steps.length === 0) return;
    const { requests, stepOf } = renderBatch(steps);
    const encoded = await encodeInSlices(requests);
    const errors = await this.#client.transact(encoded, `change the ruleset in ${steps.length} steps`);
    // The kernel goes on behind an error to find more of them: the first is the cause, the others may be its effects.
    const first = [...errors.keys()].sort((a, b) => a - b).find((index) => stepOf[index] !== undefined);
    const index = first ?? errors.keys().next().value;
    if (index !== undefined) throw transactionRefused(steps, stepOf[index], errors.get(index)!);
  }

  async list(table: NftTableRef): Promise<NftTable | undefined> {
    for (let attempt = 0; attempt < listAttempts; attempt++) {
      const before = await this.generation();
      const listed = await this.#listOnce(table, before);
      if ((await this.generation()) === before) return listed === "gone" ? undefined : listed;
    }
    throw new FairleadError("NETLINK_INTERRUPTED", {
      subject: `table ${table.family} ${table.name}`,
      reason: `the ruleset changed during each of ${listAttempts} reads`,
    });
  }

  async listElements(table: NftTableRef, set: string): Promise<readonly NftElement[]> {
    const what = `list elements of ${table.family} ${table.name} ${set}`;
    for (let attempt = 0; attempt < growthAttempts; attempt++) {
      if (attempt > 0) await sleep(growthDelayMs * attempt);
      const filter = { table: table.name, name: set };
      const lists = await this.#dump("elements", "getElement", table.family, filter, what);
      const elements = lists.flatMap(({ elements = [] }) => elements);
      if (!(await paced(hasRepeats(elements)))) return elements;
    }
    throw new FairleadError("NETLINK_INTERRUPTED", {
      subject: what,
      reason: `the kernel moved its elements during each of ${growthAttempts} reads`,
    });
  }

  async generation(): Promise<number> {
    const answer = await this.#askGeneration();
    return answer === undefined ? 0 : (decodeBody(nftCodecs.generation, answer).id ?? 0);
  }

  /** Answers bear the port of who asked. */
  async portId(): Promise<number> {
    return (await this.#askGeneration())?.portId ?? 0;
  }

  async #askGeneration(): Promise<ReceivedMessage | undefined> {
    const request = nftRequest("generation", "getGeneration", 0, "unspec", {});
    const [answer] = await this.#client.request(request, "read the ruleset's generation");
    return answer;
  }

  async watch(onChange: (change: NftChange) => void): Promise<{ close(): void }> {
    return watchRulesets(this.#namespace, onChange);
  }

  close(): void {
    this.#client.close();
  }

  /** Where the table or a set of it is missing, it went before or while it was read. */
  async #listOnce(ref: NftTableRef, generation: number): Promise<NftTable | "gone"> {
    try {
      return await this.#listParts(ref, generation);
    } catch (error) {
      if (error instanceof FairleadError && notThere.includes(error.errno)) return "gone";
      throw error;
    }
  }

  async #listParts(ref: NftTableRef, generation: number): Promise<NftTable> {
    const { family, name } = ref;
    const what = `list table ${family} ${name}`;
    const request = nftRequest("table", "getTable", 0, family, { name });
    const [answer] = await this.#client.request(request, what);
    const { handle = 0, flags = [], userdata } = answer ? decodeBody(nftCodecs.table, answer) : {};
    const inTable = { table: name };
    // The kernel has no filter for the chains of a table.
    const chains = await this.#dump("chain", "getChain", family, {}, what);
    const rules = groupRules(await this.#dump("rule", "getRule", family, inTable, what));
    const sets = await this.#dump("set", "getSet", family, inTable, what);
    const objects = await this.#dump("object", "getObject", family, inTable, what);
    const flowtables = await this.#dump("flowtable", "getFlowtable", family, inTable, what);
    return {
      ...ref,
      handle,
      generation,
      ...(flags.length > 0 ? { flags } : {}),
      ...(userdata ? { userdata } : {}),
      chains: chains
        .filter((chain) => chain.table === name)
        .map((chain) => ({ ...chainOf(family, chain), rules: rules.get(chain.name ?? "") ?? [] })),
      sets: await this.#withElements(ref, sets.map(setOfBody)),
      objects: objects.map(objectOf),
      flowtables: flowtables.map(flowtableOf),
    };
  }

  async #withElements(table: NftTableRef, sets: readonly NftSet[]): Promise<NftTable["sets"]> {
    const states: NftTable["sets"][number][] = [];
    for (const set of sets) states.push({ ...set, elements: await this.listElements(table, set.name) });
    return states;
  }

  /** Long dumps are decoded in slices: no event loop is kept for long. */
  async #dump<K extends NftKind>(
    kind: K,
    message: NftMessage,
    family: NftFamily,
    filter: { table?: string; name?: string },
    what: string,
  ): Promise<Body<K>[]> {
    const request = nftRequest("place", message, 0, family, filter);
    const codec = nftCodecs[kind] as unknown as Codec<NftBody<K>>;
    return readEach(await this.#client.dump(request, what), (answer) => withoutHead(decodeBody(codec, answer)));
  }
}

/** Whether an element stands there twice: the sign that others are missing. */
function* hasRepeats(elements: readonly NftElement[]): Generator<void, boolean, void> {
  const seen = new Set<string>();
  for (const { key, keyEnd, flags } of elements) {
    seen.add(`${text(key)}/${text(keyEnd)}/${flags?.join() ?? ""}`);
    yield;
  }
  return seen.size < elements.length;
}

function text(key: Uint8Array | undefined): string {
  return key === undefined ? "-" : Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
}

/** Bytes that are a message's body already. */
const asEncoded: Codec<Uint8Array> = bytes(0, Infinity);
const messageHeaderBytes = 16;

/** A batch has to be one piece when it is sent; encoding it message by message lets the event loop turn. */
async function encodeInSlices(requests: readonly AnyRequest[]): Promise<AnyRequest[]> {
  const encoded: AnyRequest[] = [];
  const writer = new Writer();
  const pace = new Pace();
  for (const request of requests) {
    const body = Buffer.from(encodeBatch([request], 0, writer).subarray(messageHeaderBytes));
    writer.truncate(0);
    encoded.push({ type: request.type, flags: request.flags, codec: asEncoded, body });
    await pace.next();
  }
  return encoded;
}

type Body<K extends NftKind> = NftBody<K> extends infer T ? (T extends unknown ? Omit<T, keyof Head> : never) : never;
type Head = { family: unknown; version: unknown; resourceId: unknown };

function withoutHead<K extends NftKind>(body: NftBody<K>): Body<K> {
  return omit(body as Head, "family", "version", "resourceId") as Body<K>;
}

function groupRules(bodies: readonly Body<"rule">[]): Map<string, NftRule[]> {
  const rules = new Map<string, NftRule[]>();
  for (const body of bodies) {
    const chain = body.chain ?? "";
    const list = rules.get(chain);
    if (list) list.push(ruleOf(body));
    else rules.set(chain, [ruleOf(body)]);
  }
  return rules;
}
