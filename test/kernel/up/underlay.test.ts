/** The network between the nodes of one machine: what an end in its midst left by half is made whole. */
import { expect, it } from "vitest";
import { native } from "../../../src/kernel/native.ts";
import { namespaces } from "../../../src/kernel/real/namespaces.ts";
import { RealNftables } from "../../../src/kernel/real/nftables.ts";
import { openRouting } from "../../../src/kernel/real/routing.ts";
import { bridgeName } from "../../../src/up/nodes/render.ts";
import { Underlay } from "../../../src/up/nodes/underlay.ts";
import { run, uniqueName, withNamespace } from "../../fixtures/namespace.ts";

const network = "10.77.0.0/24";

it("is made once, made whole where parts of it are missing, and leaves nothing", () =>
  withNamespace(async (machine) => {
    const netns = uniqueName();
    const place = { number: 2, netns };
    const routing = await openRouting({ namespace: machine });
    const nftables = await RealNftables.open(machine);
    const underlay = new Underlay({
      ...{ routing, nftables, namespaces },
      openRouting: (namespace) => openRouting({ namespace }),
      close: () => undefined,
    });
    const inNode = async (...argv: readonly [string, ...string[]]): Promise<string> => {
      const node = await native().openNamespace(`/run/netns/${netns}`);
      try {
        return await run(node, argv);
      } finally {
        node.close();
      }
    };
    const reaches = (): Promise<string> => inNode("busybox", "ping", "-c", "1", "-W", "2", "10.77.0.1");
    const ensure = async (): Promise<void> => {
      await underlay.ensureBridge(network);
      await underlay.ensureNode(network, place);
    };
    try {
      await ensure();
      await reaches();
      const before = await inNode("ip", "-o", "link", "show", "eth0");
      await ensure();
      expect(await inNode("ip", "-o", "link", "show", "eth0")).toBe(before);
      // As it is between the steps that make it.
      await run(machine, ["ip", "address", "flush", "dev", bridgeName]);
      await run(machine, ["ip", "link", "set", bridgeName, "down"]);
      await inNode("ip", "address", "flush", "dev", "eth0");
      await inNode("ip", "link", "set", "eth0", "down");
      await ensure();
      await reaches();
      // A reboot forgets names of namespaces, and a link goes with its other end.
      await namespaces.delete(netns);
      await ensure();
      await reaches();
    } finally {
      await underlay.removeNode(place);
      await underlay.removeBridge();
      nftables.close();
      routing.close();
    }
    expect(await run(machine, ["ip", "-br", "link"])).not.toMatch(/fairlead/);
    expect(await run(machine, ["nft", "list", "tables"])).toBe("");
    expect(await namespaces.list()).not.toContain(netns);
  }));
