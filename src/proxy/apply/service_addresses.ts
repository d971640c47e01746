/** This machine has the addresses of Services, so that packets to them are for it and IPVS sees them. */
import { FairleadError } from "../../errors/catalogue.ts";
import type { RoutingChange, RoutingPort } from "../../kernel/ports.ts";
import type { IpAddress } from "../../model/address.ts";
import { deviceName } from "../modes/ipvs/names.ts";

export interface ServiceAddresses {
  /** Of both families. */
  list(): Promise<readonly IpAddress[]>;
  /** @throws FairleadError NETLINK_REFUSED: others may be bound; one that is already is no error */
  bind(addresses: readonly IpAddress[]): Promise<void>;
  unbind(addresses: readonly IpAddress[]): Promise<void>;
}

const EEXIST = 17;
const ESRCH = 3;
const EADDRNOTAVAIL = 99;
const EOPNOTSUPP = 95;
const loopback = 1;
const localTable = 255;
/** RTPROT_*, of no other's: by it routes are known that this proxy has made. */
const routeProtocol = "#142";

/**
 * On a device of their own that is down, as upstream's; where the kernel has no such device, as routes at loopback: the
 * kernel takes either for an address of this machine.
 *
 * @throws FairleadError NETLINK_REFUSED where it can have neither
 */
export async function openServiceAddresses(routing: RoutingPort): Promise<ServiceAddresses> {
  const index = await deviceIndex(routing);
  return index === undefined ? new RouteAddresses(routing) : new DeviceAddresses(routing, index);
}

/** Makes it where it is not there. @returns undefined where the kernel knows no such kind */
async function deviceIndex(routing: RoutingPort): Promise<number | undefined> {
  const found = await routing.link({ name: deviceName });
  if (found) return found.index;
  // NOARP is the kind's own; it stays down: nothing is ever sent there.
  const [error] = await routing.apply([
    { verb: "add", object: "link", value: { name: deviceName, info: { kind: "dummy" } } },
  ]);
  if (error?.errno === EOPNOTSUPP) return undefined;
  // The other family may have made it meanwhile.
  if (error && error.errno !== EEXIST) throw error;
  return (await routing.link({ name: deviceName }))?.index;
}

/** What is bound, of both families; makes nothing. */
export async function boundAddresses(routing: RoutingPort): Promise<readonly IpAddress[]> {
  const device = await routing.link({ name: deviceName });
  return device ? listOf(routing, device.index) : new RouteAddresses(routing).list();
}

async function listOf(routing: RoutingPort, index: number): Promise<readonly IpAddress[]> {
  const listed = await routing.addresses({ index });
  return listed.flatMap(({ local, address, scope }) => (scope === "link" ? [] : (local ?? address ?? [])));
}

/** Takes away the device, or the routes. @throws FairleadError where the kernel refuses */
export async function removeServiceAddresses(routing: RoutingPort): Promise<void> {
  const device = await routing.link({ name: deviceName });
  if (device) {
    const [error] = await routing.apply([{ verb: "delete", object: "link", value: { index: device.index } }]);
    if (error) throw error;
  } else {
    const routes = new RouteAddresses(routing);
    await routes.unbind(await routes.list());
  }
}

/** @throws the first that is not one of those that may be */
async function apply(routing: RoutingPort, changes: readonly RoutingChange[], mayBe: readonly number[]): Promise<void> {
  if (changes.length === 0) return;
  const errors = await routing.apply(changes);
  const failed = errors.find((error) => error instanceof FairleadError && !mayBe.includes(error.errno ?? 0));
  if (failed) throw failed;
}

class DeviceAddresses implements ServiceAddresses {
  readonly #routing: RoutingPort;
  #index: number;

  constructor(routing: RoutingPort, index: number) {
    this.#routing = routing;
    this.#index = index;
  }

  /** Where somebody has deleted the device it is made again, for whoever observes is about to bind (upstream: EnsureDummyDevice). */
  async list(): Promise<readonly IpAddress[]> {
    this.#index = (await deviceIndex(this.#routing)) ?? this.#index;
    return listOf(this.#routing, this.#index);
  }

  bind(addresses: readonly IpAddress[]): Promise<void> {
    return apply(this.#routing, this.#changes("add", addresses), [EEXIST]);
  }

  unbind(addresses: readonly IpAddress[]): Promise<void> {
    return apply(this.#routing, this.#changes("delete", addresses), [EADDRNOTAVAIL]);
  }

  #changes(verb: "add" | "delete", addresses: readonly IpAddress[]): readonly RoutingChange[] {
    const index = this.#index;
    return addresses.map((address) => {
      const value = address.includes(":")
        ? ({ family: "ip6", prefixLength: 128, index, address, flags: ["noDad"] } as const)
        : ({ family: "ip", prefixLength: 32, index, local: address } as const);
      return { verb, object: "address", value };
    });
  }
}

class RouteAddresses implements ServiceAddresses {
  readonly #routing: RoutingPort;

  constructor(routing: RoutingPort) {
    this.#routing = routing;
  }

  async list(): Promise<readonly IpAddress[]> {
    const routes = await this.#routing.routes({ table: localTable, protocol: routeProtocol, outInterface: loopback });
    return routes.flatMap(({ destination }) => destination ?? []);
  }

  bind(addresses: readonly IpAddress[]): Promise<void> {
    return apply(this.#routing, this.#changes("add", addresses), [EEXIST]);
  }

  unbind(addresses: readonly IpAddress[]): Promise<void> {
    return apply(this.#routing, this.#changes("delete", addresses), [ESRCH]);
  }

  #changes(verb: "add" | "delete", addresses: readonly IpAddress[]): readonly RoutingChange[] {
    return addresses.map((destination) => {
      const [family, destinationPrefixLength] = destination.includes(":")
        ? (["ip6", 128] as const)
        : (["ip", 32] as const);
      const value = {
        family,
        destinationPrefixLength,
        destination,
        table: localTable,
        kind: "local",
        scope: "host",
      } as const;
      const route = { ...value, protocol: routeProtocol, outInterface: loopback } as const;
      return { verb, object: "route", value: route } as const;
    });
  }
}
