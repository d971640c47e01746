/** Node ports at loopback beside a mode's rules, on the fake relay. */
import { beforeEach, describe, expect, it } from "vitest";
import { FakeNftables } from "../../../../src/kernel/fake/nftables.ts";
import { FakeRelay } from "../../../../src/kernel/fake/relay.ts";
import type { FamilyRules } from "../../../../src/proxy/agent/mode.ts";
import { nftablesRules } from "../../../../src/proxy/agent/nftables_mode.ts";
import { localhostRules } from "../../../../src/proxy/apply/localhost.ts";
import { deriveService } from "../../../../src/proxy/derive/derive.ts";
import { Backends } from "../../../../src/proxy/derive/backends.ts";
import { loopback } from "../../../../src/proxy/modes/userspace/localhost.ts";
import { flowDeriveOptions, flowOptions } from "../../../fixtures/flow_options.ts";
import { nodePort, podAddress, serviceOf, sliceOf, targetPort, type Pod } from "../../../trace/flows.ts";

const takenPort = 30_999;
let relay: FakeRelay;
let refused: string[];
let rules: FamilyRules;
beforeEach(() => {
  relay = new FakeRelay([], [takenPort]);
  refused = [];
  rules = localhostRules(nftablesRules(new FakeNftables(), flowOptions("IPv4")), relay, ({ listen }, error) =>
    refused.push(`${listen!.port}: ${String(error)}`),
  );
});

/** The Service of the flow table under another name, at another node port. */
function set(name: string, port: number, pods: readonly Pod[], more: object = {}): void {
  const scenario = { name, exposed: true, endpoints: pods.map((pod) => ({ pod })), flows: [], spec: more };
  const service = serviceOf(scenario, "IPv4", "TCP");
  const [first] = service.spec.ports!;
  const at = {
    ...service.spec,
    ports: [{ ...first!, nodePort: port }],
    externalIPs: [],
    clusterIP: `10.96.1.${port % 250}`,
  };
  const status = { loadBalancer: {} };
  const named = { ...service, metadata: { ...service.metadata, name }, spec: at, status };
  const slice = sliceOf(scenario, "IPv4", "TCP");
  const derived = deriveService(named, [slice], "IPv4", flowDeriveOptions("IPv4", scenario));
  for (const [key, wanted] of derived) rules.ruleset.set(key, wanted);
}

/** Endpoints of who comes to a port of 127.0.0.1; undefined: nobody listens. */
function served(port: number): readonly string[] | undefined {
  const frontend = relay.frontendAt(port, { address: loopback.IPv4, port });
  if (!frontend) return undefined;
  expect(frontend.listen).toEqual({ address: loopback.IPv4, port });
  return [...Backends.ofRow("IPv4", frontend.endpoints)].map(({ ip, port: to }) => `${ip}:${to}`);
}

const one = `${podAddress("one", "IPv4")}:${targetPort}`;

describe("node ports at loopback", () => {
  it("come with their Service, follow its endpoints, and go with either", async () => {
    set("a", nodePort, ["one"]);
    await rules.kernel.repair();
    expect(served(nodePort)).toEqual([one]);
    set("a", nodePort, ["one", "two"]);
    await rules.kernel.sync();
    expect(served(nodePort)).toHaveLength(2);
    set("a", nodePort, []);
    await rules.kernel.sync();
    expect(served(nodePort)).toBeUndefined();
    set("a", nodePort, ["one"]);
    await rules.kernel.sync();
    expect(served(nodePort)).toEqual([one]);
    rules.ruleset.set("default/a/TCP", undefined);
    await rules.kernel.sync();
    expect(relay.keys).toEqual([]);
  });

  it("lead to the cluster's endpoints under policy Local, as for all clients of this node", async () => {
    set("a", nodePort, ["other"], { externalTrafficPolicy: "Local" });
    await rules.kernel.repair();
    expect(served(nodePort)).toHaveLength(1);
  });

  it("are the first Service's by name where two want one", async () => {
    set("b", nodePort, ["one", "two"]);
    set("a", nodePort, ["one"]);
    await rules.kernel.repair();
    expect(served(nodePort)).toEqual([one]);
  });

  it("that somebody else has are told once and leave the others served", async () => {
    set("a", takenPort, ["one"]);
    set("b", nodePort, ["one"]);
    await rules.kernel.repair();
    expect(served(nodePort)).toEqual([one]);
    expect(refused).toEqual([expect.stringContaining(`${takenPort}: `)]);
    expect(refused[0]).toContain("EADDRINUSE");
    set("c", nodePort + 1, ["one"]);
    await rules.kernel.sync();
    expect(served(nodePort + 1)).toEqual([one]);
    expect(refused).toHaveLength(1);
    set("a", takenPort + 1, ["one"]);
    await rules.kernel.sync();
    expect(served(takenPort + 1)).toEqual([one]);
    expect(await rules.kernel.sync()).toBe(0);
  });

  it("cost nothing where nothing of them changes", async () => {
    set("a", nodePort, ["one"]);
    await rules.kernel.repair();
    expect(await rules.kernel.sync()).toBe(0);
    const [counted] = (await rules.kernel.counts()).filter(({ address }) => address === undefined);
    expect(counted!.relayed).toMatchObject({ connections: 0n });
  });
});
