/** Pods' ranges of all nodes, of one or two families (upstream: range_allocator.go). Pure but for what it remembers. */
import type { Node } from "../../../model/kubernetes.ts";
import { CidrSet } from "./cidr_set.ts";

export interface AllocatorOptions {
  readonly clusterCidrs: readonly string[];
  readonly maskSizes: { readonly ipv4: number; readonly ipv6: number };
  /** Left alone where a cluster range holds them. */
  readonly serviceCidrs: readonly string[];
}

export class NodeRanges {
  readonly #sets: readonly CidrSet[];
  /** What each node has, by its name. */
  readonly #given = new Map<string, readonly string[]>();

  constructor({ clusterCidrs, maskSizes, serviceCidrs }: AllocatorOptions) {
    this.#sets = clusterCidrs.map((cidr) => new CidrSet(cidr, cidr.includes(":") ? maskSizes.ipv6 : maskSizes.ipv4));
    for (const set of this.#sets) for (const service of serviceCidrs) set.occupy(service);
  }

  /** A node that has ranges keeps them, and nobody else gets them. */
  occupy(node: Node): void {
    const cidrs = cidrsOf(node);
    if (cidrs.length === 0) return;
    const { name } = node.metadata;
    for (const cidr of this.#given.get(name) ?? []) if (!cidrs.includes(cidr)) this.#release(cidr);
    for (const cidr of cidrs) for (const set of this.#sets) set.occupy(cidr);
    this.#given.set(name, cidrs);
  }

  /**
   * Ranges for a node, one of each family; the same ones where it is asked again.
   *
   * @returns undefined where a family has none left: nothing is taken then
   */
  allocate(name: string): readonly string[] | undefined {
    const known = this.#given.get(name);
    if (known) return known;
    const cidrs: string[] = [];
    for (const set of this.#sets) {
      const cidr = set.allocate();
      if (cidr === undefined) {
        for (const taken of cidrs) this.#release(taken);
        return undefined;
      }
      cidrs.push(cidr);
    }
    this.#given.set(name, cidrs);
    return cidrs;
  }

  /** The node is gone, or did not take what it was to be given. */
  release(name: string): boolean {
    const cidrs = this.#given.get(name) ?? [];
    for (const cidr of cidrs) this.#release(cidr);
    return this.#given.delete(name);
  }

  #release(cidr: string): void {
    for (const set of this.#sets) if (set.contains(cidr)) set.release(cidr);
  }
}

export function cidrsOf({ spec }: Node): readonly string[] {
  return spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : []);
}
