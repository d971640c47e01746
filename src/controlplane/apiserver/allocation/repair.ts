/**
 * Compares claims with Services (upstream's ipallocator and portallocator repair loops): a Service
 * without its claims gets them, and a claim whose Service a crash has kept from coming goes.
 */
import type { ApiObject } from "../resources/resource.ts";
import type { ResourceCache } from "../storage/cache.ts";
import { parseObject } from "../storage/object_bytes.ts";
import type { Claims, Owner } from "./claims.ts";

export const repairIntervalMs = 180_000;
/** A younger claim may be of a Service that another server is about to write. */
const minOrphanAgeMs = 60_000;

export interface RepairOptions {
  readonly services: ResourceCache;
  readonly addresses: Claims;
  readonly ports: Claims;
  /** Wall clock in ms. */
  readonly now: () => number;
}

type TakenBy = (object: ApiObject) => { readonly addresses: readonly string[]; readonly ports: readonly string[] };

/**
 * @param orphans claims that had no Service the time before; those that still have none are given back
 */
export async function repair(options: RepairOptions, orphans: Set<string>, takenBy: TakenBy): Promise<void> {
  const wanted = { addresses: new Map<string, Owner>(), ports: new Map<string, Owner>() };
  await options.services.current();
  for (const { bytes } of options.services.items.withPrefix("/services/")) {
    const service = parseObject(bytes);
    const owner = { namespace: service.metadata.namespace ?? "", name: service.metadata.name ?? "" };
    const { addresses, ports } = takenBy(service);
    for (const address of addresses) wanted.addresses.set(address, owner);
    for (const port of ports) wanted.ports.set(port, owner);
  }
  const before = new Set(orphans);
  orphans.clear();
  await repairClaims("address", options.addresses, wanted.addresses, before, orphans, options.now());
  await repairClaims("port", options.ports, wanted.ports, before, orphans, options.now());
}

async function repairClaims(
  kind: string,
  claims: Claims,
  wanted: ReadonlyMap<string, Owner>,
  before: ReadonlySet<string>,
  orphans: Set<string>,
  nowMs: number,
): Promise<void> {
  for (const [name, owner] of wanted) if (!claims.isTaken(name)) await claims.claim(name, owner);
  for (const { name, owner, madeMs } of [...claims.all()]) {
    if (!owner || wanted.has(name) || nowMs - madeMs < minOrphanAgeMs) continue;
    const key = `${kind} ${name} ${owner.namespace}/${owner.name}`;
    if (before.has(key)) await claims.release(name, owner);
    else orphans.add(key);
  }
}
