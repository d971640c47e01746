/**
 * Destinations that nobody wants any more and that have connections still: nothing new is scheduled to them, and they go
 * when their connections have ended (upstream: graceful_termination.go). Pure.
 */
import {
  destinationName,
  serviceName,
  type IpvsDestinationKey,
  type IpvsServiceKey,
} from "../../../kernel/netlink/ipvs/service.ts";

export interface EndingDestination {
  readonly service: IpvsServiceKey;
  readonly destination: IpvsDestinationKey;
}

/** Of UDP and SCTP upstream waits for nothing: expire_nodest_conn ends what is there with its next packet. */
export function endsGently(service: IpvsServiceKey): boolean {
  return "protocol" in service && service.protocol === "tcp";
}

export class Ending {
  /** By service, then by destination. */
  readonly #services = new Map<string, Map<string, EndingDestination>>();

  has(service: string, destination: string): boolean {
    return this.#services.get(service)?.has(destination) ?? false;
  }

  add(service: IpvsServiceKey, destination: IpvsDestinationKey): void {
    const name = serviceName(service);
    const { address, port } = destination;
    const ending = { service, destination: { address, port } };
    const found = this.#services.get(name);
    if (found) found.set(destinationName(destination), ending);
    else this.#services.set(name, new Map([[destinationName(destination), ending]]));
  }

  remove(service: string, destination: string): void {
    const found = this.#services.get(service);
    found?.delete(destination);
    if (found?.size === 0) this.#services.delete(service);
  }

  /** With its service all of them go. */
  removeAll(service: string): void {
    this.#services.delete(service);
  }

  clear(): void {
    this.#services.clear();
  }

  *[Symbol.iterator](): Iterator<EndingDestination> {
    for (const destinations of this.#services.values()) yield* destinations.values();
  }
}
