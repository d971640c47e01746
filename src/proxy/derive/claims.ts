/**
 * Service ports and what they want, and who has a frontend that several want: decided alike on every node and in every
 * mode. Pure: no I/O, no clock.
 */
import { ipv4Number } from "../../model/address.ts";
import { protocolNumbers } from "../../model/service.ts";
import { addressText } from "./backends.ts";
import type { WantedPort } from "./derive.ts";
import type { Frontend } from "./frontends.ts";

export interface Claim {
  readonly service: string;
  readonly frontend: Frontend;
}

/** Nearly every frontend is wanted once: a list of each would be a tenth of all that is kept. */
type ClaimList = Claim | readonly Claim[];

/** A frontend that several want. */
export interface Conflict {
  readonly frontend: Frontend;
  /** Who has it: the first by name. */
  readonly owner: string;
  readonly refused: readonly string[];
}

export interface ProgrammedFrontend extends Claim {
  /** What tells it from others. */
  readonly key: string;
}

/** What tells a frontend from others: two Services cannot both have it. Node ports' keys are shorter than others. */
export function frontendKey({ address: ip, protocol, port }: Frontend): string {
  const number = ip === undefined ? undefined : ipv4Number(ip);
  const [proto, high, low] = [protocolNumbers[protocol], port >>> 8, port & 255];
  // Of the usual ones in one piece: V8 keeps the parts of what was put together for as long as the whole.
  if (number !== undefined) {
    const [a, b, c, d] = [number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255];
    return String.fromCharCode(a, b, c, d, proto, 0, 0, 0, high, low, 0, 0);
  }
  const tail = String.fromCharCode(proto, 0, 0, 0, high, low, 0, 0);
  return ip === undefined ? tail : [addressText(ip), tail].join("");
}

/** Asked for the same frontend several times in a row: who wants it, who has it, who is refused. */
class LastKey {
  #frontend: Frontend | undefined;
  #key = "";

  of(frontend: Frontend): string {
    if (frontend !== this.#frontend) {
      this.#key = frontendKey(frontend);
      this.#frontend = frontend;
    }
    return this.#key;
  }
}

export class Claims {
  readonly #lastKey = new LastKey();
  readonly #services = new Map<string, WantedPort>();
  /** Who wants a frontend, the one that has it first. */
  readonly #claims = new Map<string, ClaimList>();

  /**
   * Takes the place of what the service port wanted before; undefined: it is gone.
   *
   * @param service its name
   * @returns keys of frontends whose owner may have changed, or what becomes of them, with what stood there before
   */
  set(service: string, wanted: WantedPort | undefined): ReadonlyMap<string, Frontend | undefined> {
    const before = this.#services.get(service);
    if (wanted) this.#services.set(service, wanted);
    else this.#services.delete(service);
    const touched = new Map<string, Frontend | undefined>();
    for (const frontend of before?.frontends ?? []) this.#release(this.#lastKey.of(frontend), service, touched);
    for (const frontend of wanted?.frontends ?? [])
      this.#claim(this.#lastKey.of(frontend), { service, frontend }, touched);
    return touched;
  }

  /** What the service port wants, as {@link set} was told. */
  wanted(service: string): WantedPort | undefined {
    return this.#services.get(service);
  }

  /** All service ports by their names. */
  get services(): ReadonlyMap<string, WantedPort> {
    return this.#services;
  }

  /** Who has a frontend. */
  owner(key: string): Claim | undefined {
    const claims = this.#claims.get(key);
    return claims && listOf(claims)[0];
  }

  /** All frontends, each with the service port that has it. */
  *frontends(): Iterable<ProgrammedFrontend> {
    for (const [key, claims] of this.#claims) yield { key, ...listOf(claims)[0]! };
  }

  /** Frontends that several Services want, with those that do not get them. Looks at every frontend. */
  conflicts(): readonly Conflict[] {
    return [...this.#claims.values()].flatMap((claims) => conflictOf(listOf(claims)) ?? []);
  }

  /** Frontends of a service port that another has. @param service as {@link set} was told */
  refusedTo(service: string): readonly Conflict[] {
    const conflicts: Conflict[] = [];
    for (const frontend of this.#services.get(service)?.frontends ?? []) {
      const claims = this.#claims.get(this.#lastKey.of(frontend));
      const conflict = isList(claims) ? conflictOf(claims) : undefined;
      if (conflict?.refused.includes(service)) conflicts.push(conflict);
    }
    return conflicts;
  }

  /** Service ports that want a frontend too, of those that one wants; seldom any. @param wanted as {@link set} takes it */
  rivalsFor(wanted: WantedPort | undefined): readonly string[] {
    const services: string[] = [];
    for (const frontend of wanted?.frontends ?? []) {
      const claims = this.#claims.get(this.#lastKey.of(frontend));
      if (claims !== undefined) for (const { service } of listOf(claims)) services.push(service);
    }
    return services;
  }

  #claim(key: string, claim: Claim, touched: Map<string, Frontend | undefined>): void {
    const claims = this.#claims.get(key);
    if (!touched.has(key)) touched.set(key, claims && listOf(claims)[0]?.frontend);
    // One order for all, so that every node decides alike.
    this.#claims.set(key, claims === undefined ? claim : [...listOf(claims), claim].sort(byService));
  }

  #release(key: string, service: string, touched: Map<string, Frontend | undefined>): void {
    const found = this.#claims.get(key);
    const claims = found === undefined ? [] : listOf(found);
    if (!touched.has(key)) touched.set(key, claims[0]?.frontend);
    const kept = claims.filter((claim) => claim.service !== service);
    if (kept.length === 0) this.#claims.delete(key);
    else this.#claims.set(key, kept.length === 1 ? kept[0]! : kept);
  }
}

function isList(claims: ClaimList | undefined): claims is readonly Claim[] {
  return Array.isArray(claims);
}

function listOf(claims: ClaimList): readonly Claim[] {
  return isList(claims) ? claims : [claims];
}

function conflictOf(claims: readonly Claim[]): Conflict | undefined {
  const [first, ...others] = claims;
  const refused = others.flatMap(({ service }) => (service === first!.service ? [] : [service]));
  if (!first || refused.length === 0) return undefined;
  return { frontend: first.frontend, owner: first.service, refused };
}

function byService(a: Claim, b: Claim): number {
  return a.service < b.service ? -1 : a.service > b.service ? 1 : 0;
}
