/**
 * Clients that keep their UDP socket while Services change, with real packets: they reach who serves now, and no
 * other flow of the node is touched.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ConntrackEntry } from "../../../src/kernel/netlink/ctnetlink/entry.ts";
import type { ConntrackPort } from "../../../src/kernel/ports.ts";
import { openConntrack } from "../../../src/kernel/real/conntrack.ts";
import { RealNftables } from "../../../src/kernel/real/nftables.ts";
import type { IpAddress } from "../../../src/model/address.ts";
import type { ServicePort } from "../../../src/model/service.ts";
import { NftablesTable } from "../../../src/proxy/apply/nftables.ts";
import { ConntrackCleaner } from "../../../src/proxy/conntrack/cleaner.ts";
import { systemClock } from "../../../src/reconcile/clock.ts";
import { addresses } from "../../fixtures/addresses.ts";
import { families, NodeNetwork, type HostName } from "../../fixtures/node_network.ts";
import { endpoint, rulesetOf, servicePort, wanted } from "../../fixtures/proxied.ts";

const servicePortNumber = 53;
const backendPort = 5353;
const nodePort = 30_053;
/** Long: a busy machine is not a lost packet. */
const answerMs = 20_000;
const silenceMs = 300;

let network: NodeNetwork;
beforeAll(async () => {
  network = await NodeNetwork.start();
  for (const family of families) {
    for (const pod of ["one", "two"] as const) {
      const address = addresses[family].pods[pod];
      await network.hosts[pod].command({ do: "listen", protocol: "UDP", address, port: backendPort });
    }
  }
});
afterAll(() => network?.stop());

describe.each(families)("flows of %s", (family) => {
  const plan = addresses[family];
  const [clusterIp, otherIp, externalIp] = (
    family === "IPv6"
      ? ["fd00:10:96::53", "fd00:10:96::54", "2001:db8:1::53"]
      : ["10.96.0.53", "10.96.0.54", "203.0.113.53"]
  ) as [IpAddress, IpAddress, IpAddress];
  let nftables: RealNftables;
  let conntrack: ConntrackPort;
  let table: NftablesTable;
  let ruleset: ReturnType<typeof rulesetOf>;
  let cleaner: ConntrackCleaner;
  let deleted: number;

  beforeEach(async () => {
    const { namespace } = network.hosts.node;
    nftables = await RealNftables.open(namespace);
    conntrack = await openConntrack({ namespace });
    deleted = 0;
    startAgent();
    await table.repair();
  });
  afterEach(async () => {
    await cleaner.close();
    await table.remove();
    await conntrack.remove([{ original: { protocol: "udp" } }]);
    conntrack.close();
    nftables.close();
  });

  /** As after a restart: it knows nothing of before. */
  function startAgent(): void {
    ruleset = rulesetOf(family);
    table = new NftablesTable(nftables, ruleset);
    cleaner = new ConntrackCleaner(conntrack, {
      clock: systemClock,
      onCleaned: (_family, _seconds, count) => (deleted += count),
      onError: (error) => {
        throw error;
      },
    });
    cleaner.setNodePortAddresses([plan.node as IpAddress]);
  }

  async function program(clusterIp: IpAddress, pods: readonly ("one" | "two")[] | undefined): Promise<void> {
    const port: ServicePort = servicePort(0, {
      family,
      protocol: "UDP",
      clusterIp,
      externalIps: clusterIp === otherIp ? [] : [externalIp],
      port: servicePortNumber,
      nodePort: clusterIp === otherIp ? 0 : nodePort,
    });
    const backends = (pods ?? []).map((pod) => endpoint(plan.pods[pod], true, backendPort));
    const now = pods === undefined ? undefined : wanted(port, backends);
    ruleset.set(clusterIp, now);
    await table.sync();
    cleaner.programmed(family, [[clusterIp, now]]);
    await cleaner.settled();
  }

  /** Each host has one socket for each destination. */
  async function ask(from: HostName, address: string, port = servicePortNumber, timeoutMs = answerMs): Promise<string> {
    const fromPort = 20_000 + port + (address === otherIp ? 1000 : 0);
    const answer = await network.hosts[from].command({
      do: "ask",
      protocol: "UDP",
      address,
      port,
      timeoutMs,
      fromPort,
    });
    return "answer" in answer ? answer.answer.split(" ")[0]! : answer.error;
  }

  async function ids(): Promise<readonly (number | undefined)[]> {
    const entries: readonly ConntrackEntry[] = await conntrack.list([{ original: { protocol: "udp" } }]);
    return entries.map(({ id }) => id).sort();
  }

  it("go to who takes an endpoint's place, and others stay", async () => {
    await program(clusterIp, ["one"]);
    await program(otherIp, ["one"]);
    expect(await ask("client", plan.node, nodePort)).toBe("one");
    expect(await ask("node", clusterIp)).toBe("one");
    expect(await ask("two", clusterIp)).toBe("one");
    expect(await ask("two", otherIp)).toBe("one");
    expect(await ask("client", plan.pods.one, backendPort)).toBe("one");
    const before = await ids();
    expect(before).toHaveLength(5);
    await program(clusterIp, ["two"]);
    const after = await ids();
    expect(deleted).toBe(3);
    expect(before).toEqual(expect.arrayContaining([...after]));
    expect(await ask("client", plan.node, nodePort)).toBe("two");
    expect(await ask("node", clusterIp)).toBe("two");
    expect(await ask("two", otherIp)).toBe("one");
    expect(await ask("client", plan.pods.one, backendPort)).toBe("one");
    expect(await ids()).toEqual(expect.arrayContaining([...after]));
  });

  it("without an endpoint are refused at once, and served by the first one that comes", async () => {
    await program(clusterIp, ["one"]);
    expect(await ask("node", clusterIp)).toBe("one");
    await program(clusterIp, []);
    expect(await ask("node", clusterIp)).toBe("ECONNREFUSED");
    await program(clusterIp, ["two"]);
    expect(await ask("node", clusterIp)).toBe("two");
  });

  it("that began before the Service was there reach it", async () => {
    // Out by the default route, where nobody answers: an entry that is not translated.
    expect(await ask("one", externalIp, servicePortNumber, silenceMs)).not.toBe("two");
    expect(await ids()).toHaveLength(1);
    await program(clusterIp, []);
    expect(deleted).toBe(0);
    await program(clusterIp, ["two"]);
    expect(await ask("one", externalIp)).toBe("two");
    expect(deleted).toBe(1);
  });

  it("of a Service that is gone are forgotten", async () => {
    await program(clusterIp, ["one"]);
    await program(otherIp, ["one"]);
    expect(await ask("two", clusterIp)).toBe("one");
    expect(await ask("two", otherIp)).toBe("one");
    await program(clusterIp, undefined);
    expect(deleted).toBe(1);
    expect(await ask("two", clusterIp, servicePortNumber, silenceMs)).not.toBe("one");
    expect(await ask("two", otherIp)).toBe("one");
  });

  it("that became stale while the agent was away are forgotten when it starts", async () => {
    await program(clusterIp, ["one"]);
    await program(otherIp, ["one"]);
    expect(await ask("node", clusterIp)).toBe("one");
    expect(await ask("node", otherIp)).toBe("one");
    await cleaner.close();
    startAgent();
    await table.adopt();
    await program(otherIp, ["one"]);
    await program(clusterIp, ["two"]);
    await cleaner.close();
    expect(deleted).toBe(1);
    expect(await ask("node", clusterIp)).toBe("two");
    expect(await ask("node", otherIp)).toBe("one");
  });
});
