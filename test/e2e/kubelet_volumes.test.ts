/** Volumes as containers see them, how they follow what they name, and that nothing of them stays. */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mountsBelow } from "../fixtures/container_remains.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";
import { patienceMs, PodKit, sleeps, statusOf } from "../fixtures/kubelet_pods.ts";
import { podNetworkPlace } from "../fixtures/node_pod_network.ts";

let node: KubeletNode;
let kit: PodKit;
/** What the node has, and outlives pods. */
let host: string;

const object = (kind: string, name: string, fields: object): object => ({
  apiVersion: "v1",
  kind,
  metadata: { name },
  ...fields,
});
const mounted = (name: string, fields: object = {}): object => ({
  ...sleeps,
  volumeMounts: [{ name, mountPath: "/v", ...fields }],
});
const says = async (name: string, script: string): Promise<string> => {
  await kit.ready(name);
  return (await kit.shell(name, script)).trim();
};
const volume = (fields: object, more: object = {}): object => ({ volumes: [{ name: "v", ...fields }], ...more });
const persistent = (name: string, source: object): readonly object[] => [
  object("PersistentVolume", name, {
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce"],
      storageClassName: name,
      ...source,
    },
  }),
  object("PersistentVolumeClaim", name, {
    spec: {
      accessModes: ["ReadWriteOnce"],
      storageClassName: name,
      resources: { requests: { storage: "1Gi" } },
    },
  }),
];

interface Row {
  readonly does: string;
  readonly with?: () => readonly object[];
  readonly main: object;
  readonly spec: () => object;
  readonly see: (name: string) => Promise<void>;
}

