/** The content that the drivers of `route-load` load: a pod network of many nodes. */
import { createHash } from "node:crypto";

export type RouteParameters = { readonly routes: number };

export const linkName = "bench0";
export const peerName = "bench1";
export const localAddress = "192.0.2.1/24";
export const gateway = "192.0.2.2";

export const prefixLength = 24;

/** Networks of that length from 10.0.0.0 on, and beyond 65,536 of them from 11.0.0.0. */
export function destinations({ routes }: RouteParameters): string[] {
  return Array.from({ length: routes }, (_, i) => `${10 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0`);
}

/** The same content as `ip -batch` reads it. */
export function batchText(parameters: RouteParameters): string {
  const lines = destinations(parameters).map((to) => `route add ${to}/${prefixLength} via ${gateway} dev ${linkName}`);
  return lines.join("\n") + "\n";
}

/** What `ip route` shows of the routes through the gateway, so that it is equal for equal tables. */
export function listedOutcome(listing: string): string {
  const routes = listing.match(/^[\d.]+\/\d+ via [\d.]+ dev \S+/gm) ?? [];
  const digest = createHash("sha256").update(routes.sort().join("\n")).digest("hex");
  return `${routes.length} routes, sha256 ${digest.slice(0, 16)}`;
}
