/**
 * What every RoutingPort does, real or fake. The errors are the kernel's (6.18): the fake gives the same.
 *
 * Lists are compared by what they must hold: the kernel adds entries of its own (multicast neighbours,
 * a bridge's own addresses, IPv6 link-local addresses), the fake does not.
 */
import { describeAddresses } from "./routing/addresses.ts";
import { useRouting, type RoutingBench } from "./routing/context.ts";
import { describeLinks } from "./routing/links.ts";
import { describeNeighbors } from "./routing/neighbors.ts";
import { describePort } from "./routing/port.ts";
import { describeRoutes } from "./routing/routes.ts";
import { describeTrafficControl } from "./routing/traffic_control.ts";

export function describeRouting(open: () => Promise<RoutingBench>): void {
  const on = useRouting(open);
  describeLinks(on);
  describeAddresses(on);
  describeRoutes(on);
  describeNeighbors(on);
  describeTrafficControl(on);
  describePort(on);
}
