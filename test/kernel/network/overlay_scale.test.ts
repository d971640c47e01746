/** Many nodes: what a change of one costs does not depend on how many there are. */
import { expect, it } from "vitest";
import { openRouting } from "../../../src/kernel/real/routing.ts";
import type { RoutingPort } from "../../../src/kernel/ports.ts";
import { Overlay, type OverlayStatus } from "../../../src/network/overlay/overlay.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { withNamespace } from "../../fixtures/namespace.ts";
import { overlayNode, overlayOptions, tunnelNode } from "../../fixtures/overlay_nodes.ts";
import { recorded, underlay } from "../../fixtures/walk/overlay.ts";

const nodes = process.env["FAIRLEAD_LONG"] === "1" ? 5000 : 1000;

function peer(n: number, host = n) {
  const podCidrs = [`10.${64 + (n >> 8)}.${n & 255}.0/24`, `fd00:10:${(0x300 + n).toString(16)}::/64`];
  const ips = [`172.18.${(host >> 8) + 1}.${host & 255}`, `fd00:172:18::1:${host.toString(16)}`];
  const hex = [n >> 8, n & 255].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
  const annotations = {
    "flannel.alpha.coreos.com/backend-data": `{"VNI":1,"VtepMAC":"02:00:00:04:${hex}"}`,
    "flannel.alpha.coreos.com/backend-v6-data": `{"VNI":1,"VtepMAC":"02:00:00:06:${hex}"}`,
  };
  return tunnelNode(n, { podCidrs, ips, annotations });
}

/** Counts what is asked of the kernel. */
function counted(port: RoutingPort) {
  const asked: string[] = [];
  const proxy = new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        if (typeof name === "string") asked.push(name);
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
  return { proxy, asked };
}

/** Waits until nothing has been asked for a second: events of what was written come after it. */
async function quiet(asked: readonly string[]): Promise<void> {
  let last = { count: -1, sinceMs: 0 };
  await eventually(
    "an end of questions",
    () => {
      if (asked.length !== last.count) last = { count: asked.length, sinceMs: performance.now() };
      return performance.now() - last.sinceMs > 1000;
    },
    30_000,
  );
}

it(`with ${nodes} nodes a change of one is some changes of entries, and nothing is listed`, async () => {
  await withNamespace(async (namespace) => {
    const real = await openRouting({ namespace });
    const { proxy, asked } = counted(real);
    const routing = recorded(proxy);
    await real.apply(underlay);
    let status: OverlayStatus | undefined;
    const errors: unknown[] = [];
    const overlay = new Overlay({
      options: overlayOptions(),
      nodeName: "node-1",
      routing,
      onStatus: (now) => (status = now),
      onError: (error) => errors.push(error),
    });
    try {
      overlay.setNode(overlayNode(1));
      for (let n = 2; n <= nodes; n++) overlay.setNode(peer(n));
      overlay.start();
      await eventually("all entries", () => (status?.entries ?? 0) >= (nodes - 1) * 6, 50_000);
      await quiet(asked);
      asked.length = 0;
      routing.applied.length = 0;
      overlay.setNode(peer(2, nodes + 1));
      await eventually("the change", () => routing.applied.length > 0);
      await quiet(asked);
      expect(routing.applied.map(({ verb, object }) => `${verb} ${object}`)).toEqual(["replace fdb", "replace fdb"]);
      expect(asked).toEqual(["apply"]);
      expect(errors).toEqual([]);
    } finally {
      await overlay.stop();
      real.close();
    }
  });
});
