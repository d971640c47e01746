/**
 * Gives Services their cluster IPs, node ports and health-check ports, and takes them back: an
 * admission plug-in that comes last before the write (upstream's core/service/storage/alloc.go).
 */
import type { V1ServicePort } from "@kubernetes/client-node";
import type { Store } from "../../store/store.ts";
import type { AdmissionPlugin, AdmissionRequest, Reservation } from "../admission/admission.ts";
import type { ApiObject, Resource } from "../resources/resource.ts";
import { builtIn } from "../resources/table.ts";
import { ResourceCache } from "../storage/cache.ts";
import { prefixOf } from "../storage/keys.ts";
import { causesOf } from "../validation/causes.ts";
import type { IpFamily } from "../validation/ip.ts";
import type { Json } from "../validation/json.ts";
import { addressClaims, Claims, portClaims } from "./claims.ts";
import { isHeadless, settleFamilies, type ServiceSpec } from "./families.ts";
import { canonicalAddress, portRange, type AddressRange, type Range } from "./ranges.ts";
import { repair, repairIntervalMs } from "./repair.ts";
import { ensureServiceCidr } from "./service_cidr.ts";
import { ServiceRanges } from "./service_ranges.ts";
import { internalError, refuseInvalid, Transaction, type Taken } from "./transaction.ts";

export interface ServiceAllocationOptions {
  readonly store: Store;
  /** The server's caches by where resources are stored. */
  readonly caches: ReadonlyMap<string, ResourceCache>;
  /** --service-cluster-ip-range: one, or two of two families, the primary first. */
  readonly serviceCidrs: readonly string[];
  /** --service-node-port-range; default 30000-32767. */
  readonly nodePortRange?: string;
  /** Wall clock in ms. */
  readonly now: () => number;
  /** In [0, 1); default Math.random. */
  readonly random?: () => number;
  readonly onError: (error: unknown, what: string) => void;
}

export const defaultNodePortRange = "30000-32767";

const alreadyAllocated = "provided IP is already allocated";
const portAlreadyAllocated = "provided port is already allocated";

