/** Routes and the rules that choose their tables. */
import { describe, expect, it } from "vitest";
import {
  addPair,
  address,
  change,
  down,
  ip,
  left,
  ready,
  right,
  route,
  set,
  up,
  type RoutingContext,
} from "./context.ts";

export function describeRoutes(on: () => RoutingContext): void {
  describe("routes", () => {
    const destinations = async (filter = {}) =>
      (await on().port.routes(filter)).map((r) => `${r.destination ?? "default"}/${r.destinationPrefixLength}`);

    it("to the subnet come with an address on a link that is up", async () => {
      await on().prepare(addPair, change("add", "address", address("10.1.0.1", 24)));
      expect(await destinations({ family: "ip" })).toEqual([]);
      await on().prepare(set(left, up));
      expect(await on().port.routes({ family: "ip" })).toMatchObject([
        {
          ...{ destination: "10.1.0.0", destinationPrefixLength: 24, outInterface: left, table: 254 },
          ...{ protocol: "kernel", scope: "link", preferredSource: "10.1.0.1" },
        },
      ]);
      await on().prepare(change("add", "address", { ...address("10.9.0.1", 24), flags: ["noPrefixRoute"] }));
      expect(await destinations({ family: "ip" })).toEqual(["10.1.0.0/24"]);
    });

    it("are added once, replaced, changed and deleted", async () => {
      await on().prepare(...ready);
      const value = { ...route("10.2.0.0", 16), gateway: ip("10.1.0.2") };
      const elsewhere = { ...value, gateway: ip("10.1.0.3") };
      expect(
        await on().outcomes(
          change("change", "route", value),
          change("add", "route", value),
          change("add", "route", elsewhere),
          change("replace", "route", elsewhere),
        ),
      ).toEqual(["ENOENT", "ok", "EEXIST", "ok"]);
      expect(await on().port.routes({ protocol: "static" })).toMatchObject([
        { destination: "10.2.0.0", gateway: "10.1.0.3", outInterface: left, scope: "universe", kind: "unicast" },
      ]);
      expect(await on().outcomes(change("delete", "route", value), change("delete", "route", elsewhere))).toEqual([
        "ESRCH",
        "ok",
      ]);
      expect(await destinations({ protocol: "static" })).toEqual([]);
    });

    it("may be appended beside one of the same key", async () => {
      await on().prepare(...ready);
      const value = { ...route("10.2.0.0", 16), gateway: ip("10.1.0.2") };
      const beside = { ...value, gateway: ip("10.1.0.3") };
      expect(
        await on().outcomes(
          change("append", "route", value),
          change("append", "route", beside),
          change("append", "route", beside),
        ),
      ).toEqual(["ok", "ok", "EEXIST"]);
      expect((await on().port.routes({ protocol: "static" })).map((r) => r.gateway)).toEqual(["10.1.0.2", "10.1.0.3"]);
    });

    it("of one destination stand side by side with other priorities", async () => {
      await on().prepare(...ready);
      const value = { ...route("10.2.0.0", 16), gateway: ip("10.1.0.2") };
      await on().prepare(change("add", "route", { ...value, priority: 5 }), change("add", "route", value));
      expect((await on().port.routes({ protocol: "static" })).map((r) => r.priority)).toEqual([undefined, 5]);
      await on().prepare(change("delete", "route", { ...value, priority: 5 }));
      expect((await on().port.routes({ protocol: "static" })).map((r) => r.priority)).toEqual([undefined]);
    });

    it("want a gateway that is reached and a link that is there and up", async () => {
      await on().prepare(...ready);
      const far = { ...route("10.2.0.0", 16), gateway: ip("10.5.0.1") };
      expect(
        await on().outcomes(
          change("add", "route", far),
          change("add", "route", { ...far, outInterface: left }),
          change("add", "route", { ...route("10.2.0.0", 16), outInterface: 99 }),
          change("add", "route", { ...route("10.2.0.1", 16), outInterface: left }),
          set(right, down),
          change("add", "route", { ...route("10.2.0.0", 16), outInterface: right }),
          change("add", "route", { ...far, outInterface: left, flags: ["onlink"] }),
        ),
      ).toEqual(["ENETUNREACH", "ENETUNREACH", "ENODEV", "EINVAL", "ok", "ENETDOWN", "ok"]);
    });

    it("of IPv6 have a priority of 1024 where none is given", async () => {
      await on().prepare(...ready);
      const value = { ...route("fd02::", 64), gateway: ip("fd01::2") };
      expect(
        await on().outcomes(
          change("add", "route", value),
          change("add", "route", value),
          change("add", "route", { ...value, gateway: ip("fd05::1") }),
          change("add", "route", { ...route("fd03::", 64), gateway: ip("fd05::1") }),
          change("add", "route", { ...route("fd03::", 64), outInterface: 99 }),
        ),
      ).toEqual(["ok", "EEXIST", "EHOSTUNREACH", "EHOSTUNREACH", "ENODEV"]);
      expect(await on().port.routes({ family: "ip6", protocol: "static" })).toMatchObject([
        { destination: "fd02::", destinationPrefixLength: 64, priority: 1024, outInterface: left },
      ]);
      expect(await on().outcomes(change("delete", "route", value), change("delete", "route", value))).toEqual([
        "ok",
        "ESRCH",
      ]);
    });

    it("may lead nowhere, and stand in any table", async () => {
      await on().prepare(...ready);
      expect(await on().port.routes({ table: 1234 })).toEqual([]);
      await on().prepare(
        change("add", "route", { ...route("10.2.0.0", 16), kind: "blackhole", table: 1234 }),
        change("add", "route", { ...route("10.3.0.0", 16), outInterface: left, table: 1234 }),
      );
      expect(await destinations({ table: 1234, kind: "blackhole" })).toEqual(["10.2.0.0/16"]);
      expect(await destinations({ table: 1234, outInterface: left })).toEqual(["10.3.0.0/16"]);
      expect(await destinations({ protocol: "static", table: 254 })).toEqual([]);
    });

    it("go with their link: IPv4's when it is down, with IPv6's addresses", async () => {
      await on().prepare(...ready, change("add", "route", { ...route("10.2.0.0", 16), gateway: ip("10.1.0.2") }));
      await on().prepare(set(left, down));
      expect(await destinations()).toEqual([]);
      expect((await on().port.addresses({ index: left })).map((a) => a.address)).toEqual(["10.1.0.1"]);
      await on().prepare(set(left, up));
      expect(await destinations()).toEqual(["10.1.0.0/24"]);
    });
  });

  describe("rules", () => {
    const priorities = async () => (await on().port.rules({ family: "ip" })).map((rule) => rule.priority ?? 0);

    it("begin with the kernel's three, and take others before them", async () => {
      expect(await priorities()).toEqual([0, 32766, 32767]);
      const value = { mark: 0x4000, markMask: 0x4000, table: 100, priority: 90 };
      expect(await on().outcomes(change("add", "rule", value), change("add", "rule", value))).toEqual(["ok", "EEXIST"]);
      await on().prepare(change("add", "rule", { ...route("10.2.0.0", 16), table: 101 }));
      expect(await priorities()).toEqual([0, 89, 90, 32766, 32767]);
      expect((await on().port.rules({ family: "ip" }))[2]).toMatchObject({ ...value, action: "lookup" });
      expect(await on().outcomes(change("delete", "rule", value), change("delete", "rule", value))).toEqual([
        "ok",
        "ENOENT",
      ]);
    });

    it("of IPv6 are its own", async () => {
      await on().prepare(change("add", "rule", { family: "ip6", mark: 1, table: 100, priority: 90 }));
      expect(await priorities()).toEqual([0, 32766, 32767]);
      expect((await on().port.rules({ family: "ip6" })).map((rule) => rule.priority ?? 0)).toEqual([0, 90, 32766]);
    });
  });
}