const rows: Readonly<Record<string, Row>> = {
  disk: {
    does: "emptyDir: anybody's, and the group's that fsGroup names; the pod's own from then on",
    main: mounted("v"),
    spec: () => volume({ emptyDir: {} }, { securityContext: { fsGroup: 4242, runAsUser: 1000 } }),
    async see(name) {
      expect(await says(name, "stat -c '%a %g' /v")).toBe("2777 4242");
      expect(await says(name, "touch /v/a && stat -c %g /v/a")).toBe("4242");
    },
  },
  memory: {
    does: "emptyDir in memory, as large as its limit",
    main: mounted("v"),
    spec: () => volume({ emptyDir: { medium: "Memory", sizeLimit: "4Mi" } }),
    async see(name) {
      expect(await says(name, "df -k /v | tail -1")).toMatch(/^tmpfs +4096 /);
      expect(await says(name, "dd if=/dev/zero of=/v/full bs=1M count=5 2>&1 | grep -o 'No space left'")).toBe(
        "No space left",
      );
    },
  },
  settings: {
    does: "configMap: chosen keys with their modes, read-only",
    with: () => [object("ConfigMap", "settings", { data: { a: "one", b: "two" } })],
    main: mounted("v"),
    spec: () =>
      volume({
        configMap: {
          name: "settings",
          defaultMode: 0o440,
          items: [
            { key: "a", path: "deep/first" },
            { key: "b", path: "second", mode: 0o400 },
          ],
        },
      }),
    async see(name) {
      expect(await says(name, "cat /v/deep/first /v/second; stat -Lc %a /v/deep/first /v/second")).toBe(
        "onetwo440\n400",
      );
      expect(await says(name, "readlink /v/deep; echo x > /v/new")).toMatch(/^\.\.data\/deep\n.*Read-only file system/);
    },
  },
  absent: {
    does: "configMap and secret that are optional and absent: nothing is there",
    main: { ...sleeps, volumeMounts: ["c", "s"].map((name) => ({ name, mountPath: `/${name}` })) },
    spec: () => ({
      volumes: [
        { name: "c", configMap: { name: "nowhere", optional: true } },
        { name: "s", secret: { secretName: "nowhere", optional: true } },
      ],
    }),
    see: async (name) => expect(await says(name, "ls /c /s")).toBe("/c:\n\n/s:"),
  },
  hidden: {
    does: "secret: in memory, for the group that fsGroup names",
    with: () => [object("Secret", "hidden", { stringData: { word: "sesame" } })],
    main: mounted("v"),
    spec: () =>
      volume(
        { secret: { secretName: "hidden", defaultMode: 0o400 } },
        { securityContext: { fsGroup: 4242, runAsUser: 1000 } },
      ),
    async see(name) {
      expect(await says(name, "cat /v/word; echo; stat -Lc '%a %u %g' /v/word; stat -fc %T /v")).toBe(
        "sesame\n440 0 4242\ntmpfs",
      );
    },
  },
  projected: {
    does: "projected: of all four sources, the token for its audience and the one user's alone",
    with: () => [
      object("ConfigMap", "part-c", { data: { c: "from-map" } }),
      object("Secret", "part-s", { stringData: { s: "from-secret" } }),
    ],
    main: mounted("v"),
    spec: () =>
      volume(
        {
          projected: {
            sources: [
              { configMap: { name: "part-c" } },
              { secret: { name: "part-s", items: [{ key: "s", path: "in/s" }] } },
              { downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
              { serviceAccountToken: { path: "token", audience: "shop", expirationSeconds: 700 } },
            ],
          },
        },
        { securityContext: { runAsUser: 1000 } },
      ),
    async see(name) {
      expect(await says(name, "cat /v/c /v/in/s /v/name; stat -Lc ' %a %u' /v/token")).toBe(
        "from-mapfrom-secretprojected 600 1000",
      );
      const [, payload = ""] = (await says(name, "cat /v/token")).split(".");
      const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, any>;
      expect(claims["aud"]).toEqual(["shop"]);
      expect(claims["kubernetes.io"].pod.name).toBe("projected");
      expect(claims["exp"] - claims["iat"]).toBe(700);
    },
  },
  downward: {
    does: "downwardAPI: fields and resources; a label that changes shows",
    main: {
      ...mounted("v"),
      resources: { limits: { memory: "64Mi", cpu: "250m" } },
    },
    spec: () =>
      volume({
        downwardAPI: {
          items: [
            { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
            { path: "cpu", resourceFieldRef: { containerName: "main", resource: "limits.cpu", divisor: "1m" } },
          ],
        },
      }),
    async see(name) {
      expect(await says(name, "cat /v/cpu")).toBe("250");
      await node.run(["label", "pod", name, "color=green"]);
      await eventually("the label", async () => (await says(name, "cat /v/labels")) === 'color="green"', patienceMs);
    },
  },
  "host-types": {
    does: "hostPath: each type",
    main: {
      ...sleeps,
      volumeMounts: ["dir", "file", "socket", "char"].map((name) => ({ name, mountPath: `/v/${name}` })),
    },
    spec: () => ({
      volumes: [
        { name: "dir", hostPath: { path: `${host}/made/dir`, type: "DirectoryOrCreate" } },
        { name: "file", hostPath: { path: `${host}/made-file`, type: "FileOrCreate" } },
        { name: "socket", hostPath: { path: node.containerd.endpoint.slice("unix://".length), type: "Socket" } },
        { name: "char", hostPath: { path: "/dev/null", type: "CharDevice" } },
      ],
    }),
    async see(name) {
      expect(await says(name, "cd /v; stat -c %F dir file socket char")).toBe(
        "directory\nregular empty file\nsocket\ncharacter special file",
      );
    },
  },
  "host-bad": {
    does: "hostPath: of another type is refused, in upstream's words",
    main: mounted("v"),
    spec: () => volume({ hostPath: { path: `${host}/file`, type: "Directory" } }),
    async see(name) {
      const text = `MountVolume.SetUp failed for volume "v" : hostPath type check failed: ${host}/file is not a directory`;
      expect(await kit.event(name, /FailedMount/)).toBe(`Warning FailedMount ${text}`);
    },
  },
  "claim-host": {
    does: "persistentVolumeClaim on hostPath",
    with: () => persistent("pv-host", { hostPath: { path: `${host}/pv-host`, type: "DirectoryOrCreate" } }),
    main: mounted("v"),
    spec: () => volume({ persistentVolumeClaim: { claimName: "pv-host" } }),
    async see(name) {
      await says(name, "echo kept > /v/data");
      expect(readFileSync(`${host}/pv-host/data`, "utf8")).toBe("kept\n");
    },
  },
  "claim-local": {
    does: "persistentVolumeClaim on a local volume, given to the group where its root is not the group's",
    with: () =>
      persistent("pv-local", {
        local: { path: `${host}/local` },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["node-1"] }] },
            ],
          },
        },
      }),
    main: mounted("v"),
    spec: () =>
      volume(
        { persistentVolumeClaim: { claimName: "pv-local" } },
        { securityContext: { fsGroup: 4242, fsGroupChangePolicy: "OnRootMismatch" } },
      ),
    async see(name) {
      expect(await says(name, "stat -c '%g %a' /v /v/file")).toBe("4242 2775\n4242 664");
    },
  },
  parts: {
    does: "subPath and subPathExpr: made where they are not there, and links within the volume followed",
    main: {
      ...sleeps,
      env: [{ name: "WHO", value: "till" }],
      volumeMounts: [
        { name: "v", mountPath: "/made", subPath: "new/deep" },
        { name: "v", mountPath: "/named", subPathExpr: "by/$(WHO)" },
        { name: "v", mountPath: "/linked", subPath: "inside" },
        { name: "v", mountPath: "/one", subPath: "part/file" },
      ],
    },
    spec: () => volume({ hostPath: { path: `${host}/parts` } }),
    async see(name) {
      await says(name, "touch /made/a /named/b");
      expect(readdirSync(`${host}/parts/new/deep`)).toEqual(["a"]);
      expect(readdirSync(`${host}/parts/by/till`)).toEqual(["b"]);
      expect(await says(name, "cat /linked/file /one")).toBe("partpart");
    },
  },
  escape: {
    does: "subPath: a link that leads out of the volume is refused",
    main: mounted("v", { subPath: "outside" }),
    spec: () => volume({ hostPath: { path: `${host}/parts` } }),
    async see(name) {
      const waits = (pod: any): boolean => statusOf(pod)?.state.waiting?.reason === "CreateContainerConfigError";
      const pod = await kit.when(name, "refusal", waits);
      expect(statusOf(pod).state.waiting.message).toBe(
        'failed to prepare subPath for volumeMount "v" of container "main"',
      );
    },
  },
  reads: {
    does: "read-only where it is asked for; recursively only where the runtime can",
    main: mounted("v", { readOnly: true, recursiveReadOnly: "IfPossible" }),
    spec: () => volume({ emptyDir: {} }),
    async see(name) {
      expect(await says(name, "echo x > /v/a")).toMatch(/Read-only file system/);
      const pod = await kit.ready(name);
      expect(statusOf(pod).volumeMounts).toContainEqual(
        expect.objectContaining({ name: "v", readOnly: true, recursiveReadOnly: "Disabled" }),
      );
    },
  },
  "reads-deep": {
    does: "recursively read-only on a runtime that cannot is refused",
    main: mounted("v", { readOnly: true, recursiveReadOnly: "Enabled" }),
    spec: () => volume({ emptyDir: {} }),
    see: async (name) => void (await kit.event(name, /^Warning Failed spec\.containers\{main\} Error: .*recursive/)),
  },
  propagates: {
    does: "sees later mounts of the node, where mountPropagation says so",
    main: {
      ...sleeps,
      volumeMounts: [
        { name: "v", mountPath: "/sees", mountPropagation: "HostToContainer" },
        { name: "v", mountPath: "/blind" },
      ],
    },
    spec: () => volume({ hostPath: { path: `${host}/shared` } }),
    async see(name) {
      await kit.ready(name);
      execFileSync("mount", ["-t", "tmpfs", "tmpfs", `${host}/shared/later`]);
      writeFileSync(`${host}/shared/later/file`, "there");
      expect(await says(name, "ls /sees/later; ls /blind/later")).toBe("file");
      execFileSync("umount", [`${host}/shared/later`]);
    },
  },
  follows: {
    does: "configMap and secret: a change is there without a wait for a sync, all at once; subPath and immutable keep",
    with: () => [
      object("ConfigMap", "followed", { data: { a: "1", b: "1" } }),
      object("Secret", "followed", { stringData: { a: "1" } }),
    ],
    main: {
      ...sleeps,
      volumeMounts: [
        { name: "c", mountPath: "/c" },
        { name: "s", mountPath: "/s" },
        { name: "c", mountPath: "/one", subPath: "a" },
      ],
    },
    spec: () => ({
      volumes: [
        { name: "c", configMap: { name: "followed" } },
        { name: "s", secret: { secretName: "followed" } },
      ],
    }),
    async see(name) {
      await kit.ready(name);
      const patch = (value: object): string => JSON.stringify(value);
      await node.run(["patch", "configmap", "followed", "-p", patch({ data: { a: "2", b: "2", c: "2" } })]);
      await node.run(["patch", "secret", "followed", "-p", patch({ stringData: { a: "2" } })]);
      // A sync is a minute away: what comes before was told by a watch.
      await eventually("the change", async () => (await says(name, "cat /c/a /c/b /c/c /s/a")) === "2222", 30_000);
      expect(await says(name, "cat /one")).toBe("1");
      await node.run(["patch", "configmap", "followed", "--type=json", "-p", '[{"op":"remove","path":"/data/c"}]']);
      await eventually("the removal", async () => (await says(name, "ls /c")) === "a\nb", 30_000);
    },
  },
};

