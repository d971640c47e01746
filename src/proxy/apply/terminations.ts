/** Removes destinations that are ending, when their connections have ended (upstream: GracefulTerminationManager). */
import { FairleadError } from "../../errors/catalogue.ts";
import { destinationName, serviceName } from "../../kernel/netlink/ipvs/service.ts";
import type { IpvsStep } from "../../kernel/netlink/ipvs/step.ts";
import type { IpvsPort } from "../../kernel/ports.ts";
import type { Ending, EndingDestination } from "../modes/ipvs/ending.ts";

/** Connections that go on for longer lose their destination (upstream: rsGracefulDeletePeriod). */
export const mostMs = 15 * 60_000;

const ENOENT = 2;
const ESRCH = 3;

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

  /** @param isThere what is not there any more is only forgotten; @throws the first that is refused: it goes on ending */
  async #remove(over: readonly EndingDestination[], isThere: (one: EndingDestination) => boolean): Promise<void> {
    const there = over.filter(isThere);
    const steps = there.map((one): IpvsStep => ({ verb: "deleteDestination", ...one }));
    const errors = steps.length > 0 ? await this.#port.apply(steps) : [];
    const refused = new Map(there.flatMap((one, i) => (isRefusal(errors[i]) ? [[one, errors[i]] as const] : [])));
    for (const one of over) if (!refused.has(one)) this.#forget(one);
    for (const error of refused.values()) throw error;
  }

  #forget({ service, destination }: EndingDestination): void {
    this.#ending.remove(serviceName(service), destinationName(destination));
    this.#since.delete(nameOf({ service, destination }));
  }

  /** Times are those of what is ending now. */
  #note(): void {
    const now = this.#now();
    this.#since = new Map([...this.#ending].map((one) => [nameOf(one), this.#since.get(nameOf(one)) ?? now]));
  }
}

/** One that is not there has gone by itself. */
function isRefusal(error: FairleadError | null | undefined): error is FairleadError {
  return error instanceof FairleadError && error.errno !== ENOENT && error.errno !== ESRCH;
}

function nameOf({ service, destination }: EndingDestination): string {
  return `${serviceName(service)} ${destinationName(destination)}`;
}
