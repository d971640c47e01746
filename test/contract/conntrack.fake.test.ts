import { expect, it } from "vitest";
import { FakeConntrack } from "../../src/kernel/fake/conntrack.ts";
import type { ConntrackEvent } from "../../src/kernel/ports.ts";
import { describeConntrack, flow } from "./conntrack.ts";

describeConntrack("fake", () => {
  const port = new FakeConntrack();
  return Promise.resolve({
    port,
    insert: (entries) => Promise.resolve(void entries.map((entry) => port.insert(entry))),
    close: () => Promise.resolve(port.close()),
  });
});

it("refuses a tuple that is taken", () => {
  const port = new FakeConntrack();
  port.insert(flow(1));
  expect(() => port.insert(flow(1))).toThrow(expect.objectContaining({ code: "NETLINK_REFUSED", errno: 17 }));
});

it("tells of an overrun when a test asks for it", async () => {
  const port = new FakeConntrack();
  const events: ConntrackEvent[] = [];
  await port.watch(["new"], (event) => events.push(event));
  port.overrun();
  expect(events).toEqual([{ event: "overrun" }]);
});
