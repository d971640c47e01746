/**
 * The machine goes down: pods end by their priority, and are told why. This machine has no logind: programs of its
 * programs' names stand in for systemd-inhibit and busctl, and write down what they are asked.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { nodeName, startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";

let node: KubeletNode;
let bin: string;

beforeAll(async () => {
  node = await startKubeletNode({
    shutdownGracePeriod: "20s",
    shutdownGracePeriodCriticalPods: "10s",
    nodeStatusUpdateFrequency: "1s",
  });
  bin = `${node.containerd.folder}/bin`;
  mkdirSync(bin);
  program("systemd-inhibit", `echo "$*" > ${bin}/inhibit; shift 4; "$@"; rm -f ${bin}/held; touch ${bin}/released`);
  const signal = (value: boolean): string =>
    JSON.stringify({ type: "signal", member: "PrepareForShutdown", payload: { type: "b", data: [value] } });
  program(
    "busctl",
    `case "$*" in *get-property*) echo "t 30000000";; *monitor*)
while [ ! -e ${bin}/down ]; do sleep 0.1; done; echo '${signal(true)}'; while [ -e ${bin}/down ]; do sleep 0.1; done; esac`,
  );
  await node.killKubelet();
  await node.startKubelet({ env: { PATH: `${bin}:${process.env["PATH"]}` } });
});
afterAll(() => node.stop());

function program(name: string, text: string): void {
  writeFileSync(`${bin}/${name}`, `#!/bin/sh\n${text}\n`);
  chmodSync(`${bin}/${name}`, 0o755);
}

const pod = (name: string, spec: object = {}, command = "trap 'exit 0' TERM; sleep 1000 & wait"): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "kube-system" },
  spec: {
    nodeName,
    terminationGracePeriodSeconds: 5,
    containers: [{ name: "c", image: node.containerd.image, imagePullPolicy: "Never", command: ["sh", "-c", command] }],
    ...spec,
  },
});
const get = (name: string): Promise<any> => node.get<any>("pod", "-n", "kube-system", name);
const endOf = (status: any): number => Date.parse(status.containerStatuses[0].state.terminated.finishedAt);

it("pods end by priority, with upstream's words, and the node takes no others", async () => {
  await eventually("the lock", () => existsSync(`${bin}/inhibit`), 20_000);
  expect(readFileSync(`${bin}/inhibit`, "utf8")).toMatch(/^--what=shutdown --mode=delay --who=kubelet --why=/);
  const slow = "trap 'sleep 2; exit 0' TERM; sleep 1000 & wait";
  await node.run(["create", "-f", "-"], pod("web", {}, slow));
  await node.run(["create", "-f", "-"], pod("critical", { priorityClassName: "system-node-critical" }));
  await node.run(["wait", "-n", "kube-system", "--for=condition=Ready", "pod/web", "pod/critical", "--timeout=30s"]);
  writeFileSync(`${bin}/down`, "");
  const ready = await eventually("the node's condition", async () => {
    const { status } = await node.get<any>("node", nodeName);
    const found = status.conditions.find(({ type }: any) => type === "Ready");
    return found.status === "False" && found;
  });
  expect(ready).toMatchObject({ reason: "KubeletNotReady", message: "node is shutting down" });
  await node.run(["create", "-f", "-"], pod("late"));
  const failed = (name: string) =>
    eventually(
      `the end of ${name}`,
      async () => {
        const { status } = await get(name);
        return status.phase === "Failed" && status;
      },
      30_000,
    );
  const [web, critical, late] = [await failed("web"), await failed("critical"), await failed("late")];
  for (const status of [web, critical]) {
    expect(status).toMatchObject({
      reason: "Terminated",
      message: "Pod was terminated in response to imminent node shutdown.",
    });
    const target = status.conditions.find(({ type }: any) => type === "DisruptionTarget");
    expect(target).toMatchObject({ status: "True", reason: "TerminationByKubelet" });
  }
  expect(endOf(critical)).toBeGreaterThanOrEqual(endOf(web));
  expect(late).toMatchObject({ reason: "NodeShutdown" });
  expect(late.message).toContain("Pod was rejected as the node is shutting down.");
  await eventually("the lock's release", () => existsSync(`${bin}/released`), 20_000);
});
