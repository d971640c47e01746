/** IPVS in memory. No packets come: connections are what a test says there are. */
import { getSystemErrorName } from "node:util";
import type { FairleadError } from "../../errors/catalogue.ts";
import { ipBytes, type IpAddress } from "../../model/address.ts";
import { encodeBatch } from "../netlink/codec/message.ts";
import { getService, setTimeouts, stepRequest, type IpvsInfo } from "../netlink/ipvs/messages.ts";
import {
  destinationName,
  familyOfAddress,
  familyOfKey,
  serviceName,
  type IpvsCounters,
  type IpvsDestination,
  type IpvsDestinationKey,
  type IpvsService,
  type IpvsServiceKey,
  type IpvsServiceWithDestinations,
  type IpvsTimeouts,
  type ListedIpvsDestination,
  type ListedIpvsService,
} from "../netlink/ipvs/service.ts";
import { describeStep, refusalText, type IpvsExecutors, type IpvsStep, type IpvsVerbs } from "../netlink/ipvs/step.ts";
import type { IpvsPort } from "../ports.ts";
import { callRefused, errno, requestRefused } from "./refusal.ts";

/** What a destination has to do: the numbers that a list bears. */
export type FakeIpvsLoad = Partial<
  Pick<ListedIpvsDestination, "activeConnections" | "inactiveConnections" | "persistentConnections" | "counters">
>;

interface FakeDestination {
  readonly destination: IpvsDestination;
  readonly load: Required<FakeIpvsLoad>;
}

interface FakeService {
  service: IpvsService;
  counters: IpvsCounters;
  readonly destinations: Map<string, FakeDestination>;
}

const family = { id: 0x20, version: 1 };
const noCounters: IpvsCounters = { connections: 0n, packetsIn: 0n, packetsOut: 0n, bytesIn: 0n, bytesOut: 0n };
const noLoad: Required<FakeIpvsLoad> = {
  activeConnections: 0,
  inactiveConnections: 0,
  persistentConnections: 0,
  counters: noCounters,
};

export class FakeIpvs implements IpvsPort {
  readonly #schedulers: ReadonlySet<string>;
  readonly #services = new Map<string, FakeService>();
  /** Destinations that were deleted with connections: one that is made again has them (ip_vs_trash_get_dest). */
  readonly #trash = new Map<string, FakeDestination["load"]>();
  #timeouts: IpvsTimeouts = { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 };
  #closed = false;

  /** @param schedulers that this kernel has beside "none"; default all of Linux 5.15 */
  constructor(schedulers: readonly string[] = "rr wrr lc wlc lblc lblcr sh mh dh sed nq fo ovf twos".split(" ")) {
    this.#schedulers = new Set(schedulers);
  }

  async services(): Promise<ListedIpvsService[]> {
    return (await this.list()).map(({ destinations: _, ...service }) => service);
  }

