/** The ranges that Services' addresses come from: those of every ServiceCIDR that is ready (KEP-1880). */
import type { V1ServiceCIDRSpec, V1ServiceCIDRStatus } from "@kubernetes/client-node";
import type { ApiObject } from "../resources/resource.ts";
import type { ResourceCache } from "../storage/cache.ts";
import { parseObject } from "../storage/object_bytes.ts";
import type { IpFamily } from "../validation/ip.ts";
import { partOf } from "../validation/json.ts";
import { addressRange, type AddressRange } from "./ranges.ts";

export class ServiceRanges {
  readonly #cache: ResourceCache;
  readonly #prefix: string;
  /** The primary first. */
  readonly families: readonly IpFamily[];
  #revision = -1;
  #ready: readonly AddressRange[] = [];

  /**
   * @param cache of ServiceCIDRs
   * @param own the ranges that the server was started with: they say which families the cluster has
   * @throws FairleadError INVALID_ADDRESS_RANGE
   */
  constructor(cache: ResourceCache, prefix: string, own: readonly string[]) {
    this.#cache = cache;
    this.#prefix = prefix;
    this.families = own.map((cidr) => addressRange(cidr).family);
  }

  /** Of one family, the ones of the ServiceCIDR `kubernetes` among them in the order of the objects' names. */
  async ofFamily(family: IpFamily): Promise<readonly AddressRange[]> {
    await this.#cache.current();
    if (this.#revision !== this.#cache.revision) this.#read();
    return this.#ready.filter((range) => range.family === family);
  }

  #read(): void {
    this.#revision = this.#cache.revision;
    const ready = this.#cache.items.withPrefix(this.#prefix).map(({ bytes }) => parseObject(bytes));
    const texts = new Set(
      ready.filter(isReady).flatMap((object) => partOf<V1ServiceCIDRSpec>(object, "spec").cidrs ?? []),
    );
    this.#ready = [...texts].map(addressRange);
  }
}

/** One of which nobody has said anything yet is: the controller that says may not run. */
export function isReady(object: ApiObject): boolean {
  if (object.metadata.deletionTimestamp !== undefined) return false;
  const { conditions = [] } = partOf<V1ServiceCIDRStatus>(object, "status");
  const ready = conditions.find(({ type }) => type === "Ready");
  return ready === undefined || ready.status === "True";
}
