/** Probes and hooks on real containers, and what goes wrong: it stays with its pod. */
import { existsSync, readdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cgroupFolders, cgroupValue } from "../fixtures/container_remains.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";
import { PodKit, sleeps, statusOf } from "../fixtures/kubelet_pods.ts";

let node: KubeletNode;
let kit: PodKit;

beforeAll(async () => {
  node = await startKubeletNode((folder) => ({
    ...{ podPidsLimit: 30, systemReserved: { pid: "1000" }, containerLogMonitorInterval: "3s" },
    authentication: { x509: { clientCAFile: `${folder}/server/pki/ca.crt` } },
    authorization: { mode: "Webhook" },
  }));
  kit = new PodKit(node);
});
afterAll(async () => {
  kit.close();
  await node.stop();
});

const bigBytes = 10 * 2 ** 30;
const often = { exec: { command: ["true"] }, periodSeconds: 1, timeoutSeconds: 20 };
const mainOf = async (name: string) => statusOf(await kit.get(name));

describe("probes", () => {
  it("make a pod ready and unready, and start again what no longer lives", async () => {
    const serve = "mkdir /www; echo ok > /www/index.html; httpd -p 8080 -h /www; while true; do sleep 1; done";
    const often = { periodSeconds: 1, failureThreshold: 1 };
    await kit.run("probed", {
      command: ["sh", "-c", serve],
      startupProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 30 },
      readinessProbe: { httpGet: { path: "/index.html", port: 8080 }, ...often },
      livenessProbe: { exec: { command: ["test", "!", "-e", "/tmp/dead"] }, ...often },
    });
    await kit.ready("probed");
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
    await eventually("unreadiness", async () => !(await mainOf("probed")).ready, 20_000);
    await kit.event("probed", /^Warning Unhealthy .* Readiness probe failed: HTTP probe failed with statuscode: 404$/);
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
    await kit.event("probed", /^Normal Killing .* Container main failed liveness probe, will be restarted$/);
    await kit.delete("probed");
  });
});

