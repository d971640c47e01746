/** A question → an answer's body: from the cluster's names, or from other servers. */
import dnsPacket, { type Answer } from "dns-packet";
import { answer } from "./answer.ts";
import type { Forwarder } from "./forward/forwarder.ts";
import type { ClusterIndex } from "./records/cluster_index.ts";
import { ttlSeconds, type RecordSet } from "./records/record_set.ts";
import type { Query } from "./wire/decode.ts";
import { classIn, maxMessageBytes, rcodes, types } from "./wire/numbers.ts";
import { emptyBody, renderBody, renderResponse, type Body } from "./wire/render.ts";

export interface ResolverOptions {
  readonly index: ClusterIndex;
  readonly forwarder: Pick<Forwarder, "resolve">;
  /** Whether the cluster's names are known: until then nothing is said not to be there. */
  readonly isSynced: () => boolean;
  /** In ms. */
  readonly now: () => number;
}

/** Who answered, as CoreDNS's metrics name it. */
export type Plugin = "kubernetes" | "forward" | "";

export interface Resolved {
  readonly body: Body | Promise<Body>;
  readonly plugin: Plugin;
  readonly zone: string;
}

/** Names that follow one another by CNAME; a Service of the cluster may name another. */
const maxChain = 8;

export class Resolver {
  readonly #options: ResolverOptions;
  /** By where the question's zone begins: all names of that length have the same answer. */
  readonly #negatives = new Map<number, Body>();
  #negativesVersion = -1;
  #soa: Answer | undefined;

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  resolve(query: Query): Resolved {
    const refused = refusal(query);
    if (refused !== undefined) return { body: emptyBody(refused), plugin: "", zone: "." };
    const { index, forwarder, isSynced } = this.#options;
    const verdict = answer(query.name, index);
    if (verdict.kind === "elsewhere") return { body: forwarder.resolve(query), plugin: "forward", zone: "." };
    const isOurs = { plugin: "kubernetes", zone: `${index.zone}.` } as const;
    if (verdict.kind === "found") return { body: this.#ofSet(query, verdict.set), ...isOurs };
    const body = isSynced() ? this.#negative(query, rcodes.NXDOMAIN) : emptyBody(rcodes.SERVFAIL);
    return { body, ...isOurs };
  }

  #ofSet(query: Query, set: RecordSet): Body | Promise<Body> {
    const { name, type, question } = query;
    if (type === types.SOA && name === this.#options.index.zone) {
      return renderBody({ name, nameBytes: question.length - 4 }, 0, { answers: [this.#currentSoa()] });
    }
    const body = set.body(query);
    if (body) return body;
    const isAddress = type === types.A || type === types.AAAA;
    if (isAddress && set.cname !== undefined && set.cname !== "") return this.#chase(query, set.cname);
    return this.#negative(query, rcodes.NOERROR);
  }

  /** ExternalName: the alias, and what it leads to where that is found in time. */
  async #chase(query: Query, first: string): Promise<Body> {
    const { name, type, question } = query;
    const answers: Answer[] = [];
    let from = name;
    let target = first;
    for (let i = 0; i < maxChain; i++) {
      answers.push({ type: "CNAME", name: from, ttl: ttlSeconds, data: target });
      const verdict = answer(target, this.#options.index);
      if (verdict.kind !== "found" || verdict.set.cname === undefined) break;
      [from, target] = [target, verdict.set.cname];
    }
    const rest = await this.#answersOf(targetQuery(target, type));
    return renderBody({ name, nameBytes: question.length - 4 }, 0, { answers: [...answers, ...rest] });
  }

  /** Addresses and aliases of a name, as records. */
  async #answersOf(query: Query): Promise<readonly Answer[]> {
    const verdict = answer(query.name, this.#options.index);
    if (verdict.kind === "none" || (verdict.kind === "found" && verdict.set.cname !== undefined)) return [];
    const body = verdict.kind === "found" ? verdict.set.body(query) : await this.#options.forwarder.resolve(query);
    if (!body) return [];
    try {
      const { answers = [] } = dnsPacket.decode(renderResponse(query, body, maxMessageBytes));
      return answers.filter(({ type }) => type === "A" || type === "AAAA" || type === "CNAME");
    } catch {
      // What another server has sent need not be what it says it is.
      return [];
    }
  }

  #negative({ question }: Query, rcode: number): Body {
    const { index } = this.#options;
    if (this.#negativesVersion !== index.version) {
      this.#negatives.clear();
      this.#soa = undefined;
      this.#negativesVersion = index.version;
    }
    const nameBytes = question.length - 4;
    const key = nameBytes * 16 + rcode;
    let body = this.#negatives.get(key);
    if (!body) {
      // Of a name in the zone only the end matters.
      const isApex = nameBytes === index.zone.length + 2;
      const name = isApex ? index.zone : `*.${index.zone}`;
      body = renderBody({ name, nameBytes }, rcode, { authority: [this.#currentSoa()] });
      this.#negatives.set(key, body);
    }
    return body;
  }

  /** Times as CoreDNS gives them; the serial is when the cluster was seen to change last. */
  #currentSoa(): Answer {
    const { zone } = this.#options.index;
    return (this.#soa ??= {
      type: "SOA",
      name: zone,
      ttl: ttlSeconds,
      data: {
        mname: `ns.dns.${zone}`,
        rname: `hostmaster.${zone}`,
        serial: Math.floor(this.#options.now() / 1000),
        refresh: 7200,
        retry: 1800,
        expire: 86_400,
        minimum: ttlSeconds,
      },
    });
  }
}

function refusal({ opcode, class: cls, type, edns }: Query): number | undefined {
  if (opcode !== 0) return rcodes.NOTIMP;
  if (edns && edns.version !== 0) return rcodes.BADVERS;
  if (cls !== classIn || type === types.AXFR || type === types.IXFR) return rcodes.REFUSED;
  return undefined;
}

function targetQuery(name: string, type: number): Query {
  const message = dnsPacket.encode({ type: "query", questions: [{ name, type: type === types.A ? "A" : "AAAA" }] });
  const question = message.subarray(12);
  return { id: 0, flags: 0x0100, opcode: 0, name, type, class: classIn, question, edns: undefined };
}
