/** Reads a pod's link from the kernel. */
import type { RoutingPort } from "../../kernel/ports.ts";
import type { ObservedEnd } from "./plan.ts";

/** @returns undefined where there is no link of the name */
export async function observeEnd(port: RoutingPort, name: string): Promise<ObservedEnd | undefined> {
  const link = await port.link({ name });
  if (!link) return undefined;
  const { index } = link;
  const [addresses, routes, neighbors, qdiscs] = await Promise.all([
    port.addresses({ index }),
    port.routes({ outInterface: index }),
    port.neighbors({ index }),
    port.qdiscs({ index }),
  ]);
  return { link, addresses, routes, neighbors, qdiscs };
}
