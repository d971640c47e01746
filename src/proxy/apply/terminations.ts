/** Removes destinations that are ending, when their connections have ended (upstream: GracefulTerminationManager). */
import { destinationName, serviceName } from "../../kernel/netlink/ipvs/service.ts";
import type { IpvsStep } from "../../kernel/netlink/ipvs/step.ts";
import type { IpvsPort } from "../../kernel/ports.ts";
import type { Ending, EndingDestination } from "../modes/ipvs/ending.ts";

/** Connections that go on for longer lose their destination (upstream: rsGracefulDeletePeriod). */
export const mostMs = 15 * 60_000;

export class Terminations {
  readonly #port: IpvsPort;
  readonly #ending: Ending;
  readonly #now: () => number;
  /** When each began to end. */
  #since = new Map<string, number>();

  constructor(port: IpvsPort, ending: Ending, now: () => number) {
    this.#port = port;
    this.#ending = ending;
    this.#now = now;
  }

  /** Looks at those alone that began to end since the last look: most have nothing to wait for. */
  checkNew(): Promise<number> {
    return this.#check([...this.#ending].filter((one) => !this.#since.has(nameOf(one))));
  }

  /** @returns how many go on; @throws FairleadError: they are looked at again */
  check(): Promise<number> {
    return this.#check([...this.#ending]);
  }

  async #check(ending: readonly EndingDestination[]): Promise<number> {
    this.#note();
    if (ending.length === 0) return this.#since.size;
    const services = new Map(ending.map(({ service }) => [serviceName(service), service]));
    const connections = new Map<string, number>();
    for (const { key, destinations } of await this.#port.list([...services.values()])) {
      for (const one of destinations) {
        connections.set(nameOf({ service: key, destination: one }), one.activeConnections + one.inactiveConnections);
      }
    }
    const isOver = (one: EndingDestination): boolean =>
      !connections.get(nameOf(one)) || this.#now() - this.#since.get(nameOf(one))! >= mostMs;
    await this.#remove(ending.filter(isOver), (one) => connections.has(nameOf(one)));
    return this.#since.size;
  }

  /** @param isThere what is not there any more is only forgotten */
  async #remove(over: readonly EndingDestination[], isThere: (one: EndingDestination) => boolean): Promise<void> {
    const steps = over.filter(isThere).map((one): IpvsStep => ({ verb: "deleteDestination", ...one }));
    // One that is refused has gone by itself.
    if (steps.length > 0) await this.#port.apply(steps);
    for (const { service, destination } of over) {
      this.#ending.remove(serviceName(service), destinationName(destination));
      this.#since.delete(nameOf({ service, destination }));
    }
  }

  /** Times are those of what is ending now. */
  #note(): void {
    const now = this.#now();
    this.#since = new Map([...this.#ending].map((one) => [nameOf(one), this.#since.get(nameOf(one)) ?? now]));
  }
}

function nameOf({ service, destination }: EndingDestination): string {
  return `${serviceName(service)} ${destinationName(destination)}`;
}
