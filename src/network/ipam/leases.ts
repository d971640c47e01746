/**
 * Which address is whose. An address that was freed rests: it is given again after all that were never given, and
 * after those that were freed before it. Each call belongs in a transaction of the caller's.
 */
import type { Statement } from "better-sqlite3";
import { FairleadError } from "../../errors/catalogue.ts";
import type { IpAddress } from "../../model/address.ts";
import { familyOfIp } from "../../model/cidr.ts";
import type { StateDatabase } from "../state/database.ts";
import { addressAt, excludedUntil, offsetOf, type AddressRange, type RangeSet } from "./range.ts";

/** Who has an address: an attachment of a network. */
export interface Owner {
  readonly network: string;
  readonly containerId: string;
  readonly ifName: string;
}

export interface Lease {
  readonly address: IpAddress;
  readonly range: AddressRange;
}

interface RangeRow {
  readonly id: number;
  readonly next: number;
}

export class Leases {
  readonly #sql: ReturnType<typeof prepare>;
  /** Ranges by network and extent: rows are never deleted. */
  readonly #ids = new Map<string, number>();
  /** Addresses that were looked at to find a free one: what shows that a full range costs no more. */
  examined = 0;

  constructor(db: StateDatabase) {
    this.#sql = prepare(db);
  }

  /**
   * Takes an address of each set.
   *
   * @param requested addresses that the owner has to get, at most one of a set
   * @throws FairleadError ADDRESSES_EXHAUSTED, ADDRESS_REFUSED
   */
  take(owner: Owner, sets: readonly RangeSet[], requested: readonly IpAddress[] = []): readonly Lease[] {
    const wanted = assign(sets, requested);
    return sets.map((set, i) => {
      const lease = wanted[i] ? this.#takeThis(owner, wanted[i]) : this.#takeAny(owner.network, set);
      this.#sql.add.run(owner.network, lease.address, owner.containerId, owner.ifName);
      return lease;
    });
  }

  /** Notes an address that is in use already, whoever gave it; that somebody has it already is no error. */
  adopt(owner: Owner, address: IpAddress): void {
    this.#sql.adopt.run(owner.network, address, owner.containerId, owner.ifName);
  }

  /** Gives back what the owner has, and lets it rest in every range that it is of. */
  release(owner: Owner): readonly IpAddress[] {
    const addresses = this.of(owner);
    this.#sql.remove.run(owner.network, owner.containerId, owner.ifName);
    if (addresses.length === 0) return addresses;
    // Of ranges that were configured once, too: they may come back, and must not have lost an address by then.
    const extents = this.#sql.extents.all(owner.network) as { id: number; first: string; size: number }[];
    for (const address of addresses) {
      for (const { id, first, size } of extents) {
        const offset = offsetOf({ family: familyOfIp(address), first: BigInt(first), size }, address);
        if (offset !== undefined) this.#sql.rest.run({ id, offset });
      }
    }
    return addresses;
  }

  of(owner: Owner): readonly IpAddress[] {
    const rows = this.#sql.of.all(owner.network, owner.containerId, owner.ifName) as { address: IpAddress }[];
    return rows.map(({ address }) => address);
  }

  /** How many addresses are in use. */
  count(): number {
    return (this.#sql.count.get() as { count: number }).count;
  }

  #takeThis(owner: Owner, { address, range }: Lease): Lease {
    const holder = this.#sql.holder.get(owner.network, address) as { container_id: string } | undefined;
    if (holder) throw refused(address, `container ${holder.container_id} has it`);
    this.#sql.wake.run(this.#row(owner.network, range).id, offsetOf(range, address)!);
    return { address, range };
  }

