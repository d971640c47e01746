/**
 * The canonical form of an Endpoints' subsets: addresses that offer the same ports together, ports that the
 * same addresses offer together (upstream: pkg/api/v1/endpoints/util.go RepackSubsets). Upstream sorts by
 * hashes of Go values; here it is by text, which is as stable. Pure.
 */
import type { Endpoints } from "../../../model/kubernetes.ts";

export type Subset = NonNullable<Endpoints["subsets"]>[number];
export type Address = NonNullable<Subset["addresses"]>[number];
export type Port = NonNullable<Subset["ports"]>[number];

/** One address at one port; a headless Service without ports has addresses alone. */
export interface Offer {
  readonly address: Address;
  readonly port: Port | undefined;
  readonly isReady: boolean;
}

interface Standing {
  readonly address: Address;
  readonly isReady: boolean;
}

export function repack(offers: readonly Offer[]): Subset[] {
  const ports = new Map<string, { port: Port | undefined; addresses: Map<string, Standing> }>();
  for (const { address, port, isReady } of offers) {
    const key = JSON.stringify([port?.port, port?.protocol, port?.name, port?.appProtocol]);
    const entry = ports.get(key) ?? { port, addresses: new Map<string, Standing>() };
    ports.set(key, entry);
    const id = addressKey(address);
    // Not ready once is not ready.
    const standing = entry.addresses.get(id);
    if (standing?.isReady !== false) entry.addresses.set(id, { address: standing?.address ?? address, isReady });
  }
  const groups = new Map<string, { ports: Port[]; addresses: Standing[] }>();
  for (const [, { port, addresses }] of [...ports].sort(byKey)) {
    const sorted = [...addresses].sort(byKey);
    const key = sorted.map(([id, { isReady }]) => `${id} ${isReady}`).join();
    const group = groups.get(key) ?? { ports: [], addresses: sorted.map(([, standing]) => standing) };
    groups.set(key, group);
    if (port) group.ports.push(port);
  }
  return [...groups.values()].map(subset);
}

function subset({ ports, addresses }: { ports: readonly Port[]; addresses: readonly Standing[] }): Subset {
  const ready = addresses.filter(({ isReady }) => isReady).map(({ address }) => address);
  const notReady = addresses.filter(({ isReady }) => !isReady).map(({ address }) => address);
  return {
    ...(ready.length === 0 ? {} : { addresses: ready }),
    ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
    ...(ports.length === 0 ? {} : { ports }),
  };
}

/** Pods on the host's network share its address: the pod tells them apart. */
function addressKey({ ip, targetRef }: Address): string {
  return `${ip} ${targetRef?.uid ?? ""}`;
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The most addresses of one Endpoints. */
export const maxCapacity = 1000;

export function countAddresses(subsets: readonly Subset[] = []): number {
  return subsets.reduce((sum, { addresses, notReadyAddresses }) => {
    return sum + (addresses?.length ?? 0) + (notReadyAddresses?.length ?? 0);
  }, 0);
}

/** At most maxCapacity addresses, ready ones first, of each subset its share. */
export function truncate(subsets: readonly Subset[]): readonly Subset[] {
  if (countAddresses(subsets) <= maxCapacity) return subsets;
  const ready = subsets.reduce((sum, { addresses }) => sum + (addresses?.length ?? 0), 0);
  if (ready > maxCapacity) {
    return share(subsets, ready, maxCapacity, ({ addresses }) => addresses ?? []).map(({ of, taken }) => {
      const { notReadyAddresses: _, ...rest } = of;
      return { ...rest, addresses: taken };
    });
  }
  const room = maxCapacity - ready;
  return share(subsets, countAddresses(subsets) - ready, room, ({ notReadyAddresses }) => notReadyAddresses ?? []).map(
    ({ of: { notReadyAddresses: _, ...rest }, taken }) =>
      taken.length === 0 ? rest : { ...rest, notReadyAddresses: taken },
  );
}

function share(
  subsets: readonly Subset[],
  total: number,
  room: number,
  addressesOf: (subset: Subset) => readonly Address[],
): { of: Subset; taken: readonly Address[] }[] {
  let left = room;
  return subsets.map((of) => {
    const addresses = addressesOf(of);
    const taken = addresses.slice(0, Math.min(left, Math.ceil((addresses.length / total) * room)));
    left -= taken.length;
    return { of, taken };
  });
}
