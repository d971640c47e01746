/** Links: they come, change and go, alone, in pairs and in bridges. */
import { describe, expect, it } from "vitest";
import {
  addBridge,
  addPair,
  addVxlan,
  bridge,
  change,
  ip,
  left,
  peerHeader,
  right,
  up,
  type RoutingContext,
} from "./context.ts";

export function describeLinks(on: () => RoutingContext): void {
  describe("links", () => {
    it("begin with the loopback alone, which cannot be deleted", async () => {
      expect(await on().linkNames()).toEqual(["lo"]);
      expect(await on().outcomes(change("delete", "link", { name: "lo" }))).toEqual(["ENOTSUP"]);
    });

    it("come in pairs, know each other and go together", async () => {
      await on().prepare(addPair);
      expect(await on().linkAt(left)).toMatchObject({ name: "left", link: right, info: { kind: "veth" } });
      expect(await on().linkAt(right)).toMatchObject({ name: "right", link: left, info: { kind: "veth" } });
      await on().prepare(change("delete", "link", { name: "right" }));
      expect(await on().linkNames()).toEqual(["lo"]);
    });

    it("are found one by one, by name or index; one that is not there is undefined", async () => {
      await on().prepare(addPair);
      expect(await on().port.link({ name: "left" })).toMatchObject({ index: left, link: right });
      expect(await on().port.link({ index: right })).toMatchObject({ name: "right", info: { kind: "veth" } });
      expect(await on().port.link({ name: "none" })).toBeUndefined();
      expect(await on().port.link({ index: 99 })).toBeUndefined();
    });

    it("are made once", async () => {
      expect(await on().outcomes(addPair, addPair)).toEqual(["ok", "EEXIST"]);
      expect(await on().outcomes(change("add", "link", { name: "left", info: { kind: "bridge" } }))).toEqual([
        "EEXIST",
      ]);
    });

    it("have their other end born in another namespace, and take it along", async () => {
      const peer = { ...peerHeader, index: 0, name: "eth0", address: "02:00:00:00:00:07", netnsFd: on().otherFd };
      await on().prepare(change("add", "link", { name: "left", ...up, info: { kind: "veth", peer } }));
      expect(await on().linkNames()).toEqual(["left", "lo"]);
      const far = (await on().other.links()).find((link) => link.name === "eth0");
      expect(far).toMatchObject({ address: "02:00:00:00:00:07", info: { kind: "veth" } });
      expect(far!.flags).not.toContain("up");
      await on().prepare(change("delete", "link", { name: "left" }));
      expect(await on().linkNames(on().other)).toEqual(["lo"]);
    });

    it("refuse a peer that shall be up at birth: its other end is not there yet", async () => {
      const peer = { ...peerHeader, ...up, index: 0, name: "right" };
      expect(await on().outcomes(change("add", "link", { name: "left", info: { kind: "veth", peer } }))).toEqual([
        "ENOTCONN",
      ]);
      expect(await on().linkNames()).toEqual(["lo"]);
    });

    it("go together by their group, and no others", async () => {
      await on().prepare(addPair, addBridge, change("change", "link", { index: left, group: 7 }));
      await on().prepare(change("change", "link", { index: right, group: 7 }));
      await on().prepare(change("delete", "link", { group: 7 }));
      expect(await on().linkNames()).toEqual(["bridge", "lo"]);
      expect(await on().outcomes(change("delete", "link", { group: 7 }))).toEqual(["ENODEV"]);
      await expect(on().outcomes(change("delete", "link", { group: 0 }))).rejects.toMatchObject({
        code: "NETLINK_ENCODE",
      });
    });

    it("want a master that is there and is one", async () => {
      expect(await on().outcomes(change("add", "link", { name: "b", master: 99, info: { kind: "bridge" } }))).toEqual([
        "EINVAL",
      ]);
      await on().prepare(addPair, addBridge);
      expect(
        await on().outcomes(
          change("change", "link", { index: left, master: 99 }),
          change("change", "link", { index: left, master: right }),
        ),
      ).toEqual(["EINVAL", "ENOTSUP"]);
    });

    it("are ports of a bridge until it goes", async () => {
      await on().prepare(addBridge, addPair, change("change", "link", { index: left, master: bridge }));
      await on().prepare(change("change", "link", { index: left, info: { slave: { kind: "bridge", hairpin: true } } }));
      expect(await on().linkAt(left)).toMatchObject({
        master: bridge,
        info: { slave: { kind: "bridge", hairpin: true } },
      });
      expect((await on().port.links({ master: bridge })).map((link) => link.name)).toEqual(["left"]);
      await on().prepare(change("delete", "link", { index: bridge }));
      expect((await on().linkAt(left))!.master).toBeUndefined();
    });

    it("are renamed, resized and brought up; one that is not there is ENODEV", async () => {
      await on().prepare(addPair, change("change", "link", { index: left, name: "west", mtu: 1400, ...up }));
      const link = await on().linkAt(left);
      expect(link).toMatchObject({ name: "west", mtu: 1400 });
      expect(link!.flags).toContain("up");
      expect(
        await on().outcomes(change("change", "link", { index: 99, ...up }), change("delete", "link", { name: "none" })),
      ).toEqual(["ENODEV", "ENODEV"]);
    });

    it("carry a VXLAN identifier once", async () => {
      const info = { kind: "vxlan", id: 7, port: 4789 } as const;
      expect(await on().outcomes(addVxlan, change("add", "link", { name: "second", info }))).toEqual(["ok", "EEXIST"]);
      const below = change("add", "link", { name: "third", info: { ...info, id: 8, link: 99 } });
      expect(await on().outcomes(below)).toEqual(["ENODEV"]);
      const overIpv6 = change("add", "link", { name: "fourth", info: { ...info, local6: ip("fd01::1") } });
      expect(await on().outcomes(overIpv6)).toEqual(["ok"]);
    });

    it("go with the link below them", async () => {
      await on().prepare(addPair);
      await on().prepare(
        change("add", "link", { name: "above", info: { kind: "vxlan", id: 9, port: 4789, link: left } }),
      );
      await on().prepare(change("delete", "link", { index: left }));
      expect(await on().linkNames()).toEqual(["lo"]);
    });

    it("are listed by kind", async () => {
      await on().prepare(addPair, addBridge, addVxlan);
      expect((await on().port.links({ kind: "vxlan" })).map((link) => link.info)).toMatchObject([
        { kind: "vxlan", id: 7, port: 4789, local: "10.1.0.1", learning: false },
      ]);
    });
  });
}
