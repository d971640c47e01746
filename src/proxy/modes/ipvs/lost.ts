/** Whether what was left is there still, by lists that are cheap: others remove servers and addresses, and no event says so. Pure. */
import {
  destinationName,
  serviceName,
  type IpvsServiceWithDestinations,
  type ListedIpvsService,
} from "../../../kernel/netlink/ipvs/service.ts";
import type { IpAddress } from "../../../model/address.ts";
import { ownServers } from "./plan.ts";
import type { Ruleset } from "./ruleset.ts";
import { isSameService } from "./server_steps.ts";

export interface Listed {
  readonly servers: readonly ListedIpvsService[];
  /** Addresses that this machine has for Services, of any family. */
  readonly addresses: readonly IpAddress[];
}

/** Whether servers or addresses are otherwise than they are wanted. Bit by bit. */
export function* isOtherwise({ options, servers, addresses }: Ruleset, listed: Listed): Generator<void, boolean, void> {
  const isOurs = ownServers(options.family, options.excludeCidrs);
  const there = new Map(listed.servers.filter(({ key }) => isOurs(key)).map((one) => [serviceName(one.key), one]));
  for (const [name, { service }] of servers.entries()) {
    const found = there.get(name);
    if (!found || !isSameService(found, service)) return true;
    there.delete(name);
    yield;
  }
  const bound = new Set(listed.addresses.filter((address) => address.includes(":") === (options.family === "IPv6")));
  for (const [, address] of addresses.entries()) {
    if (!bound.delete(address)) return true;
    yield;
  }
  return there.size > 0 || bound.size > 0;
}

/** Whether one of these servers lacks a destination that it should have. Those that are ending are no loss. */
export function lacksDestinations({ servers }: Ruleset, listed: readonly IpvsServiceWithDestinations[]): boolean {
  return listed.some(({ key, destinations }) => {
    const serving = destinations.filter(({ weight, forwarding }) => weight === 1 && forwarding === "masq");
    const names = new Set(serving.map(destinationName));
    const wanted = servers.get(serviceName(key))?.backends ?? [];
    return Array.from(wanted).some(({ ip: address, port }) => !names.has(destinationName({ address, port })));
  });
}
