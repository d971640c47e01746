/** Pods that come and go in random order, while the agent and containerd are killed: at the end nothing is left. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { cgroupFolders, mountsBelow, processesOf } from "../fixtures/container_remains.ts";
import { removeUnknown } from "../fixtures/containerd_leftovers.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";
import { PodKit, sleeps } from "../fixtures/kubelet_pods.ts";
import { podNetworkPlace } from "../fixtures/node_pod_network.ts";
import fc from "../fixtures/property.ts";
import { seed } from "../fixtures/seed.ts";
import type { Stall } from "../fixtures/stall_watch.ts";

const isLong = process.env["FAIRLEAD_LONG"] === "1";
const total = Number(process.env["FAIRLEAD_CHURN"] ?? (isLong ? 2000 : 20));
const batch = 10;
/** What one node has at one time. */
const mostAlive = 30;
const stallFile = (): string => path.join(node.containerd.folder, "stalls");

let node: KubeletNode;
let kit: PodKit;

beforeAll(async () => {
  const preload = path.resolve("dist/test/fixtures/stall_watch.js");
  node = await startKubeletNode(
    {},
    {
      network: await podNetworkPlace(),
      kubeletEnv: (folder) => ({ NODE_OPTIONS: `--import=${preload}`, STALL_FILE: path.join(folder, "stalls") }),
    },
  );
  kit = new PodKit(node);
  await node.run(["create", "configmap", "words", "--from-literal=word=sesame"]);
}, 120_000);
afterAll(async () => {
  // Where somebody looks for what went wrong.
  const { FAIRLEAD_CHURN_LOG: file } = process.env;
  if (file !== undefined) writeFileSync(file, node.log());
  kit?.close();
  await node?.stop();
});

/** A number below `bound`, each time another, by the seed. */
const random = ((): ((bound: number) => number) => {
  const all = fc.sample(fc.nat(), { numRuns: 4096, seed });
  let at = 0;
  return (bound) => all[at++ % all.length]! % bound;
})();

const shapes: readonly ((name: string) => object)[] = [
  (name) => kit.pod(name),
  (name) =>
    kit.pod(
      name,
      { ...sleeps, volumeMounts: ["m", "c"].map((volume) => ({ name: volume, mountPath: `/${volume}` })) },
      {
        volumes: [
          { name: "m", emptyDir: { medium: "Memory" } },
          { name: "c", configMap: { name: "words" } },
        ],
      },
    ),
  (name) => kit.pod(name, { command: ["true"] }, { restartPolicy: "Never" }),
  (name) => kit.pod(name, { command: ["sh", "-c", "sleep 0.3; exit 1"] }),
  (name) =>
    kit.pod(name, { ...sleeps, ports: [{ containerPort: 80, hostPort: 20_000 + (Number(name.slice(1)) % 1000) }] }),
  (name) =>
    kit.pod(name, sleeps, { initContainers: [kit.container("beside", { restartPolicy: "Always", ...sleeps })] }),
  // It takes its whole grace period.
  (name) => kit.pod(name, { command: ["sh", "-c", "trap '' TERM; while :; do sleep 0.2; done"] }),
  (name) =>
    kit.pod(
      name,
      { ...sleeps, volumeMounts: [{ name: "d", mountPath: "/d", subPath: "a/b" }] },
      { volumes: [{ name: "d", emptyDir: {} }] },
    ),
];

/** When the kubelet was started, until it served: what it loads then is not a stall. */
const starts: { readonly fromMs: number; readonly toMs: number }[] = [];

async function restartKubelet(): Promise<void> {
  const fromMs = Date.now();
  await node.killKubelet();
  await node.startKubelet();
  starts.push({ fromMs, toMs: Date.now() });
}

let kills = 0;

async function restartContainerd(): Promise<void> {
  kills++;
  await node.containerd.kill();
  await node.containerd.start();
}

