/** Health-check node ports that are open, and those that are wanted → which to close and which to open. */
import type { HealthCheck } from "./derive.ts";

/** By "namespace/name". */
export type HealthChecks = ReadonlyMap<string, HealthCheck>;

export type HealthStep =
  | { readonly step: "close"; readonly service: string }
  | { readonly step: "open"; readonly service: string; readonly port: number };

/**
 * Closing comes first: a port may go from one Service to another.
 *
 * @param open ports by the Service's name
 * @param services those to look at
 */
export function planHealthPorts(
  open: ReadonlyMap<string, number>,
  wanted: HealthChecks,
  services: Iterable<string>,
): readonly HealthStep[] {
  const close: HealthStep[] = [];
  const opening: HealthStep[] = [];
  for (const service of services) {
    const port = wanted.get(service)?.port;
    const before = open.get(service);
    if (port === before) continue;
    if (before !== undefined) close.push({ step: "close", service });
    if (port !== undefined) opening.push({ step: "open", service, port });
  }
  return [...close, ...opening];
}
