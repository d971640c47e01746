/**
 * Which addresses of the pool a Service has, with the finalizer and the Events of upstream's service
 * controller (k8s.io/cloud-provider/controllers/service).
 */
import type { Service } from "../../../model/kubernetes.ts";
import { familiesOf } from "../services/endpoint_pod.ts";
import { familyOfIp } from "../../../model/cidr.ts";
import type { IpFamily } from "../../../model/service.ts";
import { canonical, hasFamily, isInPool, nextFree, type Pool } from "./pool.ts";

export const cleanupFinalizer = "service.kubernetes.io/load-balancer-cleanup";

type Ingress = NonNullable<NonNullable<NonNullable<Service["status"]>["loadBalancer"]>["ingress"]>[number];

export interface ServiceEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export type Step =
  | { readonly kind: "finalizers"; readonly finalizers: readonly string[] }
  | { readonly kind: "ingress"; readonly ingress: readonly Ingress[] }
  | { readonly kind: "event"; readonly event: ServiceEvent };

export interface Observed {
  readonly service: Service;
  readonly pool: Pool;
  /** Services that have an address in their status. */
  readonly holders: (address: string) => readonly Service[];
  /** By family, the address that was given last. */
  readonly last: ReadonlyMap<IpFamily, string>;
}

/** A Service of a class is that class's. */
export function wantsAddress({ spec, metadata }: Service): boolean {
  const isPlain = spec.type === "LoadBalancer" && spec.loadBalancerClass === undefined;
  return isPlain && metadata.deletionTimestamp === undefined;
}

export function addressesOf({ status }: Service): readonly string[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [ip]));
}

/** Whether the addresses in a Service's status are out of this controller's hands into its. */
export function holdsAddress(service: Service): boolean {
  return service.metadata.finalizers?.includes(cleanupFinalizer) === true || wantsAddress(service);
}

const event = (type: "Normal" | "Warning", reason: string, message: string): Step => {
  return { kind: "event", event: { type, reason, message } };
};

export function plan(observed: Observed): readonly Step[] {
  const { service, pool } = observed;
  if (!wantsAddress(service)) return release(service);
  // Without a pool nobody balances load: the Service stays pending, as on upstream without a cloud.
  if (pool.length === 0) return [];
  return assign(observed);
}

function release({ metadata, status }: Service): readonly Step[] {
  const finalizers = metadata.finalizers ?? [];
  if (!finalizers.includes(cleanupFinalizer)) return [];
  const hasIngress = (status?.loadBalancer?.ingress ?? []).length > 0;
  return [
    event("Normal", "DeletingLoadBalancer", "Deleting load balancer"),
    ...(hasIngress ? [{ kind: "ingress", ingress: [] } as const] : []),
    { kind: "finalizers", finalizers: finalizers.filter((one) => one !== cleanupFinalizer) },
    event("Normal", "DeletedLoadBalancer", "Deleted load balancer"),
  ];
}

function assign(observed: Observed): readonly Step[] {
  const { service } = observed;
  const { addresses, problem } = choose(observed);
  const now = addressesOf(service);
  const failure =
    problem === undefined
      ? []
      : [event("Warning", "SyncLoadBalancerFailed", `Error syncing load balancer: ${problem}`)];
  if (addresses.join() === now.join()) return failure;
  const finalizers = service.metadata.finalizers ?? [];
  const guard: Step[] = finalizers.includes(cleanupFinalizer)
    ? []
    : [{ kind: "finalizers", finalizers: [...finalizers, cleanupFinalizer] }];
  const ingress = addresses.map((ip) => ({ ip, ipMode: "VIP" }));
  if (addresses.length === 0) return [...failure, { kind: "ingress", ingress }];
  return [
    event("Normal", "EnsuringLoadBalancer", "Ensuring load balancer"),
    ...guard,
    { kind: "ingress", ingress },
    ...failure,
    event("Normal", "EnsuredLoadBalancer", "Ensured load balancer"),
  ];
}

/** What it has and may keep, what it asks for, and for the other families what is free. */
function choose(observed: Observed): { addresses: readonly string[]; problem?: string } {
  const { service, pool, last } = observed;
  const wished = service.spec.loadBalancerIP ?? "";
  const asked = wished === "" ? undefined : ask(observed, wished);
  if (asked !== undefined && "problem" in asked) return { addresses: [], problem: asked.problem };
  const addresses: string[] = [];
  const lacking: IpFamily[] = [];
  for (const family of familiesOf(service).filter((one) => hasFamily(pool, one))) {
    const own = addressesOf(service).find((ip) => familyOfIp(ip) === family && mayKeep(observed, ip));
    const reserved = asked !== undefined && familyOfIp(asked.address) === family ? asked.address : undefined;
    const isTaken = (ip: string): boolean => observed.holders(ip).length > 0;
    const address = reserved ?? own ?? nextFree(pool, family, last.get(family), isTaken);
    if (address === undefined) lacking.push(family);
    else addresses.push(address);
  }
  if (addresses.length === 0 && lacking.length === 0) {
    return { addresses, problem: `the pool has no ${familiesOf(service).join(" or ")} addresses` };
  }
  return lacking.length === 0
    ? { addresses }
    : { addresses, problem: `no ${lacking.join(" or ")} address of the pool is free` };
}

function ask(observed: Observed, wished: string): { address: string } | { problem: string } {
  const address = canonical(wished);
  if (address === undefined || !isInPool(observed.pool, address)) {
    return { problem: `requested address ${wished} is not in the pool` };
  }
  const { uid } = observed.service.metadata;
  const other = observed.holders(address).find(({ metadata }) => metadata.uid !== uid);
  if (other === undefined || mayKeepBeside(observed.service, address, other)) return { address };
  const { namespace = "", name } = other.metadata;
  return { problem: `requested address ${wished} is in use by Service ${namespace}/${name}` };
}

/** Of two that have one address (somebody wrote a status) the older keeps it. */
function mayKeep({ service, pool, holders }: Observed, ip: string): boolean {
  return isInPool(pool, ip) && holders(ip).every((other) => mayKeepBeside(service, ip, other));
}

function mayKeepBeside(service: Service, ip: string, other: Service): boolean {
  if (other.metadata.uid === service.metadata.uid) return true;
  const age = ({ metadata }: Service): string => `${metadata.creationTimestamp} ${metadata.uid}`;
  return addressesOf(service).includes(ip) && age(service) < age(other);
}