it(
  `${total} pods with kills of the agent and of containerd leave nothing`,
  async () => {
    starts.push({ fromMs: 0, toMs: Date.now() });
    const alive: string[] = [];
    const rounds = Math.ceil(total / batch);
    for (let round = 0; round < rounds; round++) {
      const names = Array.from({ length: Math.min(batch, total - round * batch) }, (_, i) => `p${round * batch + i}`);
      await kit.create(...names.map((name) => shapes[random(shapes.length)]!(name)));
      alive.push(...names);
      // The first rounds have one of each; later ones what comes.
      const fault = round < 2 ? round : random(8);
      if (fault === 0) await restartKubelet();
      if (fault === 1) await restartContainerd();
      const surplus = Math.max(random(batch), alive.length - mostAlive);
      const going = Array.from(
        { length: Math.min(surplus, alive.length) },
        () => alive.splice(random(alive.length), 1)[0]!,
      );
      if (going.length > 0) await node.run(["delete", "pod", "--wait=false", ...going]);
      await eventually("room for more", async () => (await podsThere()) <= 2 * mostAlive, 300_000);
    }
    await node.run(["delete", "pods", "--all", "--wait=false"]);
    await eventually("the end of all pods", async () => (await podsThere()) === 0, 300_000);
    await nothingLeft();
    // On a machine with much else to do a turn takes as long as it takes: it is told, and counts in the long run.
    const found = stalls();
    if (isLong) expect(found).toEqual([]);
    else if (found.length > 0) console.info(`stalls above 100 ms: ${found.map(({ longMs }) => longMs).join(", ")}`);
  },
  Math.max(300_000, total * 6000),
);

async function podsThere(): Promise<number> {
  return (await node.get<{ items: object[] }>("pods")).items.length;
}

async function nothingLeft(): Promise<void> {
  const { root, logs } = node.folders;
  // What a kubelet does not release is seen at once; what the runtime still ends is given a moment.
  expect(existsSync(`${root}/pods`) ? readdirSync(`${root}/pods`) : []).toEqual([]);
  expect(mountsBelow(`${root}/pods`)).toEqual([]);
  expect(readdirSync(logs)).toEqual([]);
  expect(readdirSync(path.join(logs, "../containers"))).toEqual([]);
  await eventually("the end of all that the runtime knows", async () => (await known()).length === 0, 60_000).catch(
    async () => expect(await known()).toEqual([]),
  );
  await settled();
  const unknown = await removeUnknown(node.containerd, kit.runtime, node.network);
  // Each is of a sandbox that was being made at a kill of containerd.
  expect(unknown.length).toBeLessThanOrEqual(kills * mostAlive * 3);
  if (unknown.length > 0) console.info(`${kills} kills of containerd left unknown to it:\n  ${unknown.join("\n  ")}`);
  await eventually("the end of what it does not know", async () => (await remains()).length === 0, 20_000).catch(
    async () => expect(await remains()).toEqual([]),
  );
}

/** Shims of what is known no more end by themselves, a moment later. */
async function settled(): Promise<void> {
  let before = -1;
  await eventually("an end of ends", async () => {
    const now = (await remains()).length;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const isSame = now === before;
    before = now;
    return isSame;
  });
}

async function known(): Promise<string[]> {
  return [
    ...(await kit.runtime.listPodSandboxes()).map(({ id, metadata }) => `sandbox ${metadata.name} ${id}`),
    ...(await kit.runtime.listContainers()).map(({ id, metadata }) => `container ${metadata.name} ${id}`),
  ];
}

async function remains(): Promise<string[]> {
  const { folder, cgroupRoot } = node.containerd;
  const groups = cgroupFolders(cgroupRoot.slice(1)).flatMap((hierarchy) =>
    readdirSync(hierarchy, { recursive: true }).map((name) => `${hierarchy}/${String(name)}`),
  );
  return [
    ...(await known()),
    ...processesOf(folder).map((pid) => `shim ${pid}`),
    ...mountsBelow(`${folder}/state`).map((point) => `mount ${point}`),
    ...groups.filter((name) => /\/pod[0-9a-f-]{36}/.test(name)).map((name) => `control group ${name}`),
    ...(node.network?.addressesInUse ? [`${node.network.addressesInUse} addresses`] : []),
    ...((await node.network?.links()) ?? "").split("\n").filter((line) => line !== ""),
  ];
}

/** Stalls of the kubelet once it served: a start loads its program. */
function stalls(): readonly Stall[] {
  const file = stallFile();
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
  const all = lines.map((line) => JSON.parse(line) as Stall);
  const isStart = ({ atMs, longMs }: Stall): boolean =>
    starts.some(({ fromMs, toMs }) => atMs >= fromMs && atMs - longMs <= toMs);
  return all.filter((stall) => stall.longMs > 100 && !isStart(stall));
}
