/** An ADD that fails on the way, wherever that is, and host ports with real packets. */
import { afterEach, describe, expect, it } from "vitest";
import { FairleadError } from "../../../src/errors/catalogue.ts";
import { HostPortTable } from "../../../src/network/host_port_table.ts";
import { addresses } from "../../fixtures/addresses.ts";
import { run } from "../../fixtures/namespace.ts";
import { networkConfig, PodNode } from "../../fixtures/pod_node.ts";

let node: PodNode;
afterEach(() => node?.stop());

async function traces(): Promise<unknown> {
  const rules = await run(node.namespace, ["nft", "list", "ruleset"]);
  const links = await run(node.namespace, ["ip", "-br", "link"]);
  return [links.match(/flp\S*/g), rules.match(/"flp/g), node.network.attached(), node.network.addressesInUse];
}

const nothing = [null, null, [], 0];
const refused = (): FairleadError =>
  new FairleadError("NETLINK_REFUSED", { subject: "try", reason: "a test", errno: 1 });

describe("an ADD that fails", () => {
  // A refused transaction is followed by three attempts to repair the table.
  const faults: readonly (readonly [string, () => () => void])[] = [
    ["as the pair is made", () => failing(node.ports.routing, "applyAndRead", 1)],
    ["at the node's end", () => failing(node.ports.routing, "applyAndRead", 2)],
    ["as the pod's namespace is opened", () => failing(node.ports, "openPod", 1)],
    ["as its sources are admitted", () => failing(node.ports.nftables, "transact", 1, 4)],
  ];

  /** Makes some calls of a method fail. @returns what ends that */
  function failing<K extends string>(port: { [key in K]: unknown }, method: K, first: number, count = 1): () => void {
    const original = port[method] as (...values: unknown[]) => unknown;
    let calls = 0;
    const replaced = (...values: unknown[]): unknown => {
      calls++;
      if (calls >= first && calls < first + count) return Promise.reject(refused());
      return original.apply(port, values);
    };
    (port as Record<string, unknown>)[method] = replaced;
    return () => void ((port as Record<string, unknown>)[method] = original);
  }

  it.each(faults)("%s leaves nothing, and the next succeeds", async (_, begin) => {
    node = await PodNode.start();
    const { request } = await node.request();
    const end = begin();
    await expect(node.network.add(request)).rejects.toThrow(/a test/);
    end();
    expect(await traces()).toEqual(nothing);
    const { ips } = await node.network.add(request);
    expect(ips).toHaveLength(2);
    await node.network.delete(request);
    expect(await traces()).toEqual(nothing);
  });
});

describe("host ports, where no proxy runs", () => {
  it("lead to the pod from outside of it and from itself, and go with it", async () => {
    let table: HostPortTable | undefined;
    node = await PodNode.start({
      hostPorts: async ({ nftables, routing }) => (table = await HostPortTable.open(nftables, routing)),
    });
    try {
      const address = addresses.IPv4.node;
      await run(node.namespace, ["ip", "addr", "add", `${address}/32`, "dev", "lo"]);
      const mapping = { hostPort: 8080, containerPort: 80, protocol: "tcp", hostIp: undefined } as const;
      const runtimeConfig = { ...networkConfig().runtimeConfig, portMappings: [mapping] };
      const pod = await node.add({ config: networkConfig({ runtimeConfig }) });
      const client = await node.add();
      const ask = async (from: typeof client.namespace): Promise<string> => {
        const server = run(pod.namespace, ["busybox", "nc", "-l", "-p", "80", "-e", "echo", "served"]);
        let answer = "";
        for (let attempt = 0; answer === "" && attempt < 100; attempt++) {
          answer = await run(from, ["sh", "-c", `busybox nc -w 5 ${address} 8080 || true`]);
        }
        await server;
        return answer.trim();
      };
      for (const from of [client.namespace, node.namespace, pod.namespace]) expect(await ask(from)).toBe("served");
      // A restart of the agent finds them again.
      await node.restart();
      expect(await ask(client.namespace)).toBe("served");
      await node.delete(pod);
      const rules = await run(node.namespace, ["nft", "list", "table", "ip", "fairlead-hostports"]);
      expect(rules).not.toContain("8080");
    } finally {
      table?.close();
    }
  });
});
