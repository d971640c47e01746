/** Pods of one node with real packets. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { run } from "../../fixtures/namespace.ts";
import { PodNode, type Pod } from "../../fixtures/pod_node.ts";

let node: PodNode;
let one: Pod;
let two: Pod;
beforeAll(async () => {
  node = await PodNode.start();
  [one, two] = [await node.add(), await node.add()];
});
afterAll(() => node?.stop());

const ping = (from: Pod, to: string, ...more: string[]) =>
  run(from.namespace, ["busybox", "ping", "-c1", "-W2", ...more, to]);

describe.each(["IPv4", "IPv6"] as const)("routed pods, %s", (family) => {
  it("reach one another", async () => {
    await ping(one, two.ip[family]);
    await ping(two, one.ip[family]);
  });
});
