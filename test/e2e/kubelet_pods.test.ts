/** Pods on real containers, through kubectl: they run, crash, are deleted, and a kubelet that is killed loses none. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cgroupFolders, mountsBelow } from "../fixtures/container_remains.ts";
import { eventually } from "../fixtures/eventually.ts";
import { nodeName, startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";

let node: KubeletNode;

beforeAll(async () => {
  node = await startKubeletNode();
});
afterAll(() => node.stop());

const podSpec = (container: object, spec: object = {}): object => ({
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "main", image: node.containerd.image, imagePullPolicy: "Never", ...container }],
    ...spec,
  },
});

const pod = (name: string, container: object, spec: object = {}): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  ...podSpec(container, spec),
});

const create = (object: object): Promise<string> => node.run(["create", "-f", "-"], object);
const ready = (name: string): Promise<string> =>
  node.run(["wait", "--for=condition=Ready", `pod/${name}`, "--timeout=30s"]);
const eventsOf = async (name: string): Promise<string[]> => {
  const { items } = await node.get<any>("events", "--field-selector", `involvedObject.name=${name}`);
  return items.map(({ type, reason, message }: any) => `${type} ${reason} ${message}`);
};

describe("a node", () => {
  it("is registered, is ready, and keeps its Lease", async () => {
    const { metadata, status } = await eventually("the node's readiness", async () => {
      const found = await node.get<any>("node", nodeName);
      return found.status.conditions?.some(({ type, status }: any) => type === "Ready" && status === "True") && found;
    });
    expect(metadata.labels).toMatchObject({ "kubernetes.io/hostname": nodeName, "kubernetes.io/os": "linux" });
    expect(status.addresses).toEqual([
      { type: "InternalIP", address: "127.0.0.1" },
      { type: "Hostname", address: nodeName },
    ]);
    expect(status.capacity.pods).toBe("110");
    expect(status.nodeInfo.containerRuntimeVersion).toMatch(/^containerd:\/\/1\./);
    expect(status.conditions.map(({ type, status, reason }: any) => [type, status, reason])).toEqual([
      ["MemoryPressure", "False", "KubeletHasSufficientMemory"],
      ["DiskPressure", "False", "KubeletHasNoDiskPressure"],
      ["PIDPressure", "False", "KubeletHasSufficientPID"],
      ["Ready", "True", "KubeletReady"],
    ]);
    const lease = await node.get<any>("lease", "-n", "kube-node-lease", nodeName);
    expect(lease.spec).toMatchObject({ holderIdentity: nodeName, leaseDurationSeconds: 40 });
    expect(await node.here("busybox", "wget", "-qO-", "http://127.0.0.1:10248/healthz")).toBe("ok");
  });
});

describe("a pod", () => {
  it("runs, is told what it asked for, and leaves nothing when it is deleted", async () => {
    const command = ["sh", "-c", "echo hello $WHO from $POD_IP; sleep 1000"];
    const env = [
      { name: "WHO", value: "world" },
      { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
    ];
    await create(pod("web", { command, env }));
    await ready("web");
    const { status, metadata } = await node.get<any>("pod", "web");
    expect(status.phase).toBe("Running");
    expect(status.conditions.map(({ type, status }: any) => [type, status]).sort()).toEqual([
      ["ContainersReady", "True"],
      ["Initialized", "True"],
      ["PodReadyToStartContainers", "True"],
      ["PodScheduled", "True"],
      ["Ready", "True"],
    ]);
    const [main] = status.containerStatuses;
    expect(main).toMatchObject({ name: "main", ready: true, started: true, restartCount: 0, lastState: {} });
    expect(main.containerID).toMatch(/^containerd:\/\/[0-9a-f]{64}$/);
    expect(main.image).toBe(node.containerd.image);
    expect(status.podIP).toMatch(/^10\.88\./);
    const logs = `${node.folders.logs}/default_web_${metadata.uid}`;
    const line = await eventually("its log", () => readFileSync(`${logs}/main/0.log`, "utf8"));
    expect(line).toMatch(new RegExp(` stdout F hello world from ${status.podIP}\n`));
    expect(await eventsOf("web")).toEqual(
      expect.arrayContaining([
        `Normal Pulled Container image "${node.containerd.image}" already present on machine`,
        "Normal Created Created container: main",
        "Normal Started Started container main",
      ]),
    );
    await node.run(["delete", "pod", "web", "--timeout=30s"]);
    expect(await eventsOf("web")).toContain("Normal Killing Stopping container main");
    await nothingLeft(metadata.uid);
    expect(existsSync(logs)).toBe(false);
  });

  it("that crashes is started again, later each time, and says why", async () => {
    await create(pod("crash", { command: ["sh", "-c", "echo last words > /dev/termination-log; exit 3"] }));
    const { status } = await eventually(
      "the wait behind the second crash",
      async () => {
        const found = await node.get<any>("pod", "crash");
        const reason = found.status.containerStatuses?.[0]?.state.waiting?.reason;
        return reason === "CrashLoopBackOff" && found;
      },
      30_000,
    );
    const [main] = status.containerStatuses;
    expect(main).toMatchObject({ ready: false, started: false, restartCount: 1 });
    expect(main.state.waiting.message).toMatch(/^back-off 10s restarting failed container=main pod=crash_default\(/);
    expect(main.lastState.terminated).toMatchObject({ exitCode: 3, reason: "Error", message: "last words\n" });
    expect(status.phase).toBe("Running");
    const { restartCount } = await eventually(
      "the third start",
      async () => {
        const [found] = (await node.get<any>("pod", "crash")).status.containerStatuses;
        return found.restartCount === 2 && found;
      },
      30_000,
    );
    expect(restartCount).toBe(2);
    await node.run(["delete", "pod", "crash", "--timeout=30s"]);
  });

  it("that ends has its phase, with init containers before it", async () => {
    const init = (name: string, text: string) => ({
      name,
      image: node.containerd.image,
      imagePullPolicy: "Never",
      command: ["sh", "-c", `echo ${text} >> /work/order`],
      volumeMounts: [{ name: "work", mountPath: "/work" }],
    });
    const work = { volumes: [{ name: "work", emptyDir: {} }], restartPolicy: "Never" };
    const main = {
      command: ["sh", "-c", "cat /work/order; exit 0"],
      volumeMounts: [{ name: "work", mountPath: "/work" }],
    };
    await create(pod("job", main, { ...work, initContainers: [init("one", "first"), init("two", "second")] }));
    await create(pod("bad", { command: ["sh", "-c", "exit 7"] }, { restartPolicy: "Never" }));
    await node.run(["wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/job", "--timeout=30s"]);
    await node.run(["wait", "--for=jsonpath={.status.phase}=Failed", "pod/bad", "--timeout=30s"]);
    const { status, metadata } = await node.get<any>("pod", "job");
    const log = readFileSync(`${node.folders.logs}/default_job_${metadata.uid}/main/0.log`, "utf8");
    expect(log.split("\n").map((line) => line.split(" F ")[1])).toEqual(["first", "second", undefined]);
    expect(status.conditions.find(({ type }: any) => type === "Ready")).toMatchObject({
      status: "False",
      reason: "PodCompleted",
    });
    expect(status.initContainerStatuses.map(({ ready, state }: any) => [ready, state.terminated.reason])).toEqual([
      [true, "Completed"],
      [true, "Completed"],
    ]);
    await node.run(["delete", "pod", "job", "bad", "--timeout=30s"]);
  });

  it("whose image is absent, or never to be fetched, says so and holds up nobody", async () => {
    await create(pod("never", { image: "localhost/absent:1" }));
    await create(pod("absent", { image: "localhost/absent:1", imagePullPolicy: "IfNotPresent" }));
    await create(pod("good", { command: ["sleep", "1000"] }));
    await ready("good");
    const reasonOf = async (name: string) =>
      (await node.get<any>("pod", name)).status.containerStatuses?.[0]?.state.waiting;
    const never = await eventually("ErrImageNeverPull", async () => {
      const waiting = await reasonOf("never");
      return waiting?.reason === "ErrImageNeverPull" && waiting;
    });
    expect(never.message).toBe('Container image "localhost/absent:1" is not present with pull policy of Never');
    await eventually("ImagePullBackOff", async () => (await reasonOf("absent"))?.reason === "ImagePullBackOff", 20_000);
    expect(await eventsOf("absent")).toContain('Normal BackOff Back-off pulling image "localhost/absent:1"');
    await node.run(["delete", "pod", "never", "absent", "good", "--timeout=30s"]);
  });

  it("has files of configMaps, secrets, its own fields, and a token", async () => {
    await node.run(["create", "configmap", "settings", "--from-literal=color=blue"]);
    await node.run(["create", "secret", "generic", "hidden", "--from-literal=word=sesame"]);
    const volumes = [
      { name: "config", configMap: { name: "settings" } },
      { name: "secret", secret: { secretName: "hidden", defaultMode: 0o400 } },
      { name: "fields", downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
    ];
    const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/etc/${name}` }));
    const token = "/var/run/secrets/kubernetes.io/serviceaccount/token";
    const command = [
      "sh",
      "-c",
      `cat /etc/config/color; echo; cat /etc/secret/word; echo; echo $COLOR; cut -c1-3 ${token}; hostname; sleep 1000`,
    ];
    const env = [{ name: "COLOR", valueFrom: { configMapKeyRef: { name: "settings", key: "color" } } }];
    await create(pod("files", { command, env, volumeMounts }, { volumes }));
    await ready("files");
    const { metadata } = await node.get<any>("pod", "files");
    const file = `${node.folders.logs}/default_files_${metadata.uid}/main/0.log`;
    const lines = await eventually("its log", () => {
      const all = readFileSync(file, "utf8").split("\n").slice(0, -1);
      return all.length === 5 && all.map((line) => line.split(" F ")[1]);
    });
    expect(lines).toEqual(["blue", "sesame", "blue", "eyJ", "files"]);
    expect(mountsBelow(`${node.folders.root}/pods/${metadata.uid}`).length).toBeGreaterThanOrEqual(2);
    await node.run(["delete", "pod", "files", "--timeout=30s"]);
    await nothingLeft(metadata.uid);
  });
});

describe("a Deployment", () => {
  it("of three gets ready, and survives a kubelet that is killed without a restart", async () => {
    await create({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "three" },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: "three" } },
        template: { metadata: { labels: { app: "three" } }, ...podSpec({ command: ["sleep", "1000"] }) },
      },
    });
    await node.run(["rollout", "status", "deployment/three", "--timeout=60s"]);
    const before = await idsOf("app=three");
    expect(before).toHaveLength(3);
    await node.killKubelet();
    await node.startKubelet();
    await node.run(["scale", "deployment/three", "--replicas=4"]);
    await node.run(["rollout", "status", "deployment/three", "--timeout=60s"]);
    const after = await idsOf("app=three");
    expect(after).toHaveLength(4);
    expect(after).toEqual(expect.arrayContaining(before));
    await node.run(["delete", "deployment", "three", "--cascade=foreground", "--timeout=60s"]);
  });
});

async function idsOf(selector: string): Promise<string[]> {
  const { items } = await node.get<any>("pods", "-l", selector);
  return items.map(
    ({ status }: any) => `${status.containerStatuses[0].containerID} ${status.containerStatuses[0].restartCount}`,
  );
}

/** Of a pod that is gone from the API. */
async function nothingLeft(uid: string): Promise<void> {
  expect(existsSync(`${node.folders.root}/pods/${uid}`)).toBe(false);
  expect(mountsBelow(`${node.folders.root}/pods/${uid}`)).toEqual([]);
  expect(await node.containerd.ctr("containers", "list", "-q")).not.toContain(uid);
  const groups = cgroupFolders(node.containerd.cgroupRoot.slice(1)).flatMap((folder) =>
    readdirSync(folder, { recursive: true }).map(String),
  );
  expect(groups.filter((group) => group.includes(uid))).toEqual([]);
}
