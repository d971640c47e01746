/** What changes of virtual servers and their destinations. Pure. */
import {
  destinationName,
  serviceName,
  type IpvsDestination,
  type IpvsDestinationKey,
  type IpvsService,
  type IpvsServiceKey,
  type IpvsServiceWithDestinations,
} from "../../../kernel/netlink/ipvs/service.ts";
import type { IpvsStep } from "../../../kernel/netlink/ipvs/step.ts";
import type { Backend, Backends } from "../../derive/backends.ts";
import { endsGently, type Ending } from "./ending.ts";
import type { VirtualServer } from "./render.ts";

export class ServerSteps {
  /** Servers and destinations come, and those that end get nothing new. */
  readonly coming: IpvsStep[] = [];
  /** Servers go. */
  readonly going: IpvsStep[] = [];

  /** From what we wrote to what is wanted. */
  change(before: VirtualServer | undefined, after: VirtualServer | undefined, ending: Ending): void {
    if (!after) return void (before && this.delete(before.service.key, ending));
    if (!before) return this.#add(after);
    if (!isSameService(before.service, after.service)) this.coming.push({ verb: "setService", service: after.service });
    if (before.backends.row === after.backends.row) return;
    const { key } = after.service;
    const had = namesOf(before.backends);
    for (const [name, backend] of namesOf(after.backends)) {
      if (!had.delete(name)) this.#come(key, name, backend, ending);
    }
    for (const { ip: address, port } of had.values()) this.#end(key, { address, port }, ending);
  }

  /** From what the kernel has to what is wanted. */
  correct(found: IpvsServiceWithDestinations | undefined, { service, backends }: VirtualServer, ending: Ending): void {
    if (!found) return this.#add({ service, backends });
    const { key } = service;
    if (!isSameService(found, service)) this.coming.push({ verb: "setService", service });
    const there = new Map(found.destinations.map((destination) => [destinationName(destination), destination]));
    for (const [name, backend] of namesOf(backends)) {
      const destination = there.get(name);
      there.delete(name);
      if (!destination) this.coming.push({ verb: "addDestination", service: key, destination: destinationOf(backend) });
      else if (destination.weight !== 1 || destination.forwarding !== "masq") this.#set(key, destinationOf(backend));
    }
    for (const destination of there.values()) {
      const connections = destination.activeConnections + destination.inactiveConnections;
      if (!endsGently(key) || connections === 0) this.#delete(key, destination);
      else if (destination.weight !== 0) this.#end(key, destination, ending);
      else ending.add(key, destination);
    }
  }

  delete(service: IpvsServiceKey, ending: Ending): void {
    ending.removeAll(serviceName(service));
    this.going.push({ verb: "deleteService", service });
  }

  #add({ service, backends }: Pick<VirtualServer, "service" | "backends">): void {
    this.coming.push({ verb: "addService", service });
    for (const backend of backends) {
      this.coming.push({ verb: "addDestination", service: service.key, destination: destinationOf(backend) });
    }
  }

  /** One that was ending is there still. */
  #come(service: IpvsServiceKey, name: string, backend: Backend, ending: Ending): void {
    const destination = destinationOf(backend);
    if (!ending.has(serviceName(service), name)) {
      return void this.coming.push({ verb: "addDestination", service, destination });
    }
    ending.remove(serviceName(service), name);
    this.#set(service, destination);
  }

  #end(service: IpvsServiceKey, destination: IpvsDestinationKey, ending: Ending): void {
    if (!endsGently(service)) return this.#delete(service, destination);
    ending.add(service, destination);
    const { address, port } = destination;
    this.#set(service, { address, port, forwarding: "masq", weight: 0 });
  }

  #set(service: IpvsServiceKey, destination: IpvsDestination): void {
    this.coming.push({ verb: "setDestination", service, destination });
  }

  #delete(service: IpvsServiceKey, { address, port }: IpvsDestinationKey): void {
    this.coming.push({ verb: "deleteDestination", service, destination: { address, port } });
  }
}

function destinationOf({ ip: address, port }: Backend): IpvsDestination {
  return { address, port, forwarding: "masq", weight: 1 };
}

function namesOf(backends: Backends): Map<string, Backend> {
  return new Map(
    Array.from(backends, (backend) => [destinationName({ address: backend.ip, port: backend.port }), backend]),
  );
}

export function isSameService(a: IpvsService, b: IpvsService): boolean {
  const form = ({ scheduler, schedulerFlags = [], persistence, onePacket = false }: IpvsService): string =>
    JSON.stringify([scheduler, [...schedulerFlags].sort(), persistence?.timeoutSeconds, persistence?.mask, onePacket]);
  return form(a) === form(b);
}
