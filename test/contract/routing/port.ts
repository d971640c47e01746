/** The port itself: batches, refusals, events, closing. */
import { describe, expect, it, vi } from "vitest";
import type { RoutingEvent } from "../../../src/kernel/ports.ts";
import { addBridge, addPair, change, ip, left, ready, right, route, up, type RoutingContext } from "./context.ts";

export function describePort(on: () => RoutingContext): void {
  describe("applying", () => {
    it("goes on after a refusal, and says what was refused in the kernel's words", async () => {
      const [missing, ok] = await on().port.apply([change("delete", "link", { name: "none" }), addPair]);
      expect(ok).toBeNull();
      expect(missing).toMatchObject({ code: "NETLINK_REFUSED", subject: "delete link none" });
    });

    it("reads a link behind the changes, whether all of them were taken or not", async () => {
      const made = await on().port.applyAndRead([addPair], { name: "left" });
      expect(made).toMatchObject({ outcomes: [null], link: { index: left, link: right } });
      const set = [change("delete", "link", { name: "none" }), change("change", "link", { name: "right", ...up })];
      const changed = await on().port.applyAndRead(set, { index: right });
      expect(changed.outcomes).toMatchObject([{ subject: "delete link none" }, null]);
      expect(changed.link?.flags).toContain("up");
      const gone = await on().port.applyAndRead([change("delete", "link", { name: "left" })], { name: "left" });
      expect(gone).toEqual({ outcomes: [null], link: undefined });
      const none = await on().port.applyAndRead([], { name: "right" });
      expect(none).toEqual({ outcomes: [], link: undefined });
    });

    it("throws for a value that does not fit", async () => {
      const long = change("add", "link", { name: "a-name-of-16-byte", info: { kind: "bridge" } });
      await expect(async () => on().port.apply([long])).rejects.toMatchObject({
        code: "NETLINK_ENCODE",
        subject: "name",
      });
    });

    it("is over once the port is closed", async () => {
      on().port.close();
      on().port.close();
      await expect(on().port.apply([addBridge])).rejects.toMatchObject({ code: "NATIVE_CALL" });
      await expect(on().port.links()).rejects.toMatchObject({ code: "NATIVE_CALL" });
    });

    it("takes no changes for none", async () => {
      expect(await on().port.apply([])).toEqual([]);
    });
  });

  it("watchers are told of every change until they close", async () => {
    const events: RoutingEvent[] = [];
    const seen = (event: string, object: string, value: object) =>
      vi.waitFor(() => expect(events).toContainEqual({ event, object, value: expect.objectContaining(value) }), 2000);
    const watch = await on().port.watch((event) => events.push(event));
    await on().prepare(...ready);
    await seen("new", "link", { index: left, name: "left" });
    await seen("new", "address", { index: left, local: "10.1.0.1" });
    await on().prepare(
      change("add", "route", { ...route("10.2.0.0", 16), gateway: ip("10.1.0.2") }),
      change("add", "neighbor", { index: left, destination: ip("10.1.0.2"), linkAddress: "02:00:00:00:00:02" }),
    );
    await seen("new", "route", { destination: "10.2.0.0", gateway: "10.1.0.2" });
    await seen("new", "neighbor", { destination: "10.1.0.2" });
    await on().prepare(change("delete", "route", route("10.2.0.0", 16)));
    await seen("delete", "route", { destination: "10.2.0.0" });
    await on().prepare(change("delete", "link", { index: left }));
    await seen("delete", "address", { local: "10.1.0.1" });
    await seen("delete", "link", { index: right });
    watch.close();
    const count = events.length;
    await on().prepare(addBridge);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(events).toHaveLength(count);
  });

  it("watchers are told of nothing but what they ask for", async () => {
    const events: RoutingEvent[] = [];
    const watch = await on().port.watch((event) => events.push(event), ["address", "neighbor"]);
    await on().prepare(
      ...ready,
      change("add", "route", { ...route("10.2.0.0", 16), gateway: ip("10.1.0.2") }),
      change("add", "neighbor", { index: left, destination: ip("10.1.0.2"), linkAddress: "02:00:00:00:00:02" }),
    );
    await vi.waitFor(() => expect(events).toContainEqual(expect.objectContaining({ object: "neighbor" })), 2000);
    watch.close();
    const objects = events.map((event) => ("object" in event ? event.object : event.event));
    expect(new Set(objects)).toEqual(new Set(["address", "neighbor"]));
  });
}