beforeAll(async () => {
  node = await startKubeletNode({}, { network: await podNetworkPlace() });
  kit = new PodKit(node);
  host = `${node.containerd.folder}/host`;
  makeHost();
  const all = Object.entries(rows);
  await kit.create(...all.flatMap(([, row]) => row.with?.() ?? []));
  await kit.create(...all.map(([name, { main, spec }]) => kit.pod(name, main, spec())));
}, 240_000);
afterAll(async () => {
  kit?.close();
  await node?.stop();
});

function makeHost(): void {
  for (const name of ["local", "parts/part", "shared"]) mkdirSync(`${host}/${name}`, { recursive: true });
  writeFileSync(`${host}/file`, "");
  writeFileSync(`${host}/local/file`, "", { mode: 0o644 });
  writeFileSync(`${host}/parts/part/file`, "part");
  symlinkSync("part", `${host}/parts/inside`);
  symlinkSync("/etc", `${host}/parts/outside`);
  execFileSync("mount", ["--bind", `${host}/shared`, `${host}/shared`]);
  execFileSync("mount", ["--make-shared", `${host}/shared`]);
  mkdirSync(`${host}/shared/later`);
}

describe("a volume", () => {
  it.each(Object.entries(rows).map(([name, { does, see }]) => [does, name, see] as const))(
    "%s (%s)",
    (_, name, see) => see(name),
    240_000,
  );
});

describe("volumes", () => {
  it("are watched once for all pods, and no longer than these are there", async () => {
    await kit.create(kit.pod("second", sleeps, volume({ configMap: { name: "followed" } })));
    await kit.ready("second");
    await node.run(["delete", "configmap", "followed"]);
    await node.run(["create", "configmap", "followed", "--from-literal=a=3"]);
    await eventually("a new object of the name", async () => (await says("follows", "cat /c/a")) === "3", 30_000);
  });

  it("leave no mount and no folder, and what is the node's stays as it is", async () => {
    await kit.delete("--all");
    expect(mountsBelow(`${node.folders.root}/pods`)).toEqual([]);
    expect(readdirSync(`${node.folders.root}/pods`)).toEqual([]);
    expect(readFileSync(`${host}/pv-host/data`, "utf8")).toBe("kept\n");
    expect(existsSync(`${host}/parts/new/deep/a`)).toBe(true);
    expect(statSync("/etc/passwd").isFile()).toBe(true);
    execFileSync("umount", [`${host}/shared`]);
    rmSync(host, { recursive: true });
  });
});
