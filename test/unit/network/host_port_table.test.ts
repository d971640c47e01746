import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeNftables } from "../../../src/kernel/fake/nftables.ts";
import { FakeNetwork } from "../../../src/kernel/fake/routing.ts";
import type { RoutingChange, RoutingPort } from "../../../src/kernel/ports.ts";
import type { IpAddress } from "../../../src/model/address.ts";
import { HostPortTable } from "../../../src/network/host_port_table.ts";

let routing: RoutingPort;
let table: HostPortTable;
/** Readings of all addresses of the node. */
let readings: number;

beforeEach(async () => {
  routing = new FakeNetwork().createNamespace().openRouting();
  readings = 0;
  const addresses = routing.addresses.bind(routing);
  routing.addresses = (filter) => {
    readings++;
    return addresses(filter);
  };
  table = await HostPortTable.open(new FakeNftables(), routing);
  expect(readings).toBe(1);
});

afterEach(() => {
  table.close();
  routing.close();
});

const addressOnLoopback = (local: string, scope: "universe" | "host"): RoutingChange => ({
  verb: "add",
  object: "address",
  value: { index: 1, local: local as IpAddress, prefixLength: 32, scope },
});

it("does not read the node's addresses again for those of pods' links", async () => {
  await routing.apply([addressOnLoopback("169.254.1.1", "host"), addressOnLoopback("169.254.1.2", "host")]);
  await sleep(10);
  expect(readings).toBe(1);
});

it("reads them once or twice when many of the node's come together", async () => {
  const many = Array.from({ length: 20 }, (_, i) => addressOnLoopback(`192.0.2.${i + 1}`, "universe"));
  await routing.apply(many);
  await vi.waitFor(() => expect(readings).toBeGreaterThan(1), 2000);
  await sleep(10);
  expect(readings).toBeLessThanOrEqual(3);
});
