/** The flow table with real packets through what the nftables mode programs. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RealNftables } from "../../../src/kernel/real/nftables.ts";
import { parseIp } from "../../../src/model/address.ts";
import type { IpFamily } from "../../../src/model/service.ts";
import { NftablesTable } from "../../../src/proxy/apply/nftables.ts";
import { deriveService } from "../../../src/proxy/derive/derive.ts";
import { Ruleset } from "../../../src/proxy/modes/nftables/ruleset.ts";
import { addresses } from "../../fixtures/addresses.ts";
import { run } from "../../fixtures/namespace.ts";
import { families, NodeNetwork } from "../../fixtures/node_network.ts";
import {
  destination,
  nodeName,
  podAddress,
  scenarios,
  serviceOf,
  sliceOf,
  targetPort,
  zone,
  type Expected,
  type Flow,
  type FlowProtocol,
  type Pod,
  type Scenario,
} from "../../trace/flows.ts";

let network: NodeNetwork;
let port: RealNftables;
const tables = {} as Record<IpFamily, { readonly ruleset: Ruleset; readonly table: NftablesTable }>;

beforeAll(async () => {
  network = await NodeNetwork.start();
  port = await RealNftables.open(network.hosts.node.namespace);
  for (const family of families) {
    for (const pod of ["one", "two", "other"] as const) {
      const address = podAddress(pod, family);
      for (const protocol of ["TCP", "UDP"] as const) {
        const answer = await network.hosts[pod].command({ do: "listen", protocol, address, port: targetPort });
        expect(answer).toEqual({ answer: "" });
      }
    }
    const { clusterCidr, node, serviceCidr } = addresses[family];
    const ruleset = new Ruleset({
      family,
      masqueradeMark: 1 << 14,
      local: { mode: "cidr", cidr: clusterCidr },
      nodePortAddresses: [parseIp(node)!],
      serviceCidrs: [serviceCidr],
    });
    tables[family] = { ruleset, table: new NftablesTable(port, ruleset) };
    await tables[family].table.repair();
  }
});
afterAll(async () => {
  port?.close();
  await network?.stop();
});

// In long runs alone: of some hundred connections one is lost now and then, and why is not known yet.
const affinityFamilies = process.env["FAIRLEAD_LONG"] === "1" ? families : [];

describe.each(affinityFamilies)("sessionAffinity ClientIP, %s", (family) => {
  const affine = (pods: readonly Pod[], spec: Scenario["spec"] = {}): Scenario => ({
    name: "affinity",
    exposed: true,
    spec: { sessionAffinity: "ClientIP", ...spec },
    endpoints: pods.map((pod) => ({ pod })),
    flows: [],
  });
  const everywhere = ["cluster IP", "external IP", "load balancer", "node port"] as const;

  for (const protocol of ["TCP", "UDP"] as const) {
    for (const to of everywhere) {
      it(`keeps a client at its backend, by ${protocol} to the ${to}, until that goes`, async () => {
        await program(affine(["one", "two", "other"]), family, protocol);
        const [first, ...others] = await reached("client", to, family, protocol);
        expect(others).toEqual([]);
        // Others come and go, and the client stays.
        await program(affine([first!]), family, protocol);
        await program(affine(["one", "two", "other"]), family, protocol);
        expect(await reached("client", to, family, protocol)).toEqual([first]);
        const rest = (["one", "two", "other"] as const).filter((pod) => pod !== first);
        await program(affine(rest), family, protocol);
        const [second, ...more] = await reached("client", to, family, protocol);
        expect(more).toEqual([]);
        expect(rest).toContain(second);
        // A backend that comes back has no claim on the client.
        await program(affine(["one", "two", "other"]), family, protocol);
        expect(await reached("client", to, family, protocol)).toEqual([second]);
      });
    }
  }

  it("stays on this node by policy Local, and ends with its time", async () => {
    const timeout = { sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } } };
    await program(affine(["one", "two", "other"], { externalTrafficPolicy: "Local", ...timeout }), family, "TCP");
    const seen = new Set<Pod>();
    for (let i = 0; i < 60 && seen.size < 2; i++) {
      await sleep(1100);
      for (const pod of await reached("client", "load balancer", family, "TCP")) seen.add(pod);
    }
    expect([...seen].sort()).toEqual(["one", "two"]);
  });
});

/** Backends that answer in several attempts. */
async function reached(
  from: Flow["from"],
  to: Flow["to"],
  family: IpFamily,
  protocol: FlowProtocol,
): Promise<readonly Pod[]> {
  const ask = { do: "ask", protocol, ...destination(to, family), timeoutMs: answerMs } as const;
  const seen = new Set<string>();
  for (let i = 0; i < 12; i++) {
    const result = await network.hosts[from].command(ask);
    expect(result).toHaveProperty("answer");
    seen.add((result as { answer: string }).answer.split(" ")[0]!);
  }
  return [...seen] as Pod[];
}

