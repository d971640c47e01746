import { expect, it } from "vitest";
import type { IpAddress } from "../../src/model/address.ts";
import { FakeIpvs } from "../../src/kernel/fake/ipvs.ts";
import type { IpvsStep } from "../../src/kernel/netlink/ipvs/step.ts";
import { describeIpvs } from "./ipvs.ts";

describeIpvs("fake", () => {
  const port = new FakeIpvs();
  return Promise.resolve({ port, close: () => Promise.resolve(port.close()) });
});

it("gives a destination that comes back its connections, and its own service's alone", async () => {
  const port = new FakeIpvs();
  const service = { address: "10.96.0.1" as IpAddress, port: 80, protocol: "tcp" } as const;
  const other = { ...service, port: 81 };
  const destination = { address: "10.0.0.1" as IpAddress, port: 80, forwarding: "masq", weight: 1 } as const;
  const made = [service, other].flatMap((key): IpvsStep[] => [
    { verb: "addService", service: { key, scheduler: "rr" } },
    { verb: "addDestination", service: key, destination },
  ]);
  await port.apply(made);
  port.load(service, destination, { activeConnections: 3 });
  port.count(service, { connections: 5n });
  await port.apply(
    [service, other].flatMap((key): IpvsStep[] => [
      { verb: "deleteDestination", service: key, destination },
      { verb: "addDestination", service: key, destination },
    ]),
  );
  const listed = await port.list([service, other]);
  expect(listed.map(({ counters }) => counters.connections)).toEqual([5n, 0n]);
  expect(listed.map(({ destinations }) => destinations[0]!.activeConnections)).toEqual([3, 0]);
  await port.apply([{ verb: "zeroCounters", service }]);
  expect((await port.services())[0]!.counters.connections).toBe(0n);
});
