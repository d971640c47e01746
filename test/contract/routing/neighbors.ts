/** Neighbours, and forwarding entries of bridges and VXLAN devices. */
import { describe, expect, it } from "vitest";
import {
  addBridge,
  addPair,
  addVxlan,
  bridge,
  change,
  down,
  ip,
  left,
  ready,
  set,
  vxlan,
  type RoutingContext,
} from "./context.ts";

export function describeNeighbors(on: () => RoutingContext): void {
  describe("neighbours", () => {
    const value = { index: left, destination: ip("10.1.0.2"), linkAddress: "02:00:00:00:00:02" };
    const known = async () =>
      (await on().port.neighbors({ index: left }))
        .filter((n) => n.state === "permanent")
        .map((n) => `${n.destination} ${n.linkAddress}`);

    it("are added once, replaced and deleted", async () => {
      await on().prepare(...ready);
      const elsewhere = { ...value, linkAddress: "02:00:00:00:00:03" };
      expect(
        await on().outcomes(
          change("change", "neighbor", value),
          change("add", "neighbor", value),
          change("add", "neighbor", elsewhere),
          change("replace", "neighbor", elsewhere),
        ),
      ).toEqual(["ENOENT", "ok", "EEXIST", "ok"]);
      expect(await known()).toEqual(["10.1.0.2 02:00:00:00:00:03"]);
      expect(await on().outcomes(change("delete", "neighbor", value), change("delete", "neighbor", value))).toEqual([
        "ok",
        "ENOENT",
      ]);
      expect(await known()).toEqual([]);
    });

    it("want a link, and go when it is down", async () => {
      await on().prepare(...ready, change("add", "neighbor", value));
      expect(await on().outcomes(change("add", "neighbor", { ...value, index: 99 }))).toEqual(["ENODEV"]);
      await on().prepare(set(left, down));
      expect(await known()).toEqual([]);
    });
  });

  describe("forwarding entries", () => {
    const entry = { index: vxlan, linkAddress: "02:00:00:00:00:02", destination: ip("10.1.0.2") };
    const flood = { ...entry, linkAddress: "00:00:00:00:00:00" };
    const second = { destination: ip("10.1.0.3") };
    const remotes = async (linkAddress: string) =>
      (await on().port.fdb({ index: vxlan }))
        .filter((n) => n.linkAddress === linkAddress)
        .map((n) => n.destination)
        .sort();

    it("of a VXLAN device name one remote end, or several where packets are flooded", async () => {
      await on().prepare(...ready, addVxlan);
      expect(
        await on().outcomes(
          change("add", "fdb", entry),
          change("add", "fdb", { ...entry, ...second }),
          // The kernel says yes and does nothing: an address that is one machine's has one remote end.
          change("append", "fdb", { ...entry, ...second }),
        ),
      ).toEqual(["ok", "EEXIST", "ok"]);
      expect(await remotes(entry.linkAddress)).toEqual(["10.1.0.2"]);
      expect(
        await on().outcomes(
          change("replace", "fdb", { ...entry, ...second }),
          change("append", "fdb", flood),
          change("append", "fdb", { ...flood, ...second }),
        ),
      ).toEqual(["ok", "ok", "ok"]);
      expect(await remotes(entry.linkAddress)).toEqual(["10.1.0.3"]);
      expect(await remotes(flood.linkAddress)).toEqual(["10.1.0.2", "10.1.0.3"]);
      await on().prepare(change("delete", "fdb", flood));
      expect(await remotes(flood.linkAddress)).toEqual(["10.1.0.3"]);
      expect(
        await on().outcomes(
          change("delete", "fdb", { ...entry, ...second }),
          change("delete", "fdb", { ...entry, ...second }),
        ),
      ).toEqual(["ok", "ENOENT"]);
    });

    it("of a bridge belong to its ports", async () => {
      const value = { index: left, linkAddress: "02:00:00:00:00:02" };
      await on().prepare(addPair, addBridge);
      expect(await on().outcomes(change("add", "fdb", value))).toEqual(["ENOTSUP"]);
      await on().prepare(change("change", "link", { index: left, master: bridge }));
      expect(await on().outcomes(change("add", "fdb", value), change("add", "fdb", value))).toEqual(["ok", "EEXIST"]);
      expect(await on().port.fdb({ master: bridge })).toContainEqual(
        expect.objectContaining({ ...value, master: bridge, state: "noarp" }),
      );
      expect(await on().outcomes(change("delete", "fdb", value), change("delete", "fdb", value))).toEqual([
        "ok",
        "ENOENT",
      ]);
    });
  });
}
