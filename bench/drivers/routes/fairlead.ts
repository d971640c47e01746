/** Fairlead's way to add routes: changes, encoded and sent as they fill chunks. */
import { parseIp, type IpAddress } from "../../../src/model/address.ts";
import type { NativeNamespace } from "../../../src/kernel/native.ts";
import type { RoutingChange, RoutingPort } from "../../../src/kernel/ports.ts";
import { openRouting } from "../../../src/kernel/real/routing.ts";
import { pace, timedHere } from "../../clock.ts";
import type { Cleanup, Driver } from "../../driver.ts";
import { missingProgram } from "../../namespace.ts";
import { destinations, gateway, linkName, prefixLength, type RouteParameters } from "./content.ts";
import { linkedNamespace, listRoutes } from "./ip.ts";

export const fairleadRoutes: Driver<RouteParameters> = {
  name: "fairlead",
  what: "RoutingPort.apply: encode, send, outcomes; the changes and the socket are there before",
  // It makes the link and is the judge.
  missing: () => missingProgram("ip"),
  async prepare(parameters, cleanup) {
    const namespace = await linkedNamespace(cleanup);
    const port = await routingPort(namespace, cleanup);
    const changes = routeChanges(destinations(parameters), await linkIndex(port));
    return async () => {
      const { time, cpu } = await timedHere(async () => failOnRefusal(await port.apply(changes)));
      return { figures: { ...pace(time, parameters.routes), cpu }, outcome: await listRoutes(namespace) };
    };
  },
};

async function routingPort(namespace: NativeNamespace, cleanup: Cleanup): Promise<RoutingPort> {
  const port = await openRouting({ namespace });
  cleanup.add(() => port.close());
  return port;
}

async function linkIndex(port: RoutingPort): Promise<number> {
  const link = (await port.links()).find(({ name }) => name === linkName);
  if (!link) throw new Error(`the namespace has no link ${linkName}`);
  return link.index;
}

/** A route to each network through the gateway. */
export function routeChanges(networks: readonly string[], outInterface: number): RoutingChange[] {
  const value = { outInterface, gateway: address(gateway), destinationPrefixLength: prefixLength };
  return networks.map((network) => ({
    verb: "add",
    object: "route",
    value: { ...value, destination: address(network) },
  }));
}

function address(text: string): IpAddress {
  const parsed = parseIp(text);
  if (!parsed) throw new TypeError(`"${text}" is not an address`);
  return parsed;
}

function failOnRefusal(outcomes: readonly (Error | null)[]): void {
  for (const outcome of outcomes) if (outcome) throw outcome;
}
