/** What is programmed, told to those who clean conntrack behind it. */
import type { IpAddress } from "../../model/address.ts";
import type { IpFamily } from "../../model/service.ts";
import type { FamilySync, PortChange, SyncObserver } from "../agent/observer.ts";
import type { WantedPort } from "../derive/derive.ts";
import type { ConntrackCleaner } from "./cleaner.ts";

export class ConntrackObserver implements SyncObserver {
  readonly #cleaner: ConntrackCleaner;
  readonly #addresses = new Map<IpFamily, readonly IpAddress[]>();

  constructor(cleaner: ConntrackCleaner) {
    this.#cleaner = cleaner;
  }

  /** Behind the turn: nobody waits for it. */
  onSynced({ family, changes, nodePortAddresses }: FamilySync): void {
    if (this.#addresses.get(family) !== nodePortAddresses) {
      this.#addresses.set(family, nodePortAddresses);
      this.#cleaner.setNodePortAddresses([...this.#addresses.values()].flat());
    }
    this.#cleaner.programmed(family, ports(changes));
  }
}

function* ports(changes: readonly PortChange[]): Iterable<readonly [string, WantedPort | undefined]> {
  for (const { name, after } of changes) yield [name, after];
}
