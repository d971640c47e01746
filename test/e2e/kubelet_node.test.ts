/** A node's object: registered as asked, kept when others write to it, registered again when it is deleted. */
import { renameSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { nodeName, startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";

let node: KubeletNode;

beforeAll(async () => {
  node = await startKubeletNode({
    nodeStatusUpdateFrequency: "1s",
    nodeLeaseDurationSeconds: 8,
    nodeStatusMaxImages: 1,
  });
});
afterAll(() => node.stop());

const current = (): Promise<any> => node.get<any>("node", nodeName);
const conditionOf = ({ status }: any, wanted: string): any =>
  status.conditions?.find(({ type }: any) => type === wanted);
const ready = (status: string): Promise<any> =>
  eventually(
    `Ready ${status}`,
    async () => {
      const found = await current();
      return conditionOf(found, "Ready")?.status === status && found;
    },
    30_000,
  );
const reasons = async (): Promise<string[]> => {
  const { items } = await node.get<any>("events", "--field-selector", `involvedObject.kind=Node`);
  return items.filter(({ source }: any) => source.component === "kubelet").map(({ reason }: any) => reason);
};
const again = (...flags: string[]): Promise<void> => {
  const { containerd, folders } = node;
  const config = ["--config", `${containerd.folder}/kubelet.yaml`, "--root-dir", folders.root];
  const who = ["--kubeconfig", `${containerd.folder}/kubelet.kubeconfig`, "--hostname-override", nodeName];
  return node.startKubelet({ flags: [...config, ...who, ...flags] });
};

describe("a node", () => {
  it("tells what it has become, and keeps what others wrote", async () => {
    const found = await ready("True");
    expect(found.status.images).toHaveLength(1);
    expect(found.status.nodeInfo.kubeletVersion).toMatch(/^v1\./);
    const condition = { type: "NetworkUnavailable", status: "False", reason: "Test", message: "" };
    const patch = { status: { conditions: [condition] } };
    await node.run([
      "patch",
      "node",
      nodeName,
      "--subresource=status",
      "--type=strategic",
      "-p",
      JSON.stringify(patch),
    ]);
    await node.run(["label", "node", nodeName, "mine=1"]);
    await node.run(["cordon", nodeName]);
    await node.killKubelet();
    await again("--node-ip", "127.0.0.1,fd00::1", "--node-labels", "late=1");
    const after = await eventually("both addresses", async () => {
      const one = await current();
      return one.status.addresses.length === 3 && one;
    });
    expect(after.status.addresses).toEqual([
      { type: "InternalIP", address: "127.0.0.1" },
      { type: "InternalIP", address: "fd00::1" },
      { type: "Hostname", address: nodeName },
    ]);
    expect(after.metadata.labels).toMatchObject({ mine: "1" });
    // Labels of the flag are for a node that registers.
    expect(after.metadata.labels).not.toHaveProperty("late");
    expect(after.spec.unschedulable).toBe(true);
    expect(conditionOf(after, "NetworkUnavailable")).toMatchObject(condition);
    await eventually("Events", async () => {
      const told = await reasons();
      const wanted = [
        "Starting",
        "NodeReady",
        "NodeHasSufficientMemory",
        "NodeHasNoDiskPressure",
        "NodeNotSchedulable",
      ];
      return wanted.every((reason) => told.includes(reason));
    });
    expect(await reasons()).not.toContain("Rebooted");
  });

  it("is not ready while there is no network, and says so", async () => {
    const conflist = `${node.containerd.folder}/net.d/10-test.conflist`;
    renameSync(conflist, `${conflist}.off`);
    const { status } = await ready("False");
    const { reason, message } = status.conditions.find(({ type }: any) => type === "Ready");
    expect(reason).toBe("KubeletNotReady");
    expect(message).toMatch(
      /^container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:/,
    );
    renameSync(`${conflist}.off`, conflist);
    await ready("True");
    expect(await reasons()).toContain("NodeNotReady");
  });

  it("that is deleted by hand is registered again, with a Lease that belongs to it", async () => {
    const before = await current();
    await node.run(["delete", "node", nodeName]);
    const after = await eventually(
      "the node",
      async () => {
        const found = await current().catch(() => undefined);
        return found && found.metadata.uid !== before.metadata.uid && found;
      },
      30_000,
    );
    expect(after.metadata.labels).toMatchObject({ late: "1" });
    await ready("True");
    await eventually(
      "its Lease",
      async () => {
        const { metadata } = await node.get<any>("lease", "-n", "kube-node-lease", nodeName);
        return metadata.ownerReferences[0].uid === after.metadata.uid;
      },
      30_000,
    );
  });

  it("has the taints that it was registered with, and one that takes no pods", async () => {
    await node.killKubelet();
    await node.run(["delete", "node", nodeName]);
    await again("--register-with-taints", "special=yes:NoSchedule", "--register-schedulable=false");
    const { spec } = await ready("True");
    expect(spec.unschedulable).toBe(true);
    expect(spec.taints).toEqual(
      expect.arrayContaining([
        { key: "special", value: "yes", effect: "NoSchedule" },
        { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" },
      ]),
    );
  });

  it("that was booted anew says so", async () => {
    await node.killKubelet();
    const patch = { status: { nodeInfo: { bootID: "another" } } };
    await node.run(["patch", "node", nodeName, "--subresource=status", "--type=merge", "-p", JSON.stringify(patch)]);
    await again();
    await eventually("the Event", async () => (await reasons()).includes("Rebooted"));
    await eventually("its boot id", async () => (await current()).status.nodeInfo.bootID !== "another");
  });
});
