/** What is to be done with a ServiceCIDR (upstream: pkg/controller/servicecidrs). Pure. */
import ipaddr from "ipaddr.js";
import type { IPAddress, ServiceCIDR } from "../../../model/kubernetes.ts";
import { timestamp } from "../../../model/timestamp.ts";

export const finalizer = "networking.k8s.io/service-cidr-finalizer";
/** From a deletion on, in ms, servers may still give out addresses of a range that they think is ready. */
const propagationMs = 10_000;

export type ServiceCidrStatus = NonNullable<ServiceCIDR["status"]>;
type Condition = NonNullable<ServiceCidrStatus["conditions"]>[number];

export type ServiceCidrStep =
  | { readonly type: "addFinalizer" }
  | { readonly type: "removeFinalizer" }
  | { readonly type: "writeStatus"; readonly status: ServiceCidrStatus };

export interface ServiceCidrPlan {
  readonly steps: readonly ServiceCidrStep[];
  readonly againAfterMs?: number;
}

/** @param others all ServiceCIDRs; the one itself among them does no harm */
export function planServiceCidr(
  cidr: ServiceCIDR,
  others: readonly ServiceCIDR[],
  addresses: readonly IPAddress[],
  nowMs: number,
): ServiceCidrPlan {
  const has = (cidr.metadata.finalizers ?? []).includes(finalizer);
  const { deletionTimestamp } = cidr.metadata;
  if (deletionTimestamp === undefined) {
    const steps: ServiceCidrStep[] = has ? [] : [{ type: "addFinalizer" }];
    return { steps: [...steps, ...statusStep(cidr, ready, nowMs)] };
  }
  if (!has) return { steps: [] };
  if (!isDispensable(cidr, others, addresses)) return { steps: statusStep(cidr, terminating, nowMs) };
  const left = Date.parse(deletionTimestamp) + propagationMs - nowMs;
  return left > 0 ? { steps: [], againAfterMs: left } : { steps: [{ type: "removeFinalizer" }] };
}

const ready = { status: "True", reason: "", message: "Kubernetes Service CIDR is ready" };
const terminating = {
  status: "False",
  reason: "Terminating",
  message: "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
};

/** A condition that says the same already keeps its words: the server's own default range has others. */
function statusStep({ status }: ServiceCIDR, wanted: typeof ready, nowMs: number): ServiceCidrStep[] {
  const conditions = status?.conditions ?? [];
  const before = conditions.find(({ type }) => type === "Ready");
  if (before?.status === wanted.status) return [];
  const condition: Condition = { type: "Ready", ...wanted, lastTransitionTime: timestamp(nowMs) };
  const others = conditions.filter(({ type }) => type !== "Ready");
  return [{ type: "writeStatus", status: { ...status, conditions: [...others, condition] } }];
}

/** Whether no Service's address stands or falls with it: others hold the same ranges, or none of its addresses is taken. */
function isDispensable(cidr: ServiceCIDR, all: readonly ServiceCIDR[], addresses: readonly IPAddress[]): boolean {
  const others = all.filter(
    ({ metadata }) => metadata.name !== cidr.metadata.name && metadata.deletionTimestamp === undefined,
  );
  const ranges = others.flatMap(rangesOf);
  const own = rangesOf(cidr);
  if (own.every((range) => ranges.some((other) => contains(other, range)))) return true;
  return addresses.every(({ metadata }) => {
    const address = ipaddr.parse(metadata.name);
    return !own.some((range) => includes(range, address)) || ranges.some((range) => includes(range, address));
  });
}

/** Whether two ServiceCIDRs have to do with one another. */
export function overlap(a: ServiceCIDR, b: ServiceCIDR): boolean {
  return rangesOf(a).some((one) => rangesOf(b).some((other) => contains(one, other) || contains(other, one)));
}

/** Whether an address is of one of the ranges. */
export function holds(cidr: ServiceCIDR, { metadata }: IPAddress): boolean {
  return rangesOf(cidr).some((range) => includes(range, ipaddr.parse(metadata.name)));
}

type Address = ReturnType<typeof ipaddr.parse>;
type Cidr = ReturnType<typeof ipaddr.parseCIDR>;

function rangesOf({ spec }: ServiceCIDR): Cidr[] {
  return (spec.cidrs ?? []).map((text) => ipaddr.parseCIDR(text));
}

function includes([network, bits]: Cidr, address: Address): boolean {
  return network.kind() === address.kind() && address.match(network, bits);
}

function contains(outer: Cidr, inner: Cidr): boolean {
  return outer[1] <= inner[1] && includes(outer, inner[0]);
}
