/** The agent on fake kernels, with time that the test moves: when it announces the network, and when it takes that back. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Client, WatchObserver } from "../../../src/api/client.ts";
import { FakeNftables } from "../../../src/kernel/fake/nftables.ts";
import { FakeNetwork } from "../../../src/kernel/fake/routing.ts";
import { FakeSysctl } from "../../../src/kernel/fake/sysctl.ts";
import type { RoutingPort } from "../../../src/kernel/ports.ts";
import type { Node } from "../../../src/model/kubernetes.ts";
import { NetworkAgent } from "../../../src/network/agent.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { ip, overlayNode, overlayOptions, tunnelNode, type NodeFields } from "../../fixtures/overlay_nodes.ts";
import { underlay } from "../../fixtures/walk/overlay.ts";

/** An API server of nodes. */
class Nodes {
  readonly objects = new Map<string, Node>();
  readonly patches: unknown[] = [];
  #observer: WatchObserver<Node> | undefined;
  #version = 1;

  readonly client = {
    list: () => Promise.resolve({ items: [...this.objects.values()], resourceVersion: String(this.#version) }),
    watch: (_: unknown, __: unknown, observer: WatchObserver<Node>) => {
      this.#observer = observer;
      return () => (this.#observer = undefined);
    },
    patch: (_: unknown, { name }: { name: string }, { body }: { body: Partial<Node> }, options: unknown) => {
      this.patches.push({ name, options, ...body });
      const { metadata } = this.objects.get(name)!;
      const node = this.objects.get(name)!;
      this.objects.set(name, { ...node, status: { ...node.status, ...body.status } });
      this.set(name, { annotations: { ...metadata.annotations, ...body.metadata?.annotations } });
      return Promise.resolve();
    },
  } as unknown as Client;

  put(node: Node): void {
    const versioned = { ...node, metadata: { ...node.metadata, resourceVersion: String(++this.#version) } };
    const type = this.objects.has(node.metadata.name) ? "MODIFIED" : "ADDED";
    this.objects.set(node.metadata.name, versioned);
    this.#observer?.onEvent({ type, object: versioned });
  }

  set(name: string, fields: NodeFields): void {
    const node = overlayNode(Number(name.split("-")[1]), fields);
    this.put({ ...this.objects.get(name)!, metadata: node.metadata });
  }

  delete(name: string): void {
    const object = this.objects.get(name)!;
    this.objects.delete(name);
    this.#observer?.onEvent({ type: "DELETED", object });
  }
}

let nodes: Nodes;
let clock: FakeClock;
let routing: RoutingPort;
let nftables: FakeNftables;
let agent: NetworkAgent;
let done: string[];
let warned: string[];
const sysctl = new FakeSysctl({ "net.ipv4.ip_forward": "0", "net.ipv6.conf.all.forwarding": "0" });
const announcement = {
  write: () => Promise.resolve(void done.push("write")),
  remove: () => Promise.resolve(void done.push("remove")),
};

beforeEach(async () => {
  nodes = new Nodes();
  clock = new FakeClock();
  routing = new FakeNetwork().createNamespace().openRouting();
  nftables = new FakeNftables();
  [done, warned] = [[], []];
  await routing.apply(underlay);
  agent = new NetworkAgent({
    client: nodes.client,
    nodeName: "node-1",
    overlay: overlayOptions(),
    masquerade: { enabled: true, clusterCidrs: [], exclusions: [] },
    mtu: undefined,
    routing,
    nftables,
    sysctl,
    announcement,
    clock,
    log: { info: () => undefined, warn: (fields, message) => void warned.push(`${message} ${JSON.stringify(fields)}`) },
  });
});

afterEach(async () => {
  await agent.stop();
  routing.close();
});

/** Lets what waits in turns of the event loop happen, without time going by. */
const turns = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
};

async function ready(): Promise<void> {
  nodes.put(overlayNode(1));
  nodes.put(tunnelNode(2));
  await agent.start();
  await eventually("the network", async () => {
    clock.advance(60);
    await turns();
    return agent.notReady === undefined && done.includes("write");
  });
}

const lose = () =>
  routing.apply([
    { verb: "delete", object: "address", value: { index: 100, local: ip("172.18.0.1"), prefixLength: 16 } },
  ]);
const find = () =>
  routing.apply([{ verb: "add", object: "address", value: { index: 100, local: ip("172.18.0.1"), prefixLength: 16 } }]);

describe("the agent", () => {
  it("lets the kernel forward, sets the overlay and masquerading up, and tells of its node with the status", async () => {
    await ready();
    expect(await sysctl.read("net.ipv4.ip_forward")).toBe("1");
    expect(await sysctl.read("net.ipv6.conf.all.forwarding")).toBe("1");
    expect((await routing.routes({ protocol: "#107" })).length).toBe(4);
    expect(await nftables.list({ family: "ip", name: "fairlead-network" })).toBeDefined();
    expect(agent.podCidrs).toEqual(["10.244.1.0/24", "fd00:10:244:1::/64"]);
    expect(agent.podMtu).toBe(1430);
    await eventually("the annotations", async () => (await turns(), nodes.patches.length > 0));
    expect(nodes.patches).toMatchObject([
      {
        name: "node-1",
        options: { subresource: "status" },
        status: { conditions: [{ type: "NetworkUnavailable", status: "False", reason: "FairleadIsUp" }] },
      },
    ]);
    expect(done).toEqual(["write"]);
  });

  it("does not take the network back while it is away for a moment", async () => {
    await ready();
    await lose();
    await eventually("it is seen", async () => (clock.advance(60), await turns(), agent.notReady !== undefined));
    expect(agent.notReady).toContain("no link has 172.18.0.1");
    clock.advance(5000);
    await turns();
    await find();
    await eventually("it is back", async () => (clock.advance(60), await turns(), agent.notReady === undefined));
    clock.advance(20_000);
    await turns();
    expect(done).not.toContain("remove");
  });

  it("takes it back when it stays away, and announces it again", async () => {
    await ready();
    await lose();
    await eventually("it is seen", async () => (clock.advance(60), await turns(), agent.notReady !== undefined));
    await turns();
    clock.advance(10_000);
    await turns();
    expect(done.at(-1)).toBe("remove");
    await find();
    await eventually("it is back", async () => (clock.advance(60), await turns(), done.at(-1) === "write"));
  });

  it("takes back what an earlier one announced, where there is no node", async () => {
    await agent.start();
    await turns();
    expect(agent.notReady).toBe("there is no Node node-1 yet");
    expect(done).toEqual([]);
    clock.advance(10_000);
    await turns();
    expect(done).toEqual(["remove"]);
  });

  it("keeps its own part when its Node object goes, and says once what cannot be reached", async () => {
    await ready();
    nodes.put(tunnelNode(2, { annotations: { "flannel.alpha.coreos.com/backend-type": "wireguard" } }));
    nodes.delete("node-1");
    await eventually("node 2's routes go", async () => {
      clock.advance(60);
      await turns();
      return (await routing.routes({ protocol: "#107" })).length === 2;
    });
    expect(agent.notReady).toBeUndefined();
    expect(warned.filter((line) => line.includes("its backend is wireguard"))).toHaveLength(1);
  });
});
