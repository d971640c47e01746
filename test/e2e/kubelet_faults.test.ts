/** Probes and hooks on real containers, and what goes wrong: it stays with its pod. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";

let node: KubeletNode;

beforeAll(async () => {
  node = await startKubeletNode();
});
afterAll(() => node.stop());

const pod = (name: string, container: object, spec: object = {}): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "main", image: node.containerd.image, imagePullPolicy: "Never", ...container }],
    ...spec,
  },
});
const create = (object: object): Promise<string> => node.run(["create", "-f", "-"], object);
const waitReady = (name: string): Promise<string> =>
  node.run(["wait", "--for=condition=Ready", `pod/${name}`, "--timeout=30s"]);
const mainOf = async (name: string) => (await node.get<any>("pod", name)).status.containerStatuses?.[0];
const saysOf = async (name: string): Promise<string[]> => {
  const { items } = await node.get<any>("events", "--field-selector", `involvedObject.name=${name}`);
  return items.map(({ reason, message }: any) => `${reason}: ${message}`);
};

describe("probes", () => {
  it("make a pod ready and unready, and start again what no longer lives", async () => {
    const serve = "mkdir /www; echo ok > /www/index.html; httpd -p 8080 -h /www; while true; do sleep 1; done";
    const often = { periodSeconds: 1, failureThreshold: 1 };
    await create(
      pod("probed", {
        command: ["sh", "-c", serve],
        startupProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 30 },
        readinessProbe: { httpGet: { path: "/index.html", port: 8080 }, ...often },
        livenessProbe: { exec: { command: ["test", "!", "-e", "/tmp/dead"] }, ...often },
      }),
    );
    await waitReady("probed");
    const { containerID } = await mainOf("probed");
    const inside = async (...command: string[]): Promise<void> => {
      const argv = [
        "tasks",
        "exec",
        "--exec-id",
        `t${Date.now()}`,
        containerID.replace("containerd://", ""),
        ...command,
      ];
      await node.containerd.ctr(...argv);
    };
    await inside("/bin/mv", "/www/index.html", "/www/away");
    await eventually("unreadiness", async () => (await mainOf("probed")).ready === false, 20_000);
    expect(await saysOf("probed")).toContain(
      "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 404",
    );
    await inside("/bin/mv", "/www/away", "/www/index.html");
    await eventually("readiness", async () => (await mainOf("probed")).ready, 20_000);
    await inside("/bin/touch", "/tmp/dead");
    const again = await eventually(
      "another container",
      async () => {
        const main = await mainOf("probed");
        return main.restartCount === 1 && main.ready && main;
      },
      30_000,
    );
    expect(again.lastState.terminated.exitCode).toBe(137);
    expect(await saysOf("probed")).toContain("Killing: Container main failed liveness probe, will be restarted");
    await node.run(["delete", "pod", "probed", "--timeout=30s"]);
  });
});

describe("what goes wrong", () => {
  it("in one pod, the others do not notice: a hook that hangs, a volume that is missing, a probe that never answers", async () => {
    const hang = { preStop: { exec: { command: ["sleep", "1000"] } } };
    await create(pod("hangs", { command: ["sleep", "1000"], lifecycle: hang }, { terminationGracePeriodSeconds: 5 }));
    await create(
      pod("lacks", { command: ["sleep", "1000"] }, { volumes: [{ name: "v", secret: { secretName: "absent" } }] }),
    );
    const silent = { exec: { command: ["sleep", "1000"] }, timeoutSeconds: 1, periodSeconds: 1 };
    await create(pod("silent", { command: ["sleep", "1000"], readinessProbe: silent }));
    await waitReady("hangs");
    await node.run(["delete", "pod", "hangs", "--wait=false"]);
    await create(pod("good", { command: ["sleep", "1000"] }));
    await waitReady("good");
    await eventually("the missing volume's Event", async () =>
      (await saysOf("lacks")).includes(
        'FailedMount: MountVolume.SetUp failed for volume "v" : secret "absent" not found',
      ),
    );
    expect((await mainOf("lacks")).state.waiting.reason).toBe("ContainerCreating");
    expect((await mainOf("silent")).ready).toBe(false);
    await node.run(["create", "secret", "generic", "absent", "--from-literal=a=b"]);
    await node.run(["wait", "--for=condition=Ready", "pod/lacks", "--timeout=60s"]);
    await node.run(["wait", "--for=delete", "pod/hangs", "--timeout=30s"]);
    await node.run(["delete", "pod", "lacks", "silent", "good", "--timeout=30s"]);
  });

  it("with a sandbox: the pod has another, and its address in the API", async () => {
    await create(pod("moves", { command: ["sleep", "1000"] }));
    await waitReady("moves");
    const { metadata, status } = await node.get<any>("pod", "moves");
    const label = `labels."io.kubernetes.pod.uid"==${metadata.uid},labels."io.cri-containerd.kind"==sandbox`;
    const sandbox = (await node.containerd.ctr("containers", "list", "-q", label)).trim();
    await node.containerd.ctr("tasks", "kill", "--signal", "SIGKILL", sandbox);
    await eventually(
      "another address, of a pod that is ready",
      async () => {
        const now = (await node.get<any>("pod", "moves")).status;
        const isReady = now.conditions.some(
          (one: any) => one.type === "Ready" && one.status === "True" && one.reason === undefined,
        );
        return isReady && now.podIP !== status.podIP && now.podIPs.length === 1 && now.podIPs[0].ip === now.podIP;
      },
      30_000,
    );
    await node.run(["delete", "pod", "moves", "--timeout=30s"]);
  });

  it("with containerd: it is killed and started, and containers go on", async () => {
    await create(pod("stays", { command: ["sleep", "1000"] }));
    await waitReady("stays");
    const before = await mainOf("stays");
    await node.containerd.kill();
    await node.containerd.start();
    await create(pod("after", { command: ["sh", "-c", "sleep 1; exit 4"] }));
    await eventually("a crash that is seen", async () => (await mainOf("after"))?.restartCount >= 1, 30_000);
    expect(await mainOf("stays")).toMatchObject({ containerID: before.containerID, ready: true, restartCount: 0 });
    await node.run(["delete", "pod", "stays", "after", "--timeout=30s"]);
  });

  it("with the kubelet: what ended and what was removed while it was away is seen", async () => {
    await create(pod("ends", { command: ["sh", "-c", "sleep 2; exit 5"] }, { restartPolicy: "Never" }));
    await create(pod("goes", { command: ["sleep", "1000"] }));
    await waitReady("goes");
    const { metadata } = await node.get<any>("pod", "goes");
    await node.killKubelet();
    await node.run(["delete", "pod", "goes", "--force", "--grace-period=0"]);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await node.startKubelet();
    await node.run(["wait", "--for=jsonpath={.status.phase}=Failed", "pod/ends", "--timeout=30s"]);
    expect((await mainOf("ends")).state.terminated).toMatchObject({ exitCode: 5, reason: "Error" });
    await eventually(
      "the end of what nobody wants",
      async () => {
        const list = await node.containerd.ctr("containers", "list");
        return !list.includes(metadata.uid) && (await orphans(metadata.uid)) === 0;
      },
      20_000,
    );
    await node.run(["delete", "pod", "ends", "--timeout=30s"]);
  });
});

/** Sandboxes and containers that bear the pod's label. */
async function orphans(uid: string): Promise<number> {
  const list = await node.containerd.ctr("containers", "list", "-q", `labels."io.kubernetes.pod.uid"==${uid}`);
  return list.split("\n").filter((line) => line !== "").length;
}