describe("what goes wrong", () => {
  it("in one pod, the others do not notice: a hook that hangs, a volume that is missing, a probe that never answers", async () => {
    const hang = { preStop: { exec: sleeps } };
    await kit.run("hangs", { command: ["sleep", "1000"], lifecycle: hang }, { terminationGracePeriodSeconds: 5 });
    await kit.run("lacks", sleeps, { volumes: [{ name: "v", secret: { secretName: "absent" } }] });
    const silent = { exec: sleeps, timeoutSeconds: 1, periodSeconds: 1 };
    await kit.run("silent", { command: ["sleep", "1000"], readinessProbe: silent });
    await kit.ready("hangs");
    await node.run(["delete", "pod", "hangs", "--wait=false"]);
    await kit.run("good", sleeps);
    await kit.ready("good");
    await kit.event(
      "lacks",
      /^Warning FailedMount MountVolume.SetUp failed for volume "v" : secret "absent" not found$/,
    );
    expect((await mainOf("lacks")).state.waiting.reason).toBe("ContainerCreating");
    expect((await mainOf("silent")).ready).toBe(false);
    await node.run(["create", "secret", "generic", "absent", "--from-literal=a=b"]);
    await node.run(["wait", "--for=condition=Ready", "pod/lacks", "--timeout=60s"]);
    await node.run(["wait", "--for=delete", "pod/hangs", "--timeout=30s"]);
    await kit.delete("lacks", "silent", "good");
  });

  it("in one pod, the others do not notice: a log of 10 GB", async () => {
    const speak = "i=0; while :; do i=$((i+1)); echo line $i; usleep 50000; done";
    await kit.run("chatty", { command: ["sh", "-c", speak] });
    await kit.run("beside", { ...sleeps, livenessProbe: often });
    const { uid } = (await kit.ready("chatty")).metadata;
    await kit.ready("beside");
    const folder = `${node.folders.logs}/default_chatty_${uid}/main`;
    // Sparse; the runtime writes on behind it.
    truncateSync(`${folder}/0.log`, bigBytes);
    expect(await node.run(["logs", "chatty", "--tail=2"])).toMatch(/^line \d+\nline \d+\n$/);
    await eventually("a new file", () => existsSync(`${folder}/0.log`) && readdirSync(folder).length === 2, 20_000);
    const [now, before] = readdirSync(folder).sort();
    expect(statSync(`${folder}/${before}`).size).toBeGreaterThan(bigBytes);
    await eventually("lines in it", () => statSync(`${folder}/${now}`).size > 0);
    expect(statSync(`${folder}/${now}`).size).toBeLessThan(2 ** 20);
    expect(await node.run(["logs", "chatty", "--tail=1"])).toMatch(/^line \d+\n$/);
    await othersAreWell("beside");
    await kit.delete("chatty", "beside");
    expect(existsSync(folder)).toBe(false);
  });

  it("in one pod, the others do not notice: a container that forks without end", async () => {
    const all = `${node.containerd.cgroupRoot}/kubepods`;
    // What all pods together may have leaves the node its own.
    const most = ["pid_max", "threads-max"].map((name) => Number(readFileSync(`/proc/sys/kernel/${name}`, "utf8")));
    expect(Number(cgroupValue(all, "pids.max"))).toBe(Math.min(...most) - 1000);
    await kit.run("beside", { ...sleeps, livenessProbe: often });
    await kit.ready("beside");
    const fork = "f() { while :; do f 2>/dev/null & done; }; f & while :; do wait; done";
    await kit.run("bomb", {
      command: ["sh", "-c", fork],
      resources: { requests: { cpu: "10m" }, limits: { cpu: "200m" } },
    });
    const own = `${all}/burstable/pod${(await kit.ready("bomb")).metadata.uid}`;
    const id = (await mainOf("bomb")).containerID.split("//")[1];
    // Newer kernels count in the group whose limit it was, older ones in that of who forked.
    const refused = (): boolean =>
      [own, `${own}/${id}`].some((group) => /^max [1-9]/m.test(cgroupValue(group, "pids.events")));
    await eventually("forks that are refused", refused, 30_000);
    expect(Number(cgroupValue(own, "pids.current"))).toBeLessThanOrEqual(30);
    await othersAreWell("beside");
    await kit.delete("bomb", "beside");
    expect(cgroupFolders(own)).toEqual([]);
  });

  it("with a sandbox: the pod has another, and its address in the API", async () => {
    await kit.run("moves", sleeps);
    await kit.ready("moves");
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
    await kit.delete("moves");
  });

  it("with containerd: it is killed and started, and containers go on", async () => {
    await kit.run("stays", sleeps);
    await kit.ready("stays");
    const before = await mainOf("stays");
    await node.containerd.kill();
    await node.containerd.start();
    await kit.run("after", { command: ["sh", "-c", "sleep 1; exit 4"] });
    await kit.when("after", "a crash", ({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) >= 1);
    expect(await mainOf("stays")).toMatchObject({ containerID: before.containerID, ready: true, restartCount: 0 });
    await kit.delete("stays", "after");
  });

  it("with the kubelet: what ended and what was removed while it was away is seen", async () => {
    await kit.run("ends", { command: ["sh", "-c", "sleep 2; exit 5"] }, { restartPolicy: "Never" });
    await kit.run("goes", sleeps);
    await kit.ready("goes");
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
    await kit.delete("ends");
  });
});

/** What ran goes on, answers, and is asked whether it lives; what is new comes to run. */
async function othersAreWell(name: string): Promise<void> {
  await kit.run("newcomer", sleeps);
  await kit.ready("newcomer");
  expect(await kit.shell(name, "echo here")).toBe("here\n");
  expect(await mainOf(name)).toMatchObject({ ready: true, restartCount: 0 });
  expect(await kit.events(name)).not.toContainEqual(expect.stringContaining("Unhealthy"));
  await kit.delete("newcomer");
}

/** Sandboxes and containers that bear the pod's label. */
async function orphans(uid: string): Promise<number> {
  const list = await node.containerd.ctr("containers", "list", "-q", `labels."io.kubernetes.pod.uid"==${uid}`);
  return list.split("\n").filter((line) => line !== "").length;
}
