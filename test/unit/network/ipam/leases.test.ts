/** Whose an address is, and when it is given again. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { IpAddress } from "../../../../src/model/address.ts";
import { Leases, type Owner } from "../../../../src/network/ipam/leases.ts";
import { addressRange, capacity, type RangeSet } from "../../../../src/network/ipam/range.ts";
import { openState, type StateDatabase } from "../../../../src/network/state/database.ts";
import fc from "../../../fixtures/property.ts";

let db: StateDatabase;
let leases: Leases;
beforeEach(() => {
  db = openState(":memory:", { bootId: "boot" });
  leases = new Leases(db);
});
afterEach(() => db.close());

const ip = (text: string) => text as IpAddress;
const pod = (containerId: string | number, network = "net"): Owner => ({
  network,
  containerId: String(containerId),
  ifName: "eth0",
});
const set = (...subnets: string[]): RangeSet => subnets.map((subnet) => addressRange({ subnet }));
const small = [set("10.0.0.0/29")];

function take(owner: Owner, sets: readonly RangeSet[] = small, requested: readonly string[] = []): string[] {
  return leases.take(owner, sets, requested.map(ip)).map(({ address }) => address);
}

const code = (code: string) => expect.objectContaining({ code }) as Error;

describe("an address", () => {
  it("is given once, in the range's order", () => {
    expect([1, 2, 3].flatMap((i) => take(pod(i)))).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4"]);
    expect(leases.count()).toBe(3);
    expect(leases.of(pod(2))).toEqual(["10.0.0.3"]);
  });

  it("is taken of each set: of both families", () => {
    expect(take(pod(1), [set("10.0.0.0/24"), set("fd00::/64")])).toEqual(["10.0.0.2", "fd00::2"]);
  });

  it("rests when it is freed: others go first, then those that were freed before", () => {
    for (let i = 1; i <= 3; i++) take(pod(i));
    leases.release(pod(2));
    leases.release(pod(1));
    const next = [4, 5, 6, 7].flatMap((i) => take(pod(i)));
    expect(next).toEqual(["10.0.0.5", "10.0.0.6", "10.0.0.3", "10.0.0.2"]);
  });

  it("comes from the next range of the set when the first is used up, and rests longer than that one's", () => {
    const sets = [set("10.0.0.0/30", "10.0.1.0/30")];
    expect(take(pod(1), sets)).toEqual(["10.0.0.2"]);
    leases.release(pod(1));
    expect(take(pod(2), sets)).toEqual(["10.0.1.2"]);
    expect(take(pod(3), sets)).toEqual(["10.0.0.2"]);
  });

  it("is one of each network: other networks may have the same", () => {
    expect(take(pod(1, "a"))).toEqual(take(pod(1, "b")));
  });

  it("that was never given is no longer fresh when it was asked for and freed", () => {
    take(pod(1), small, ["10.0.0.3"]);
    leases.release(pod(1));
    expect([2, 3, 4, 5, 6].flatMap((i) => take(pod(i)))).toEqual([
      "10.0.0.2",
      "10.0.0.4",
      "10.0.0.5",
      "10.0.0.6",
      "10.0.0.3",
    ]);
  });
});

describe("an address that is asked for", () => {
  it("is given, and to nobody else", () => {
    expect(take(pod(1), small, ["10.0.0.4"])).toEqual(["10.0.0.4"]);
    expect(() => take(pod(2), small, ["10.0.0.4"])).toThrow(code("ADDRESS_REFUSED"));
    expect([2, 3, 4].flatMap((i) => take(pod(i)))).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.5"]);
  });

  it("is given although it rests, and rests no more", () => {
    take(pod(1));
    leases.release(pod(1));
    expect(take(pod(2), small, ["10.0.0.2"])).toEqual(["10.0.0.2"]);
    const rest = [3, 4, 5, 6].flatMap((i) => take(pod(i)));
    expect(rest).not.toContain("10.0.0.2");
  });

  it("is one of its set: the other set gives its next", () => {
    const sets = [set("10.0.0.0/24"), set("fd00::/64")];
    expect(take(pod(1), sets, ["fd00::9"])).toEqual(["10.0.0.2", "fd00::9"]);
  });

  it("is refused where it is in no range, nobody may have it, or two are of one set", () => {
    for (const requested of [["10.9.9.9"], ["10.0.0.1"], ["10.0.0.0"], ["10.0.0.7"], ["10.0.0.2", "10.0.0.3"]]) {
      expect(() => take(pod(1), small, requested), requested.join()).toThrow(code("ADDRESS_REFUSED"));
    }
  });
});

describe("a range that is full", () => {
  it("is a clear error, and gives again what is freed", () => {
    for (let i = 0; i < 5; i++) take(pod(i));
    expect(() => take(pod(9))).toThrow(code("ADDRESSES_EXHAUSTED"));
    expect(() => take(pod(9))).toThrow(/10\.0\.0\.0\/29/);
    leases.release(pod(3));
    expect(take(pod(9))).toEqual(["10.0.0.5"]);
  });

  it("costs no more than an empty one: a /16, and what is looked at for each address", () => {
    const sets = [set("10.0.0.0/16")];
    const count = capacity(sets[0]![0]!);
    const examined = (work: () => void): number => {
      const before = leases.examined;
      work();
      return leases.examined - before;
    };
    db.transaction(() => {
      const first = examined(() => {
        for (let i = 0; i < 1000; i++) take(pod(i), sets);
      });
      expect(first).toBeLessThanOrEqual(1001);
      for (let i = 1000; i < count - 1000; i++) take(pod(i), sets);
      const last = examined(() => {
        for (let i = count - 1000; i < count; i++) take(pod(i), sets);
      });
      expect(last).toBe(1000);
      expect(examined(() => expect(() => take(pod("more"), sets)).toThrow(code("ADDRESSES_EXHAUSTED")))).toBe(0);
      // One is freed and taken, again and again, while all others are in use.
      const churn = examined(() => {
        for (let i = 0; i < 1000; i++) {
          leases.release(pod(i));
          take(pod(i), sets);
        }
      });
      expect(churn).toBe(1000);
    })();
  }, 60_000);

  it("is searched by indexes alone", () => {
    const plans = [
      "SELECT offset FROM resting WHERE range = 1 ORDER BY sequence LIMIT 1",
      "SELECT max(sequence) FROM resting WHERE range = 1",
      "SELECT 1 FROM resting WHERE range = 1 AND offset = 1",
      "SELECT container_id FROM lease WHERE network = 'a' AND address = 'b'",
      "SELECT address FROM lease WHERE network = 'a' AND container_id = 'b' AND if_name = 'c'",
    ].map((sql) => (db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[]).map(({ detail }) => detail));
    for (const [detail, ...more] of plans) {
      expect(detail).toMatch(/^SEARCH/);
      expect(more).toEqual([]);
    }
  });
});

describe("a range that changes", () => {
  it("takes none of the addresses that pods have of it", () => {
    take(pod(1));
    take(pod(2), [set("10.0.0.0/28")], ["10.0.0.9"]);
    expect(take(pod(3), [[addressRange({ subnet: "10.0.0.0/29" }, ["10.0.0.3"])]])).toEqual(["10.0.0.4"]);
    const wide = [set("10.0.0.0/28")];
    const rest = Array.from({ length: 10 }, (_, i) => take(pod(`w${i}`), wide)).flat();
    expect(new Set([...rest, "10.0.0.2", "10.0.0.9", "10.0.0.4"]).size).toBe(13);
  });

  it("loses none: what was freed under another one can be given under both", () => {
    const other = [set("10.0.1.0/30")];
    take(pod(1));
    expect(take(pod(2), other)).toEqual(["10.0.1.2"]);
    leases.release(pod(1));
    leases.release(pod(2));
    const all = [1, 2, 3, 4, 5].flatMap((i) => take(pod(i)));
    expect(all.sort()).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
    expect(take(pod(9), other)).toEqual(["10.0.1.2"]);
  });
});

it("whatever comes and goes, no address is two pods' and none is lost", () => {
  const sets = [set("10.0.0.0/29", "10.0.1.0/29"), set("fd00::/125")];
  const step = fc.record({
    pod: fc.integer({ min: 0, max: 12 }),
    release: fc.boolean(),
    requested: fc.option(fc.constantFrom("10.0.0.3", "10.0.1.4", "fd00::5"), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const db = openState(":memory:", { bootId: "boot" });
      try {
        const leases = new Leases(db);
        const model = new Map<number, readonly string[]>();
        for (const { pod: id, release, requested } of steps) {
          if (release) {
            leases.release(pod(id));
            model.delete(id);
            continue;
          }
          if (model.has(id)) continue;
          const inUse = new Set([...model.values()].flat());
          try {
            const taken = db.transaction(() => leases.take(pod(id), sets, requested ? [ip(requested)] : []))();
            for (const { address } of taken) expect(inUse).not.toContain(address);
            model.set(
              id,
              taken.map(({ address }) => address),
            );
          } catch (error) {
            const { code } = error as { code?: string };
            if (code === "ADDRESS_REFUSED") expect(inUse).toContain(requested);
            else expect([code, model.size >= 6]).toEqual(["ADDRESSES_EXHAUSTED", true]);
          }
        }
        for (const [id, addresses] of model) expect(leases.of(pod(id))).toEqual([...addresses].sort());
        expect(leases.count()).toBe([...model.values()].flat().length);
        // All that are free can be had.
        for (let i = 100; i < 106 - model.size; i++) leases.take(pod(i), sets);
      } finally {
        db.close();
      }
    }),
  );
});
