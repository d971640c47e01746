/** Static pods on real containers: with the API server away, shown by mirrors once it is there, and without any. */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { nodeName, startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";

let node: KubeletNode;
let folder: string;

beforeAll(async () => {
  node = await startKubeletNode((home) => {
    folder = `${home}/manifests`;
    mkdirSync(folder);
    return { staticPodPath: folder, fileCheckFrequency: "2s" };
  });
});
afterAll(() => node.stop());

const manifest = (name: string, word: string): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "kube-system", labels: { tier: "control-plane" } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: "main",
        image: node.containerd.image,
        imagePullPolicy: "Never",
        command: ["sh", "-c", `echo ${word}; sleep 1000`],
      },
    ],
  },
});

/** As an editor writes: whole, or not at all. */
function write(name: string, content: object | string): void {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  writeFileSync(`${folder}/.${name}.new`, text);
  renameSync(`${folder}/.${name}.new`, `${folder}/${name}.yaml`);
}

const logFolders = (name: string): string[] =>
  readdirSync(node.folders.logs).filter((one) => one.startsWith(`kube-system_${name}-${nodeName}_`));
const mirror = async (name: string): Promise<any> =>
  node.get<any>("pod", "-n", "kube-system", `${name}-${nodeName}`).catch(() => undefined);
const isReady = (pod: any): boolean =>
  pod?.status.conditions?.some(({ type, status }: any) => type === "Ready" && status === "True");
const readyMirror = (name: string): Promise<any> =>
  eventually(
    `the mirror of ${name}`,
    async () => {
      const found = await mirror(name);
      return isReady(found) && found;
    },
    30_000,
  );

describe("a static pod", () => {
  it("runs while the API server is away, and is shown there when it comes", async () => {
    await node.killKubelet();
    await node.killServer();
    write("web", manifest("web", "alone"));
    await node.startKubelet({ says: "" });
    await eventually(
      "a container without an API server",
      async () =>
        (await node.containerd.ctr("tasks", "list")).split("\n").filter((line) => /RUNNING/.test(line)).length === 2,
      30_000,
    );
    const [logs] = logFolders("web");
    const uid = logs!.split("_")[2]!;
    expect(uid).toMatch(/^[0-9a-f]{32}$/);
    await node.startServer();
    const { metadata, spec, status } = await readyMirror("web");
    expect(metadata.uid).not.toBe(uid);
    expect(metadata.labels).toEqual({ tier: "control-plane" });
    expect(metadata.annotations).toMatchObject({
      "kubernetes.io/config.hash": uid,
      "kubernetes.io/config.mirror": uid,
      "kubernetes.io/config.source": "file",
      "kubernetes.io/config.seen": expect.stringMatching(/^\d{4}-/) as string,
    });
    const { uid: nodeUid } = (await node.get<any>("node", nodeName)).metadata;
    expect(metadata.ownerReferences).toEqual([
      { apiVersion: "v1", kind: "Node", name: nodeName, uid: nodeUid, controller: true },
    ]);
    expect(spec.nodeName).toBe(nodeName);
    expect(spec.tolerations).toContainEqual({ effect: "NoExecute", operator: "Exists" });
    expect(status.phase).toBe("Running");
    expect(status.containerStatuses[0].restartCount).toBe(0);
  });

  it("goes on when its mirror is deleted or the kubelet is killed, and its mirror comes back", async () => {
    const before = await readyMirror("web");
    await node.run(["delete", "pod", "-n", "kube-system", `web-${nodeName}`, "--timeout=30s"]);
    const again = await readyMirror("web");
    expect(again.metadata.uid).not.toBe(before.metadata.uid);
    const idOf = ({ status }: any): string => status.containerStatuses[0].containerID;
    expect(idOf(again)).toBe(idOf(before));
    await node.killKubelet();
    await node.startKubelet();
    const last = await readyMirror("web");
    expect(last.metadata.uid).toBe(again.metadata.uid);
    expect(idOf(last)).toBe(idOf(before));
  });

  it("that is written badly is told with its file's name, and stops no other", async () => {
    write("broken", "kind: Pod\n  wrong: [");
    write("named", { apiVersion: "v1", kind: "Pod", metadata: { name: "secretive" }, spec: secretive });
    write("good", manifest("good", "good"));
    await readyMirror("good");
    expect(node.log()).toContain(`${folder}/broken.yaml: couldn't parse as pod(`);
    expect(node.log()).toContain(
      `${folder}/named.yaml: couldn't parse as pod(static pods may not reference secrets), please check config file`,
    );
    expect(isReady(await mirror("web"))).toBe(true);
  });

  it("is another pod when its file changes, and is gone when the file is", async () => {
    const before = await readyMirror("good");
    write("good", manifest("good", "better"));
    const after = await eventually(
      "the mirror of the changed pod",
      async () => {
        const found = await mirror("good");
        return isReady(found) && found.metadata.uid !== before.metadata.uid && found;
      },
      30_000,
    );
    const hash = "kubernetes.io/config.hash";
    expect(after.metadata.annotations[hash]).not.toBe(before.metadata.annotations[hash]);
    expect(logFolders("good")).toEqual([`kube-system_good-${nodeName}_${after.metadata.annotations[hash] as string}`]);
    for (const name of ["good", "broken", "named"]) rmSync(`${folder}/${name}.yaml`);
    await eventually("the end of the mirror", async () => (await mirror("good")) === undefined, 30_000);
    expect(logFolders("good")).toEqual([]);
    expect(isReady(await mirror("web"))).toBe(true);
  });

  it("runs under a kubelet that has no kubeconfig at all", async () => {
    await node.killKubelet();
    const id = (await readyMirror("web")).status.containerStatuses[0].containerID.slice("containerd://".length);
    write("lone", manifest("lone", "lone"));
    rmSync(`${folder}/web.yaml`);
    const { root } = node.folders;
    await node.startKubelet({
      flags: [
        "--config",
        `${node.containerd.folder}/kubelet.yaml`,
        "--root-dir",
        root,
        "--hostname-override",
        nodeName,
      ],
    });
    await eventually("the log of the lone pod", () => logFolders("lone").length === 1, 30_000);
    await eventually(
      "the end of the pod whose file is gone",
      async () => !(await node.containerd.ctr("containers", "list", "-q")).includes(id),
      30_000,
    );
  });
});

const secretive = {
  containers: [{ name: "main", image: "busybox" }],
  volumes: [{ name: "v", secret: { secretName: "s" } }],
};
