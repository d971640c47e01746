/** Addresses, and what goes with the link they are on. */
import { describe, expect, it } from "vitest";
import { addPair, address, change, ip, left, ready, route, set, up, type RoutingContext } from "./context.ts";

export function describeAddresses(on: () => RoutingContext): void {
  describe("addresses", () => {
    it("are added once, replaced and deleted", async () => {
      await on().prepare(addPair);
      const value = address("10.1.0.1", 24);
      expect(
        await on().outcomes(
          change("add", "address", value),
          change("add", "address", value),
          change("replace", "address", value),
        ),
      ).toEqual(["ok", "EEXIST", "ok"]);
      expect(await on().port.addresses({ index: left })).toMatchObject([
        { family: "ip", local: "10.1.0.1", prefixLength: 24, index: left },
      ]);
      expect(await on().outcomes(change("delete", "address", address("10.1.0.1", 32)))).toEqual(["EADDRNOTAVAIL"]);
      expect(await on().outcomes(change("delete", "address", value), change("delete", "address", value))).toEqual([
        "ok",
        "EADDRNOTAVAIL",
      ]);
      expect(await on().port.addresses({ index: left })).toEqual([]);
    });

    it("are of either family", async () => {
      await on().prepare(...ready);
      const addresses = await on().port.addresses({ family: "ip6", index: left });
      expect(addresses).toMatchObject([{ family: "ip6", address: "fd01::1", prefixLength: 64 }]);
      expect(await on().outcomes(change("add", "address", address("fd01::1", 64)))).toEqual(["EEXIST"]);
      expect(await on().outcomes(change("delete", "address", address("fd01::9", 64)))).toEqual(["EADDRNOTAVAIL"]);
    });

    it("of one subnet go with the first of them; the last takes the routes of its link along", async () => {
      const first = address("10.1.0.1", 24);
      await on().prepare(
        ...ready,
        change("add", "address", address("10.1.0.5", 24)),
        change("add", "address", address("10.7.0.1", 24)),
        change("add", "route", { ...route("10.2.0.0", 16), outInterface: left, preferredSource: ip("10.1.0.1") }),
        change("add", "route", { ...route("10.3.0.0", 16), gateway: ip("10.1.0.2") }),
      );
      const own = async () => (await on().port.addresses({ family: "ip" })).map((a) => a.local);
      const subnets = async () => (await on().port.routes({ family: "ip" })).map((r) => r.destination);
      expect(await subnets()).toEqual(["10.1.0.0", "10.2.0.0", "10.3.0.0", "10.7.0.0"]);
      await on().prepare(change("delete", "address", first));
      expect(await own()).toEqual(["10.7.0.1"]);
      expect(await subnets()).toEqual(["10.3.0.0", "10.7.0.0"]);
      await on().prepare(change("delete", "address", address("10.7.0.1", 24)));
      expect(await subnets()).toEqual([]);
    });

    it("of the loopback come when it is brought up", async () => {
      await on().prepare(set(1, up));
      expect((await on().port.addresses({ index: 1 })).map((a) => a.address)).toEqual(["127.0.0.1", "::1"]);
      expect(await on().port.routes()).toEqual([]);
    });

    it("want a link", async () => {
      expect(await on().outcomes(change("add", "address", address("10.1.0.1", 24, 99)))).toEqual(["ENODEV"]);
      expect(await on().outcomes(change("add", "address", address("fd01::1", 64, 99)))).toEqual(["ENODEV"]);
    });
  });

  it("what belongs to a link goes with it", async () => {
    await on().prepare(
      ...ready,
      change("add", "route", { ...route("10.2.0.0", 16), gateway: ip("10.1.0.2") }),
      change("add", "neighbor", { index: left, destination: ip("10.1.0.2"), linkAddress: "02:00:00:00:00:02" }),
      change("delete", "link", { index: left }),
    );
    expect(await on().port.addresses()).toEqual([]);
    expect(await on().port.routes()).toEqual([]);
    expect((await on().port.neighbors()).filter((n) => n.index === left)).toEqual([]);
  });
}
