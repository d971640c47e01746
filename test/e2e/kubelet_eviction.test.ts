/** What fills a node's disk or memory, on real containers: logs are bounded, pods over their limits go, others do not notice. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";
import { PodKit, statusOf } from "../fixtures/kubelet_pods.ts";

let node: KubeletNode;
let kit: PodKit;

beforeAll(async () => {
  node = await startKubeletNode({
    ...{ containerLogMaxSize: "32Ki", containerLogMaxFiles: 3, containerLogMonitorInterval: "3s" },
  });
  kit = new PodKit(node);
  await kit.run("neighbour", { command: ["sleep", "1000"], resources: { requests: { memory: "16Mi" } } });
  await kit.ready("neighbour");
});
afterAll(async () => {
  kit.close();
  await node.stop();
});

const disruption = ({ status }: any): any => status.conditions.find(({ type }: any) => type === "DisruptionTarget");

async function neighbourIsWell(): Promise<void> {
  expect(statusOf(await kit.get("neighbour"))).toMatchObject({ ready: true, restartCount: 0 });
}

describe("a pod that writes", () => {
  it("more into an emptyDir than it may is evicted, and gives the disk back", async () => {
    const command = ["sh", "-c", "dd if=/dev/zero of=/scratch/big bs=1M count=3; sleep 1000"];
    const volumeMounts = [{ name: "scratch", mountPath: "/scratch" }];
    const volumes = [{ name: "scratch", emptyDir: { sizeLimit: "1Mi" } }];
    await kit.run("filler", { command, volumeMounts }, { volumes });
    const filler = await kit.phase("filler", "Failed");
    expect(filler.status).toMatchObject({
      reason: "Evicted",
      message: 'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". ',
    });
    // KEP-3329: what a pod did to itself would happen again, and is no disruption.
    expect(disruption(filler)).toBeUndefined();
    await kit.event("filler", /^Warning Evicted Usage of EmptyDir/);
    const folder = `${node.folders.root}/pods/${filler.metadata.uid}`;
    await eventually("the end of its volume", () => !existsSync(`${folder}/volumes`), 20_000);
    await neighbourIsWell();
  });

  it("logs without end has no more of them than it may", async () => {
    const line = "x".repeat(500);
    const command = ["sh", "-c", `i=0; while :; do i=$((i+1)); echo $i ${line}; usleep 2000; done`];
    await kit.run("chatty", { command });
    const { uid } = (await kit.ready("chatty")).metadata;
    const folder = `${node.folders.logs}/default_chatty_${uid}/main`;
    const names = await eventually(
      "a log that is packed",
      () => {
        const all = readdirSync(folder).sort();
        return all.some((name) => name.endsWith(".gz")) && !all.some((name) => name.endsWith(".tmp")) && all;
      },
      40_000,
    );
    expect(names.length).toBeLessThanOrEqual(3);
    const packed = names.find((name) => name.endsWith(".gz"))!;
    expect(packed).toMatch(/^0\.log\.\d{8}-\d{6}\.gz$/);
    expect(gunzipSync(readFileSync(`${folder}/${packed}`)).toString()).toMatch(/^\S+ stdout F 1 x+\n/);
    await eventually(
      "lines in the new file",
      () => existsSync(`${folder}/0.log`) && statSync(`${folder}/0.log`).size > 0,
    );
    await node.run(["delete", "pod", "chatty", "--timeout=30s"]);
    expect(existsSync(folder)).toBe(false);
    await neighbourIsWell();
  });
});

describe("a node that runs out of memory", () => {
  it("says so, ends the pod that asked for none, and lets no more of its kind in", async () => {
    await kit.run("idle", { command: ["sleep", "1000"] });
    await kit.ready("idle");
    await node.killKubelet();
    const file = `${node.containerd.folder}/kubelet.yaml`;
    const config = JSON.parse(readFileSync(file, "utf8"));
    const soft = { evictionSoft: { "memory.available": "1Pi" }, evictionSoftGracePeriod: { "memory.available": "1s" } };
    writeFileSync(file, JSON.stringify({ ...config, ...soft, nodeStatusUpdateFrequency: "1s" }));
    await node.startKubelet();
    const idle = await kit.phase("idle", "Failed");
    expect(idle.status.reason).toBe("Evicted");
    expect(idle.status.message).toMatch(
      /^The node was low on resource: memory\. Threshold quantity: 1Pi, available: \d+Ki\. Container main was using \d+(Ki)?, request is 0, has larger consumption of memory\. $/,
    );
    expect(disruption(idle)).toMatchObject({
      status: "True",
      reason: "TerminationByKubelet",
      message: idle.status.message,
    });
    await eventually("the condition", async () => {
      const { status } = await node.get<any>("node", "node-1");
      const condition = status.conditions.find(({ type }: any) => type === "MemoryPressure");
      return condition.status === "True" && condition.reason === "KubeletHasInsufficientMemory";
    });
    await kit.run("late", { command: ["sleep", "1000"] }, { nodeName: "node-1" });
    expect((await kit.phase("late", "Failed")).status).toMatchObject({
      reason: "Evicted",
      message: "Pod was rejected: The node had condition: [MemoryPressure]. ",
    });
  });
});