  async list(keys?: readonly IpvsServiceKey[]): Promise<IpvsServiceWithDestinations[]> {
    this.#check("list IPVS services");
    if (!keys) return [...this.#services.values()].map(shown);
    for (const key of keys) encodeBatch([getService(family, key)], 1);
    return keys.flatMap((key) => {
      const found = this.#services.get(serviceName(key));
      return found ? [shown(found)] : [];
    });
  }

  async apply(steps: readonly IpvsStep[]): Promise<readonly (FairleadError | null)[]> {
    this.#check("change IPVS services");
    for (const step of steps) encodeBatch([stepRequest(family, step)], 1);
    return steps.map((step) => {
      // The table has an executor of each verb for that verb's step; the union hides which.
      const execute = this.#executors[step.verb] as (step: IpvsVerbs[keyof IpvsVerbs]) => number | null;
      const failed = execute(step);
      return failed === null ? null : refused(step, failed);
    });
  }

  async timeouts(): Promise<IpvsTimeouts> {
    this.#check("read the timeouts of IPVS");
    return this.#timeouts;
  }

  async setTimeouts(timeouts: Partial<IpvsTimeouts>): Promise<void> {
    const what = "set the timeouts of IPVS";
    this.#check(what);
    encodeBatch([setTimeouts(family, timeouts)], 1);
    const given = Object.entries(timeouts).filter(([, seconds]) => seconds > 0);
    if (given.some(([, seconds]) => seconds > mostSeconds)) throw requestRefused(what, errno.invalid);
    this.#timeouts = { ...this.#timeouts, ...Object.fromEntries(given) };
  }

  async info(): Promise<IpvsInfo> {
    this.#check("ask IPVS for its version");
    return { version: "1.2.1", connectionTableSize: 4096 };
  }

  close(): void {
    this.#closed = true;
  }

  /** Says what a destination has to do from now on. @throws Error where it is not there */
  load(service: IpvsServiceKey, destination: IpvsDestinationKey, load: FakeIpvsLoad): void {
    const found = this.#services.get(serviceName(service));
    const old = found?.destinations.get(destinationName(destination));
    if (!found || !old) throw new Error(`no ${destinationName(destination)} of ${serviceName(service)}`);
    found.destinations.set(destinationName(destination), { ...old, load: { ...old.load, ...load } });
  }

  /** Says what a service has counted. @throws Error where it is not there */
  count(service: IpvsServiceKey, counters: Partial<IpvsCounters>): void {
    const found = this.#services.get(serviceName(service));
    if (!found) throw new Error(`no ${serviceName(service)}`);
    found.counters = { ...found.counters, ...counters };
  }

  readonly #executors: IpvsExecutors<number | null> = {
    addService: ({ service }) => {
      const name = serviceName(service.key);
      if (this.#services.has(name)) return errno.exists;
      const failed = this.#refuseOptions(service);
      if (failed === null) this.#services.set(name, { service, counters: noCounters, destinations: new Map() });
      return failed;
    },
    setService: ({ service }) => {
      const found = this.#services.get(serviceName(service.key));
      if (!found) return errno.noService;
      const failed = this.#refuseOptions(service);
      if (failed === null) found.service = service;
      return failed;
    },
    deleteService: ({ service }) => {
      const name = serviceName(service);
      const found = this.#services.get(name);
      if (!found) return errno.noService;
      for (const [destination, { load }] of found.destinations) this.#keep(name, destination, load);
      this.#services.delete(name);
      return null;
    },
    addDestination: (step) => this.#addDestination(step),
    setDestination: ({ service, destination }) => {
      const found = this.#services.get(serviceName(service));
      if (!found) return errno.noService;
      const failed = refuseFamily(service, destination) ?? refuseBounds(destination);
      if (failed !== null) return failed;
      const old = found.destinations.get(destinationName(destination));
      if (!old) return errno.noEntry;
      found.destinations.set(destinationName(destination), { destination, load: old.load });
      return null;
    },
    deleteDestination: ({ service, destination }) => {
      const found = this.#services.get(serviceName(service));
      if (!found) return errno.noService;
      const name = destinationName(destination);
      const old = found.destinations.get(name);
      if (!old) return errno.noEntry;
      this.#keep(serviceName(service), name, old.load);
      found.destinations.delete(name);
      return null;
    },
    zeroCounters: ({ service }) => {
      const found = this.#services.get(serviceName(service));
      if (!found) return errno.noService;
      found.counters = noCounters;
      for (const [name, { destination, load }] of found.destinations) {
        found.destinations.set(name, { destination, load: { ...load, counters: noCounters } });
      }
      return null;
    },
  };

  #addDestination({ service, destination }: IpvsVerbs["addDestination"]): number | null {
    const found = this.#services.get(serviceName(service));
    if (!found) return errno.noService;
    const failed = refuseFamily(service, destination) ?? refuseBounds(destination);
    if (failed !== null) return failed;
    const name = destinationName(destination);
    if (found.destinations.has(name)) return errno.exists;
    if (!isServerAddress(destination.address)) return errno.invalid;
    const load = this.#trash.get(trashKey(serviceName(service), name)) ?? noLoad;
    this.#trash.delete(trashKey(serviceName(service), name));
    found.destinations.set(name, { destination, load });
    return null;
  }

