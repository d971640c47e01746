/** A flow of the table as a packet, and what a trace must say of it. */
import { expect } from "vitest";
import type { NftTable } from "../../src/kernel/netlink/nftables/state.ts";
import { parseIp, type IpAddress } from "../../src/model/address.ts";
import { protocolNumbers, type IpFamily, type Protocol } from "../../src/model/service.ts";
import { tracePacket, type NodeFacts, type Outcome, type TracedPacket } from "../../src/observe/trace/nftables.ts";
import { addresses } from "../fixtures/addresses.ts";
import { destination, podAddress, targetPort, type Flow, type Source } from "./flows.ts";

const links: Readonly<Record<Exclude<Source, "node">, string>> = {
  one: "pod1",
  two: "pod2",
  other: "eth1",
  client: "eth0",
};

export function packetOf({ from, to }: Flow, family: IpFamily, protocol: Protocol): TracedPacket {
  const { address, port } = destination(to, family);
  return {
    family,
    protocol: protocolNumbers[protocol],
    source: sourceOf(from, family),
    destination: parseIp(address)!,
    sourcePort: 40_000,
    destinationPort: port,
    ...(from === "node" ? {} : { inInterface: links[from] }),
  };
}

function sourceOf(from: Source, family: IpFamily): IpAddress {
  const { client, node } = addresses[family];
  return parseIp(from === "client" ? client : from === "node" ? node : podAddress(from, family))!;
}

/** The node of the test networks. */
export function nodeFacts(family: IpFamily): NodeFacts {
  const { node, nodeInside, gateway } = addresses[family];
  return { isLocal: (address) => [node, nodeInside, gateway].includes(address) };
}

/** Traces the flow and holds it to what the table of flows expects: exactly, with each backend's share. */
export function expectTrace(table: NftTable, flow: Flow, family: IpFamily, protocol: Protocol): void {
  expectOutcomes(tracePacket(table, packetOf(flow, family, protocol), nodeFacts(family)), flow, family);
}

export function expectOutcomes(outcomes: readonly Outcome[], flow: Flow, family: IpFamily): void {
  const { expect: expected } = flow;
  expect(outcomes.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1);
  if (expected === "refused" || expected === "dropped") {
    const verdict = expected === "refused" ? "rejected" : "dropped";
    return void expect(outcomes.map((one) => one.verdict)).toEqual(outcomes.map(() => verdict));
  }
  if (expected === "left alone") {
    return void expect(outcomes).toMatchObject([{ verdict: "accepted", translated: false, masqueraded: false }]);
  }
  const shares = Object.fromEntries(
    expected.reaches.map((pod) => [podAddress(pod, family), 1 / expected.reaches.length]),
  );
  const found: Record<string, number> = {};
  for (const { destination: to, probability } of outcomes) found[to.address] = (found[to.address] ?? 0) + probability;
  expect(Object.keys(found).sort()).toEqual(Object.keys(shares).sort());
  for (const [address, share] of Object.entries(shares)) expect(found[address]).toBeCloseTo(share);
  for (const outcome of outcomes) expectWay(outcome, flow, expected.as, family);
}

function expectWay(outcome: Outcome, { from }: Flow, as: "itself" | "node", family: IpFamily): void {
  expect(outcome).toMatchObject({ verdict: "accepted", translated: true, destination: { port: targetPort } });
  // This node's own packets have its address whether they are masqueraded or not.
  if (from !== "node")
    expect([from, outcome.masqueraded]).toEqual([from, as === "node" || isHairpin(outcome, from, family)]);
}

function isHairpin({ destination: to }: Outcome, from: Source, family: IpFamily): boolean {
  return from !== "client" && from !== "node" && to.address === podAddress(from, family);
}
