/** The claims of one write: all of them, or none. */
import { ApiError, invalid, type Cause, type Named } from "../status.ts";
import type { Claims, Owner } from "./claims.ts";
import type { Range } from "./ranges.ts";

export interface Taken {
  readonly claims: Claims;
  readonly name: string;
}

export class Transaction {
  readonly #owner: Owner;
  readonly #dryRun: boolean;
  readonly #taken: Taken[] = [];

  constructor(owner: Owner, dryRun: boolean) {
    this.#owner = owner;
    this.#dryRun = dryRun;
  }

  /** @returns false where it is somebody's */
  async claim(claims: Claims, name: string): Promise<boolean> {
    if (this.#taken.some((taken) => taken.claims === claims && taken.name === name)) return false;
    const isFree = this.#dryRun ? !claims.isTaken(name) : await claims.claim(name, this.#owner);
    if (isFree) this.#taken.push({ claims, name });
    return isFree;
  }

  /** The next free one of ranges, from the first that has one. @throws ApiError 500 where all are full */
  async next(claims: Claims, ranges: readonly Range[], what: string): Promise<string> {
    for (const range of ranges) {
      const name = await claims.next(range, (candidate) => this.claim(claims, candidate));
      if (name !== undefined) return name;
    }
    throw internalError(`failed to allocate ${what}: range is full`);
  }

  async release(): Promise<void> {
    await this.giveBack(this.#taken.splice(0));
  }

  /** Gives back what the owner had. */
  async giveBack(taken: readonly Taken[]): Promise<void> {
    if (this.#dryRun) return;
    for (const { claims, name } of taken) await claims.release(name, this.#owner);
  }
}

export function internalError(message: string): ApiError {
  return new ApiError("InternalError", `Internal error occurred: ${message}`, {
    causes: [{ reason: "", message }],
  });
}

/** @throws ApiError 422 where there are causes */
export function refuseInvalid(resource: Named, name: string, causes: readonly Cause[]): void {
  if (causes.length > 0) throw invalid(resource, name, causes);
}
