/** A frontend as elements of the table's sets, and the fan-out chains that they go to. */
import { part } from "../../../kernel/netlink/nftables/data.ts";
import { ipv4Number, type IpAddress } from "../../../model/address.ts";
import { addressText, backendBytes, type Backends } from "../../derive/backends.ts";
import type { Frontend, Masquerade } from "../../derive/frontends.ts";
import { fanOutName, type FanOut } from "./fan_out.ts";
import { rangeOf } from "./match.ts";
import { setNames, type KeyForm, type Scope } from "./sets.ts";
import { chainNames } from "./table.ts";

/**
 * An element in short: one character a byte. What it holds is text too, so that two are told apart by `===`:
 * "goto NAME" or "drop" in verdict maps, bytes in the others, "" in sets; of an interval its last key. Where a set's
 * key has an index it is a row (sets.ts, Elements).
 */
export interface RenderedElement {
  readonly set: string;
  readonly key: string;
  readonly value: string;
}

export interface RenderedFrontend {
  readonly elements: readonly RenderedElement[];
  readonly fanOuts: readonly FanOut[];
}

/** What the kernel has that a rendering goes on from. */
export interface Standing {
  /** What stands under a frontend's indexes, from 0 on, one after another. */
  row(set: string, key: string): string;
  /** The number of a backend of a frontend with affinity, four bytes; the same for the same backend. */
  numberOf(frontend: string, scope: Scope, backend: string): string;
}

/**
 * Rendered again it is the same, as long as what stands is: so nobody has to keep what was rendered.
 *
 * @param key the frontend's
 * @param standing so that a change of one backend moves as few others as can be
 */
export function renderFrontend(frontend: Frontend, key: string, standing: Standing): RenderedFrontend {
  const form: KeyForm = frontend.address === undefined ? "nodePort" : "address";
  const rendering = new Rendering(frontend, form, key, standing);
  rendering.target();
  if (frontend.kind === "clusterIP") rendering.add(setNames.clusterIps, address(frontend.address!), "");
  rendering.sourceRanges();
  return rendering.rendered;
}

/** The place of a backend, as numgen gives it. */
export function indexBytes(index: number): string {
  return (knownIndexes[index] ??= latin1(part.host32(index)));
}

/** Of a backend's number (backend_numbers.ts). */
const numberBytes = 4;
/** Of the places that are used: as many as the largest Service has backends. */
const knownIndexes: string[] = [];

export function renderNodePortAddress(ip: IpAddress): RenderedElement {
  return { set: setNames.nodePortAddresses, key: address(ip), value: "" };
}

/** A local backend can be its own client. */
export function renderHairpin(ip: IpAddress): RenderedElement {
  const key = address(ip) + address(ip);
  return { set: setNames.hairpins, key, value: "" };
}

class Rendering {
  readonly #frontend: Frontend;
  readonly #form: KeyForm;
  readonly #key: string;
  readonly #standing: Standing;
  readonly #elements: RenderedElement[] = [];
  readonly #fanOuts: FanOut[] = [];

  constructor(frontend: Frontend, form: KeyForm, key: string, standing: Standing) {
    this.#frontend = frontend;
    this.#form = form;
    this.#key = key;
    this.#standing = standing;
  }

  get rendered(): RenderedFrontend {
    return { elements: this.#elements, fanOuts: this.#fanOuts };
  }

  add(set: string, key: string, value: string): void {
    this.#elements.push({ set, key, value });
  }

  target(): void {
    const names = setNames[this.#form];
    const { target, sourceRanges } = this.#frontend;
    const map = sourceRanges === undefined ? names.frontends : setNames.restricted;
    switch (target.action) {
      case "reject":
        return this.add(map, this.#key, goTo(chainNames.reject));
      case "drop":
        return this.add(map, this.#key, "drop");
      case "balance":
        return this.#balance(map, "cluster", target.backends, target.masquerade);
      case "balance local": {
        const chain = this.#form === "address" ? chainNames.externalLocal : chainNames.externalLocalNodePort;
        this.add(map, this.#key, goTo(chain));
        if (target.inside.length > 0) this.#balance(names.inside, "cluster", target.inside, "never");
        if (target.local.length > 0) this.#balance(names.outside, "local", target.local, "never");
        else this.add(names.outside, this.#key, "drop");
      }
    }
  }

  #balance(map: string, scope: Scope, backends: Backends, masquerade: Masquerade): void {
    const { affinitySeconds } = this.#frontend;
    const fanOut = { form: this.#form, scope, masquerade, count: backends.length, affinitySeconds };
    this.#fanOuts.push(fanOut);
    this.add(map, this.#key, goTo(fanOutName(fanOut)));
    const names = setNames[this.#form];
    const { row, family } = backends;
    if (affinitySeconds === undefined) return this.#place(names[scope], row, backendBytes(family));
    const wanted = split(row, backendBytes(family));
    const numbers = wanted.map((backend) => this.#standing.numberOf(this.#key, scope, backend));
    this.#place(names[`${scope}Affine`], numbers.join(""), numberBytes);
    numbers.forEach((number, i) => this.add(setNames.numbered, number, wanted[i]!));
  }

  #place(set: string, wanted: string, each: number): void {
    const before = this.#standing.row(set, this.#key);
    const isAsWanted = before === "" || before === wanted;
    this.add(set, this.#key, isAsWanted ? wanted : arrange(split(before, each), split(wanted, each)).join(""));
  }

  sourceRanges(): void {
    const { sourceRanges } = this.#frontend;
    if (sourceRanges === undefined) return;
    this.add(setNames.address.frontends, this.#key, goTo(chainNames.checkSource));
    for (const cidr of sourceRanges) {
      const { first, last } = rangeOf(cidr);
      this.add(setNames.sourceRanges, this.#key + latin1(first), this.#key + latin1(last));
    }
  }
}

/**
 * Who stays keeps its place; the places of those that go are taken by new ones, then by the last ones.
 *
 * @param before who stood where
 * @param wanted without repeats
 */
export function arrange(before: readonly string[], wanted: readonly string[]): readonly string[] {
  const missing = new Set(wanted);
  const places: (string | undefined)[] = wanted.map((_, i) => {
    const name = before[i];
    return name !== undefined && missing.delete(name) ? name : undefined;
  });
  const rest = missing.values();
  return places.map((name) => name ?? (rest.next().value as string));
}

/** A row's parts. */
function split(row: string, each: number): readonly string[] {
  return Array.from({ length: row.length / each }, (_, i) => row.slice(i * each, (i + 1) * each));
}

function address(ip: IpAddress): string {
  const number = ipv4Number(ip);
  if (number === undefined) return addressText(ip);
  return String.fromCharCode(number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255);
}

/** Text of the verdict: one for all frontends that go there. */
function goTo(chain: string): string {
  let verdict = knownVerdicts.get(chain);
  if (verdict === undefined) knownVerdicts.set(chain, (verdict = `goto ${chain}`));
  return verdict;
}

/** As many as there ever were fan-out chains. */
const knownVerdicts = new Map<string, string>();

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