  #takeAny(network: string, set: RangeSet): Lease {
    for (const range of set) {
      const lease = this.#takeFresh(network, range);
      if (lease) return lease;
    }
    for (const range of set) {
      const lease = this.#takeRested(network, range);
      if (lease) return lease;
    }
    throw new FairleadError("ADDRESSES_EXHAUSTED", {
      subject: set.map(({ subnet }) => subnet).join(", "),
      reason: "every address of it is in use",
    });
  }

  /** The next that was never given. What is passed here is not looked at again, so that this is one step in the mean. */
  #takeFresh(network: string, range: AddressRange): Lease | undefined {
    const { id, next } = this.#row(network, range);
    let offset = next;
    for (; offset < range.size; offset++) {
      this.examined++;
      const hole = excludedUntil(range, offset);
      if (hole !== undefined) offset = hole;
      else if (!this.#sql.holder.get(network, addressAt(range, offset)) && !this.#sql.rests.get(id, offset)) break;
    }
    const found = offset < range.size;
    const after = found ? offset + 1 : range.size;
    if (after !== next) this.#sql.advance.run(after, id);
    return found ? { address: addressAt(range, offset), range } : undefined;
  }

  #takeRested(network: string, range: AddressRange): Lease | undefined {
    const { id } = this.#row(network, range);
    for (;;) {
      const oldest = this.#sql.oldest.get(id) as { offset: number } | undefined;
      if (!oldest) return undefined;
      this.examined++;
      this.#sql.wake.run(id, oldest.offset);
      // An address that nobody may have can have been adopted; one that was taken under another range is in use.
      const address = addressAt(range, oldest.offset);
      if (excludedUntil(range, oldest.offset) !== undefined || this.#sql.holder.get(network, address)) continue;
      return { address, range };
    }
  }

  #row(network: string, range: AddressRange): RangeRow {
    const excluded = range.excluded.map(([from, to]) => `${from}-${to}`).join();
    const key = `${network}|${range.subnet}|${range.first}|${range.size}|${excluded}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return this.#sql.rangeById.get(known) as RangeRow;
    const extent = [network, range.subnet, String(range.first), range.size, excluded] as const;
    this.#sql.addRange.run(...extent);
    const row = this.#sql.range.get(...extent) as RangeRow;
    this.#ids.set(key, row.id);
    return row;
  }
}

/** Which requested address is of which set. */
function assign(sets: readonly RangeSet[], requested: readonly IpAddress[]): readonly (Lease | undefined)[] {
  const wanted: (Lease | undefined)[] = sets.map(() => undefined);
  for (const address of new Set(requested)) {
    const set = sets.findIndex((ranges) => ranges.some((range) => offsetOf(range, address) !== undefined));
    const range = sets[set]?.find((one) => offsetOf(one, address) !== undefined);
    if (!range) throw refused(address, "it is in none of the network's ranges");
    if (excludedUntil(range, offsetOf(range, address)!) !== undefined) throw refused(address, "nobody may have it");
    if (wanted[set]) throw refused(address, `so is ${wanted[set].address}, of the same range`);
    wanted[set] = { address, range };
  }
  return wanted;
}

function refused(subject: string, reason: string): FairleadError {
  return new FairleadError("ADDRESS_REFUSED", { subject, reason });
}

function prepare(db: StateDatabase) {
  const sql = (text: string): Statement => db.prepare(text);
  return {
    add: sql("INSERT INTO lease (network, address, container_id, if_name) VALUES (?, ?, ?, ?)"),
    adopt: sql("INSERT OR IGNORE INTO lease (network, address, container_id, if_name) VALUES (?, ?, ?, ?)"),
    of: sql("SELECT address FROM lease WHERE network = ? AND container_id = ? AND if_name = ?"),
    remove: sql("DELETE FROM lease WHERE network = ? AND container_id = ? AND if_name = ?"),
    holder: sql("SELECT container_id FROM lease WHERE network = ? AND address = ?"),
    count: sql("SELECT count(*) AS count FROM lease"),
    range: sql(
      "SELECT id, next FROM range WHERE network = ? AND subnet = ? AND first = ? AND size = ? AND excluded = ?",
    ),
    extents: sql("SELECT id, first, size FROM range WHERE network = ?"),
    rangeById: sql("SELECT id, next FROM range WHERE id = ?"),
    addRange: sql(
      "INSERT OR IGNORE INTO range (network, subnet, first, size, excluded, next) VALUES (?, ?, ?, ?, ?, 0)",
    ),
    advance: sql("UPDATE range SET next = ? WHERE id = ?"),
    oldest: sql("SELECT offset FROM resting WHERE range = ? ORDER BY sequence LIMIT 1"),
    rests: sql("SELECT 1 FROM resting WHERE range = ? AND offset = ?"),
    wake: sql("DELETE FROM resting WHERE range = ? AND offset = ?"),
    rest: sql(
      `INSERT OR IGNORE INTO resting (range, sequence, offset)
       SELECT @id, 1 + coalesce(max(sequence), 0), @offset FROM resting WHERE range = @id`,
    ),
  };
}