export class ServiceAllocation implements AdmissionPlugin {
  readonly name = "ServiceAllocation";
  readonly #addresses: Claims;
  readonly #ports: Claims;
  readonly #ranges: ServiceRanges;
  readonly #portRange: Range;
  readonly #portCache: ResourceCache;
  readonly #services: ResourceCache;
  readonly #now: () => number;
  readonly #onError: ServiceAllocationOptions["onError"];
  /** Claims that had no Service at the last comparison. */
  readonly #orphans = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: ServiceAllocationOptions, portCache: ResourceCache) {
    const { store, now, random = Math.random, caches } = options;
    const ipAddresses = builtIn.find((row) => row.plural === "ipaddresses")!;
    const common = { store, now, random };
    const addressCache = caches.get(ipAddresses.storedAs)!;
    this.#addresses = new Claims({ ...common, ...addressClaims, cache: addressCache, prefix: prefixOf(ipAddresses) });
    this.#ports = new Claims({ ...common, ...portClaims, cache: portCache });
    this.#portCache = portCache;
    const serviceCidrs = builtIn.find((row) => row.plural === "servicecidrs")!;
    const cidrCache = caches.get(serviceCidrs.storedAs)!;
    this.#ranges = new ServiceRanges(cidrCache, prefixOf(serviceCidrs), options.serviceCidrs);
    this.#portRange = portRange(options.nodePortRange ?? defaultNodePortRange);
    this.#services = caches.get("services")!;
    this.#now = now;
    this.#onError = options.onError;
  }

  /**
   * Makes the ServiceCIDR `kubernetes` where it is not there, and compares what is claimed with the
   * Services that are stored, then and every few minutes.
   *
   * @throws FairleadError INVALID_ADDRESS_RANGE
   */
  static async start(options: ServiceAllocationOptions): Promise<ServiceAllocation> {
    const portCache = await ResourceCache.start(options.store, portClaims.prefix, () => ({}));
    const allocation = new ServiceAllocation(options, portCache);
    await ensureServiceCidr(options.store, options.serviceCidrs, options.now());
    await allocation.compare();
    allocation.#timer = setInterval(() => {
      allocation.compare().catch((error: unknown) => allocation.#onError(error, "compare allocations with Services"));
    }, repairIntervalMs);
    allocation.#timer.unref();
    return allocation;
  }

  /** Compares what is claimed with the Services that are stored: see `repair.ts`. */
  async compare(): Promise<void> {
    const claims = { addresses: this.#addresses, ports: this.#ports };
    await repair({ ...claims, services: this.#services, now: this.#now }, this.#orphans, takenBy);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#portCache.close();
  }

  async reserve(request: AdmissionRequest): Promise<Reservation | undefined> {
    const { resource, subresource, namespace, name, object, old, dryRun } = request;
    if (resource.plural !== "services" || resource.group !== "" || subresource !== "") return undefined;
    const transaction = new Transaction({ namespace, name: object?.metadata.name ?? name }, dryRun);
    const before = old ? this.#taken(old) : [];
    if (!object || goesAway(object)) return this.#reservation(transaction, before, () => undefined);
    const asked = structuredClone(object["spec"]);
    const restore = (): void => void (object["spec"] = asked);
    try {
      await this.#allocate(resource, object, old, transaction);
    } catch (error) {
      await transaction.release();
      restore();
      throw error;
    }
    const after = this.#taken(object);
    const obsolete = before.filter((taken) => !after.some((kept) => isSameClaim(kept, taken)));
    return this.#reservation(transaction, obsolete, restore);
  }

  #reservation(transaction: Transaction, obsolete: readonly Taken[], restore: () => void): Reservation {
    return {
      // The write is done: what cannot be given back now is found by the comparison.
      keep: () =>
        transaction.giveBack(obsolete).catch((error: unknown) => this.#onError(error, "give back what a Service had")),
      release: async () => {
        restore();
        await transaction.release().catch((error: unknown) => this.#onError(error, "give back what a Service got"));
      },
    };
  }

  async #allocate(
    resource: Resource,
    object: ApiObject,
    old: ApiObject | undefined,
    transaction: Transaction,
  ): Promise<void> {
    const spec = specOf(object);
    const before = old && specOf(old);
    const name = object.metadata.name ?? "";
    refuseInvalid(resource, name, settleFamilies(spec, before, this.#ranges.families));
    await this.#allocateAddresses(resource, name, spec, before, transaction);
    await this.#allocatePorts(resource, name, spec, before, transaction);
    await this.#allocateHealthPort(spec, before, transaction);
  }

  async #allocateAddresses(
    resource: Resource,
    name: string,
    spec: ServiceSpec,
    old: ServiceSpec | undefined,
    transaction: Transaction,
  ): Promise<void> {
    if (spec.type === "ExternalName") return;
    if (isHeadless(spec)) {
      spec.clusterIP = "None";
      spec.clusterIPs = ["None"];
      return;
    }
    const had = new Set(addressesOf(old));
    const asked = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
    const result: string[] = [];
    for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
      const ranges = await this.#ranges.ofFamily(family as IpFamily);
      const ip = asked[i];
      if (!ip) result.push(await transaction.next(this.#addresses, ranges, "a serviceIP"));
      else {
        if (!had.has(canonicalAddress(ip))) {
          const reason = await this.#claimAddress(ip, ranges, transaction);
          if (reason !== undefined) {
            const causes = causesOf((out) =>
              out.invalid("spec.clusterIPs", asked, `failed to allocate IP ${ip}: ${reason}`),
            );
            refuseInvalid(resource, name, causes);
          }
        }
        result.push(ip);
      }
    }
    spec.clusterIPs = result;
    spec.clusterIP = result[0]!;
  }

  /** @returns why not */
  async #claimAddress(
    ip: string,
    ranges: readonly AddressRange[],
    transaction: Transaction,
  ): Promise<string | undefined> {
    const address = canonicalAddress(ip);
    if (!ranges.some((range) => range.includes(address))) {
      const valid = ranges.map(({ text }) => text).join(", ");
      return `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${valid}`;
    }
    return (await transaction.claim(this.#addresses, address)) ? undefined : alreadyAllocated;
  }

  async #allocatePorts(
    resource: Resource,
    name: string,
    spec: ServiceSpec,
    old: ServiceSpec | undefined,
    transaction: Transaction,
  ): Promise<void> {
    if (!usesNodePorts(spec)) return;
    // What it has already, it does not claim again: a number serves every protocol of a port.
    const mine = new Set(old && usesNodePorts(old) ? nodePortsOf(old) : []);
    const ports = spec.ports ?? [];
    for (const [i, port] of ports.entries()) {
      if (!port.nodePort || mine.has(port.nodePort)) continue;
      const reason = await this.#claimPort(port.nodePort, transaction);
      if (reason !== undefined) {
        refuseInvalid(
          resource,
          name,
          causesOf((out) => out.invalid(`spec.ports[${i}].nodePort`, port.nodePort, reason)),
        );
      }
      mine.add(port.nodePort);
    }
    if (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts === false) return;
    for (const port of ports) {
      if (port.nodePort) continue;
      port.nodePort =
        sharedPort(port, ports) ?? Number(await transaction.next(this.#ports, [this.#portRange], "a nodePort"));
    }
  }

  async #allocateHealthPort(spec: ServiceSpec, old: ServiceSpec | undefined, transaction: Transaction): Promise<void> {
    if (spec.type !== "LoadBalancer" || spec.externalTrafficPolicy !== "Local") return;
    const port = spec.healthCheckNodePort;
    if (!port) {
      const found = await transaction.next(this.#ports, [this.#portRange], "a HealthCheck NodePort");
      spec.healthCheckNodePort = Number(found);
    } else if (port !== old?.healthCheckNodePort) {
      const reason = await this.#claimPort(port, transaction);
      if (reason !== undefined)
        throw internalError(`failed to allocate requested HealthCheck NodePort ${port}: ${reason}`);
    }
  }

  /** @returns why not */
  async #claimPort(port: number, transaction: Transaction): Promise<string | undefined> {
    if (!this.#portRange.includes(String(port))) {
      return `provided port is not in the valid range. The range of valid ports is ${this.#portRange.text}`;
    }
    return (await transaction.claim(this.#ports, String(port))) ? undefined : portAlreadyAllocated;
  }

  #taken(object: ApiObject): Taken[] {
    const { addresses, ports } = takenBy(object);
    return [
      ...addresses.map((name) => ({ claims: this.#addresses, name })),
      ...ports.map((name) => ({ claims: this.#ports, name })),
    ];
  }
}

function isSameClaim(a: Taken, b: Taken): boolean {
  return a.claims === b.claims && a.name === b.name;
}

function specOf(object: ApiObject): ServiceSpec {
  return object["spec"] as ServiceSpec;
}

/** What a stored Service has: the names of its claims. */
export function takenBy(object: ApiObject): {
  readonly addresses: readonly string[];
  readonly ports: readonly string[];
} {
  const spec = specOf(object);
  const health = spec.healthCheckNodePort ? [spec.healthCheckNodePort] : [];
  const ports = new Set([...(usesNodePorts(spec) ? nodePortsOf(spec) : []), ...health]);
  return { addresses: addressesOf(spec), ports: [...ports].map(String) };
}

function addressesOf(spec: ServiceSpec | undefined): string[] {
  if (!spec || spec.type === "ExternalName" || isHeadless(spec)) return [];
  const all = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  return all.map(canonicalAddress);
}

function usesNodePorts({ type }: ServiceSpec): boolean {
  return type === "NodePort" || type === "LoadBalancer";
}

function nodePortsOf({ ports = [] }: ServiceSpec): number[] {
  return ports.flatMap(({ nodePort }) => (nodePort ? [nodePort] : []));
}

/** One port for TCP and UDP (DNS) has one number for both. */
function sharedPort(port: Json<V1ServicePort>, ports: readonly Json<V1ServicePort>[]): number | undefined {
  const twin = ports.find((one) => one.port === port.port && one.protocol !== port.protocol && one.nodePort);
  const isUsed = ports.some((one) => one.nodePort === twin?.nodePort && one.protocol === port.protocol);
  return isUsed ? undefined : twin?.nodePort;
}

/** A change that takes the last finalizer off a deleted object removes it. */
function goesAway({ metadata }: ApiObject): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0;
}
