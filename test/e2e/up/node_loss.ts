/** What every introduction promises of several nodes: one goes, and what it ran is elsewhere, but for what belongs to it. */
import { existsSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { furtherInstance, instanceOf } from "../../../src/up/instance.ts";
import { launcher } from "../../fixtures/fairlead_server.ts";
import type { SteadyLoadReport } from "../../fixtures/steady_load.ts";
import { run, type UpCluster } from "../../fixtures/up_cluster.ts";
import { busyboxRoot, importFolder } from "../../fixtures/up_images.ts";
import { UpPlace } from "../../fixtures/up_place.ts";
import { program } from "../../fixtures/up_program.ts";

const image = "localhost/busybox:1";
const replicas = 10;
const perSecond = 50;
/** Flags of `up` by which a silent node is noticed earlier than upstream's 50 s: its agent is heard every 10 s. */
export const noticedEarly = ["--server-flag=--node-monitor-grace-period=20s", "--server-flag=--node-monitor-period=1s"];

interface Part {
  readonly netns?: string;
  readonly process?: { readonly pid: number };
}

interface Pod {
  readonly name: string;
  readonly node: string;
  readonly isEnding: boolean;
}

/**
 * @param names of the cluster's nodes, the one that is lost last
 * @param partsOf what runs of a node, as `fairlead status` tells it
 */
export function nodeLossCases(
  cluster: UpCluster,
  names: readonly [string, string, string],
  partsOf: (node: string) => Promise<readonly Part[]>,
): void {
  const lost = names[2];
  let place: UpPlace;
  let web: string;
  let before: readonly Pod[];

  const pods = async (app: string): Promise<readonly Pod[]> => {
    const path = "{.metadata.name} {.spec.nodeName} {.metadata.deletionTimestamp}";
    const text = await place.run(
      "get",
      "pods",
      "-l",
      `app=${app}`,
      "-o",
      `jsonpath={range .items[*]}${path}{"\\n"}{end}`,
    );
    return text
      .split("\n")
      .filter(Boolean)
      .map((line) => {
        const [name = "", node = "", ending = ""] = line.split(" ");
        return { name, node, isEnding: ending !== "" };
      });
  };
  const nodesOf = async (app: string): Promise<Readonly<Record<string, string>>> =>
    Object.fromEntries((await pods(app)).map(({ name, node }) => [name, node]));
  const inside = (pod: string, words: string): Promise<string> => place.run("exec", pod, "--", "sh", "-c", words);
  const readyNames = async (): Promise<readonly string[]> => {
    const ready = '{range .items[*].endpoints[?(@.conditions.ready==true)]}{.targetRef.name}{"\\n"}{end}';
    const text = await place.run(
      "get",
      "endpointslices",
      "-l",
      "kubernetes.io/service-name=web",
      "-o",
      `jsonpath=${ready}`,
    );
    return text.split("\n").filter(Boolean);
  };

  describe("the loss of one of three nodes", () => {
    beforeAll(async () => {
      await importEverywhere(cluster);
      place = await UpPlace.make(cluster, "loss");
      await place.apply(...objects());
      for (const what of ["deployment/web", "statefulset/store", "daemonset/agent"]) await place.rolledOut(what);
      web = await place.field("service web", ".spec.clusterIP");
      for (const pod of Object.keys(await nodesOf("store"))) await inside(pod, "echo $HOSTNAME >/data/name");
      before = await pods("web");
    }, 120_000);

    afterAll(() => cluster.run(["delete", "namespace", "loss", "--wait=false"]));

    it("costs ten replicas some seconds: new ones are elsewhere, and only connections to it fail", async () => {
      const gone = before.filter(({ node }) => node === lost).map(({ name }) => name);
      expect(gone.length).toBeGreaterThanOrEqual(2);
      const victims = await partsOf(lost);
      const load = program<SteadyLoadReport>(cluster, "steady_load", web, 80, perSecond, 300);
      let withoutMs: number;
      try {
        expect(await cluster.fairlead("node stop", lost)).toMatchObject({ code: 0, stderr: "" });
        expect(victims.filter(({ process: part }) => existsSync(`/proc/${part!.pid}`))).toEqual([]);
        expect(existsSync(`/run/netns/${victims[0]!.netns!}`)).toBe(false);
        await place.eventually("the end of its endpoints", async () => {
          const names = await readyNames();
          return names.length > 0 && !names.some((name) => gone.includes(name));
        });
        // And for each proxy to hear of it, on a machine with much else to do.
        withoutMs = Date.now() + 6000;
        await place.eventually("ten replicas", async () => (await available()) === replicas);
        await place.answering(replicas, web, 80);
        await sleep(Math.max(0, withoutMs + 2000 - Date.now()));
      } finally {
        load.end();
      }
      const { sent, failures, lastFailedMs, longestGapMs } = await load.report;
      const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
      // Three or four of ten endpoints are dead for a while.
      expect(failed, JSON.stringify(failures)).toBeLessThan(sent * 0.6);
      expect(lastFailedMs).toBeLessThan(withoutMs);
      expect(longestGapMs).toBeLessThan(3000);
      const after = (await pods("web")).filter(({ isEnding }) => !isEnding);
      expect(after).toHaveLength(replicas);
      expect(after.filter(({ node }) => node === lost)).toEqual([]);
      const old = before.map(({ name }) => name);
      const fresh = after.filter(({ name }) => !old.includes(name));
      expect(fresh).toHaveLength(gone.length);
    }, 150_000);

    it("takes nothing from it that belongs to it: a StatefulSet's pod, and a DaemonSet's", async () => {
      const stays = async (app: string): Promise<readonly Pod[]> =>
        (await pods(app)).filter(({ node, isEnding }) => node === lost && !isEnding);
      for (const app of ["store", "agent"]) expect(await stays(app)).toHaveLength(1);
      expect(await place.field("statefulset store", ".status.readyReplicas")).toBe("2");
      expect(await place.field("daemonset agent", ".status.numberReady")).toBe("2");
    });

    it("ends when it is back, with the same names and storage on it", async () => {
      const nodes = await nodesOf("store");
      expect(Object.keys(nodes).sort()).toEqual(["store-0", "store-1", "store-2"]);
      expect(Object.values(nodes).sort()).toEqual([...names].sort());
      expect(await cluster.fairlead("node start", lost)).toMatchObject({ code: 0, stderr: "" });
      expect((await cluster.fairlead("status")).stdout).toMatch(new RegExp(`^✓ node \\(${lost}\\)`, "m"));
      for (const what of ["statefulset/store", "daemonset/agent"]) await place.rolledOut(what);
      await place.eventually("the end of the old replicas", async () => (await pods("web")).length === replicas);
      await keepsNames();
      // New pods find the storage where it is, each on its own node.
      const uid = await place.field("pod store-0", ".metadata.uid");
      await place.run("delete", "pod", "-l", "app=store", "--timeout=60s");
      await place.rolledOut("statefulset/store");
      expect(await place.field("pod store-0", ".metadata.uid")).not.toBe(uid);
      await keepsNames();

      async function keepsNames(): Promise<void> {
        await place.eventually("three that are ready", async () => (await readyStore()) === "3");
        expect(await nodesOf("store")).toEqual(nodes);
        for (const pod of Object.keys(nodes))
          expect(await inside(pod, "cat /data/name; hostname")).toBe(`${pod}\n${pod}\n`);
      }
    }, 150_000);
  });

  async function available(): Promise<number> {
    return Number(await place.field("deployment web", ".status.availableReplicas"));
  }
  function readyStore(): Promise<string> {
    return place.field("statefulset store", ".status.readyReplicas");
  }
}

/** Each node has a containerd of its own. */
async function importEverywhere(cluster: UpCluster): Promise<void> {
  const folder = path.join(cluster.folder, "busybox");
  await busyboxRoot(folder);
  const main = instanceOf(cluster.dataDir);
  const further = [2, 3].map((number) => furtherInstance(main, number).dataDir);
  const flags = ["--name", image, "--entrypoint", "/bin/sleep", "--cmd", "100000"];
  await importFolder(cluster, folder, image, "A=b");
  for (const dataDir of further) await run(launcher, ["image", "import", folder, "--data-dir", dataDir, ...flags]);
}

function objects(): readonly object[] {
  const labels = (app: string): object => ({ metadata: { labels: { app } } });
  const workload = (kind: string, app: string, pod: object, more: object): object => ({
    apiVersion: "apps/v1",
    kind,
    metadata: { name: app },
    spec: {
      selector: { matchLabels: { app } },
      template: { ...labels(app), spec: { terminationGracePeriodSeconds: 1, ...pod } },
      ...more,
    },
  });
  const idle = { name: "main", image, command: ["sh", "-c", 'trap "exit 0" TERM; sleep 3600 & wait'] };
  const service = (name: string, spec: object): object => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
  });
  const apart = { labelSelector: { matchLabels: { app: "store" } }, topologyKey: "kubernetes.io/hostname" };
  const claim = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Mi" } } };
  return [
    workload(
      "Deployment",
      "web",
      {
        containers: [
          {
            name: "main",
            image: "localhost/fairlead/echo:v1",
            readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 },
          },
        ],
        // Upstream's own is 300 s.
        tolerations: ["not-ready", "unreachable"].map((what) => ({
          key: `node.kubernetes.io/${what}`,
          operator: "Exists",
          effect: "NoExecute",
          tolerationSeconds: 1,
        })),
      },
      { replicas },
    ),
    service("web", {}),
    workload(
      "StatefulSet",
      "store",
      {
        containers: [{ ...idle, volumeMounts: [{ name: "data", mountPath: "/data" }] }],
        affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [apart] } },
      },
      {
        serviceName: "store",
        replicas: 3,
        podManagementPolicy: "Parallel",
        volumeClaimTemplates: [{ metadata: { name: "data" }, spec: claim }],
      },
    ),
    service("store", { clusterIP: "None" }),
    workload("DaemonSet", "agent", { containers: [idle] }, {}),
  ];
}