  #keep(service: string, destination: string, load: FakeDestination["load"]): void {
    if (load.activeConnections + load.inactiveConnections > 0) this.#trash.set(trashKey(service, destination), load);
  }

  #refuseOptions({ key, scheduler, persistence }: IpvsService): number | null {
    if (scheduler !== "none" && !this.#schedulers.has(scheduler)) return errno.noEntry;
    return familyOfKey(key) === "ip6" && persistence?.mask === 0 ? errno.invalid : null;
  }

  #check(what: string): void {
    if (this.#closed) throw callRefused(what, errno.canceled);
  }
}

/** INT_MAX / HZ, where HZ is 250 as Debian has it (ip_vs_set_timeout). */
const mostSeconds = Math.floor((2 ** 31 - 1) / 250);

function trashKey(service: string, destination: string): string {
  return `${service} ${destination}`;
}

/** A server of the other family is reached by a tunnel alone (ip_vs_genl_set_cmd). */
function refuseFamily(service: IpvsServiceKey, { address, forwarding }: IpvsDestination): number | null {
  return familyOfKey(service) === familyOfAddress(address) || forwarding === "tunnel" ? null : errno.invalid;
}

function refuseBounds({ weight, upperThreshold = 0, lowerThreshold = 0 }: IpvsDestination): number | null {
  return weight > 2 ** 31 - 1 || lowerThreshold > upperThreshold ? errno.range : null;
}

/** Of one host, and not of the link alone (ip_vs_new_dest). */
function isServerAddress(address: IpAddress): boolean {
  const bytes = ipBytes(address)!;
  if (bytes.length === 4) return bytes[0] !== 0 && bytes[0]! < 224;
  const isLinkLocal = bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
  return bytes[0] !== 0xff && !isLinkLocal && bytes.some((byte) => byte !== 0);
}

/** As the kernel lists it: without what is the default. */
function shown({ service, counters, destinations }: FakeService): IpvsServiceWithDestinations {
  return {
    ...shownOptions(service),
    counters,
    // The kernel puts new ones at the head of its list.
    destinations: [...destinations.values()].reverse().map(({ destination, load }) => ({
      ...shownDestination(destination),
      ...load,
    })),
  };
}

function shownOptions({ key, scheduler, schedulerFlags, persistence, onePacket }: IpvsService): IpvsService {
  const whole = familyOfKey(key) === "ip" ? 32 : 128;
  const { timeoutSeconds, mask = whole } = persistence ?? { timeoutSeconds: 0 };
  const flags = (["fallback", "port", "third"] as const).filter((name) => schedulerFlags?.includes(name));
  return {
    key,
    scheduler,
    ...(flags.length > 0 && { schedulerFlags: flags }),
    ...(persistence && { persistence: { timeoutSeconds, ...(mask !== whole && { mask }) } }),
    ...(onePacket && { onePacket }),
  };
}

function shownDestination({ address, port, forwarding, weight, ...bounds }: IpvsDestination): IpvsDestination {
  const { upperThreshold = 0, lowerThreshold = 0 } = bounds;
  return {
    address,
    port,
    forwarding,
    weight,
    ...(upperThreshold > 0 && { upperThreshold }),
    ...(lowerThreshold > 0 && { lowerThreshold }),
  };
}

function refused(step: IpvsStep, code: number): FairleadError {
  const name = getSystemErrorName(-code);
  const text = refusalText(step, code);
  return requestRefused(describeStep(step), code, text === undefined ? name : `${name}: ${text}`);
}