/** A balanced service reaches each of three backends in so many attempts but for one time in 10^8. */
const attempts = 48;
const answerMs = 20_000;
const silenceMs = 400;

for (const family of families) {
  for (const scenario of scenarios) {
    for (const protocol of scenario.protocols ?? (["TCP"] as const)) {
      describe(`${scenario.name}, ${family}, ${protocol}`, () => {
        beforeAll(() => program(scenario, family, protocol));
        for (const flow of scenario.flows) {
          it(`${flow.from} to the ${flow.to}: ${describeExpected(flow.expect)}`, () => check(flow, family, protocol));
        }
      });
    }
  }
}

async function program(scenario: Scenario, family: IpFamily, protocol: FlowProtocol): Promise<void> {
  const { ruleset, table } = tables[family];
  const options = { node: { name: nodeName, zone }, masqueradeAll: scenario.masqueradeAll ?? false };
  const service = serviceOf(scenario, family, protocol);
  const wanted = deriveService(service, [sliceOf(scenario, family, protocol)], family, options);
  for (const name of ["default/web/TCP", "default/web/UDP"]) ruleset.set(name, wanted.get(name));
  await table.sync();
  // A UDP port that is used again would meet the scenario before.
  await run(network.hosts.node.namespace, ["conntrack", "-F"]);
}

async function check({ from, to, expect: expected }: Flow, family: IpFamily, protocol: FlowProtocol): Promise<void> {
  const ask = { do: "ask", protocol, ...destination(to, family) } as const;
  const host = network.hosts[from];
  if (expected === "refused") {
    return void expect(await host.command({ ...ask, timeoutMs: answerMs })).toEqual({ error: "ECONNREFUSED" });
  }
  if (expected === "dropped") {
    return void expect(await host.command({ ...ask, timeoutMs: silenceMs })).toEqual({ error: "timeout" });
  }
  const seen = new Set<string>();
  const results = await Promise.all(
    Array.from({ length: attempts }, () => host.command({ ...ask, timeoutMs: answerMs })),
  );
  for (const result of results) {
    expect(result).toHaveProperty("answer");
    const [pod, source] = (result as { answer: string }).answer.split(" ");
    seen.add(pod!);
    if (expected.as === "itself") expect(source).toBe(ownAddress(from, family));
    else expect(nodeAddresses(family)).toContain(source);
  }
  expect([...seen].sort()).toEqual([...expected.reaches].sort());
}

function ownAddress(from: Flow["from"], family: IpFamily): string {
  if (from === "client") return addresses[family].client;
  return from === "node" ? addresses[family].node : podAddress(from, family);
}

function nodeAddresses(family: IpFamily): readonly string[] {
  const { gateway, node, nodeInside } = addresses[family];
  return [gateway, node, nodeInside];
}

function describeExpected(expected: Expected): string {
  return typeof expected === "string" ? expected : `${expected.reaches.join(", ")} as ${expected.as}`;
}
