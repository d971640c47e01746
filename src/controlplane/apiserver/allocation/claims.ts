/**
 * Claims in the store: a key for each address or port that is given out, made before the object that
 * has it. Only one writer can make a key, so that no two servers on one store give out the same; and
 * what a crash left behind is found by comparing claims with objects (`repair.ts`).
 */
import { randomUUID } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { FairleadError } from "../../../errors/catalogue.ts";
import type { Item, Store } from "../../store/store.ts";
import type { ApiObject } from "../resources/resource.ts";
import type { ResourceCache } from "../storage/cache.ts";
import { parseObject, storedBytes } from "../storage/object_bytes.ts";
import { timestamp } from "../../../model/timestamp.ts";
import { familyOf } from "../validation/ip.ts";
import { candidates, type Range } from "./ranges.ts";

/** The Service that has it. */
export interface Owner {
  readonly namespace: string;
  readonly name: string;
}

export interface ClaimsOptions {
  readonly store: Store;
  /** Holds the claims; it may be behind the store. */
  readonly cache: ResourceCache;
  readonly prefix: string;
  /** The object that stands for a claim, without its metadata's uid and time. */
  readonly objectOf: (name: string, owner: Owner) => ApiObject;
  readonly ownerOf: (object: ApiObject) => Owner | undefined;
  /** Wall clock in ms. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Names that are looked at before other work gets its turn. */
const turnEvery = 1000;

export class Claims {
  readonly #options: ClaimsOptions;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** @returns false where somebody has it */
  async claim(name: string, owner: Owner): Promise<boolean> {
    if (this.isTaken(name)) return false;
    const object = this.#options.objectOf(name, owner);
    object.metadata.uid = randomUUID();
    object.metadata.creationTimestamp = timestamp(this.#options.now());
    try {
      await this.#options.store.create(this.#key(name), storedBytes(object));
      return true;
    } catch (error) {
      if (error instanceof FairleadError && error.code === "STORE_EXISTS") return false;
      throw error;
    }
  }

  /** As far as this server knows. */
  isTaken(name: string): boolean {
    return this.#options.cache.get(this.#key(name)) !== undefined;
  }

  /**
   * The first free name of a range.
   *
   * @param claim how it is taken; a dry run takes nothing
   * @returns undefined where the range is full
   */
  async next(range: Range, claim: (name: string) => Promise<boolean>): Promise<string | undefined> {
    let looked = 0;
    for (const name of candidates(range, this.#options.random)) {
      if (!this.isTaken(name) && (await claim(name))) return name;
      if (++looked % turnEvery === 0) await turn();
    }
    return undefined;
  }

  /** Gives it back, if it is this owner's. */
  async release(name: string, owner: Owner): Promise<void> {
    const item = await this.#options.store.get(this.#key(name));
    if (!item || !isSame(this.#ownerOf(item), owner)) return;
    await this.#remove(item);
  }

  /** Every claim with its owner and when it was made, in ms. */
  *all(): Generator<{ readonly name: string; readonly owner: Owner | undefined; readonly madeMs: number }> {
    for (const { bytes } of this.#options.cache.items.withPrefix(this.#options.prefix)) {
      const object = parseObject(bytes);
      const { name = "", creationTimestamp = "" } = object.metadata;
      yield { name, owner: this.#options.ownerOf(object), madeMs: Date.parse(creationTimestamp) };
    }
  }

  async #remove(item: Item): Promise<void> {
    try {
      await this.#options.store.delete(item.key, item.modRevision);
    } catch (error) {
      // Somebody else was first: it is theirs to say what becomes of it.
      if (!(error instanceof FairleadError) || error.code !== "STORE_CONFLICT") throw error;
    }
  }

  #ownerOf(item: Item): Owner | undefined {
    return this.#options.ownerOf(parseObject(item.value));
  }

  #key(name: string): string {
    return this.#options.prefix + name;
  }
}

export function isSame(a: Owner | undefined, b: Owner): boolean {
  return a !== undefined && a.namespace === b.namespace && a.name === b.name;
}

interface IpAddress extends ApiObject {
  spec?: { parentRef?: { group?: string; resource?: string; namespace?: string; name?: string } };
}

export const managedBy = { key: "ipaddress.kubernetes.io/managed-by", value: "ipallocator.k8s.io" };

/** Addresses are claimed by the IPAddress objects that upstream makes for them (networking.k8s.io/v1, KEP-1880). */
export const addressClaims: Pick<ClaimsOptions, "objectOf" | "ownerOf"> = {
  objectOf: (address, { namespace, name }) => ({
    kind: "IPAddress",
    apiVersion: "networking.k8s.io/v1",
    metadata: {
      name: address,
      labels: { "ipaddress.kubernetes.io/ip-family": familyOf(address) ?? "", [managedBy.key]: managedBy.value },
    },
    spec: { parentRef: { group: "", resource: "services", namespace, name } },
  }),
  ownerOf(object) {
    if (object.metadata.labels?.[managedBy.key] !== managedBy.value) return undefined;
    const { resource, namespace, name } = (object as IpAddress).spec?.parentRef ?? {};
    return resource === "services" && namespace !== undefined && name !== undefined ? { namespace, name } : undefined;
  },
};

/** Node ports are claimed by keys of ours: the API has no object for them. One number serves every protocol of its Service. */
export const portClaims: Pick<ClaimsOptions, "objectOf" | "ownerOf"> & { readonly prefix: string } = {
  prefix: "/fairlead.allocation/nodeports/",
  objectOf: (port, owner) => ({
    kind: "NodePortClaim",
    apiVersion: "fairlead.allocation/v1",
    metadata: { name: port },
    owner,
  }),
  ownerOf: (object) => object["owner"] as Owner | undefined,
};
