import { expect, it } from "vitest";
import type { IpAddress } from "../../src/model/address.ts";
import { FakeIpset } from "../../src/kernel/fake/ipset.ts";
import { describeIpset } from "./ipset.ts";

describeIpset("fake", () => {
  const port = new FakeIpset();
  return Promise.resolve({ port, close: () => Promise.resolve(port.close()) });
});

it("says what it does not model", async () => {
  const port = new FakeIpset();
  const range = { ip: "10.0.0.1" as IpAddress, ipTo: "10.0.0.9" as IpAddress };
  const [, error] = await port.apply([
    { verb: "create", set: "s", definition: { type: "hash:ip", family: "ip" } },
    { verb: "add", set: "s", elements: [range] },
  ]);
  expect(error?.message).toMatch(/ranges of elements.*this fake does not model it/);
});
