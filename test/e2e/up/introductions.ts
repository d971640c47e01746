/** What introductions to Kubernetes show: that pods come and go, and what they stand for stays. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { SteadyLoadReport } from "../../fixtures/steady_load.ts";
import { workbench } from "../../fixtures/up_images.ts";
import type { UpCluster } from "../../fixtures/up_cluster.ts";
import { UpPlace } from "../../fixtures/up_place.ts";
import { manifest } from "./manifest.ts";

const [v1, v2] = workbench;
const loader = path.resolve("dist/test/fixtures/steady_load.js");
const load = { perSecond: 500, seconds: 10 };

/**
 * A server that drops everything at SIGTERM, as many do. What keeps its clients unharmed is Kubernetes' part: a
 * readiness probe, and a preStop hook that lets the news of its end reach every proxy first (upstream's "Pod
 * termination"; KEP-3960).
 */
const abruptServer = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "abrupt" },
  spec: {
    replicas: 4,
    selector: { matchLabels: { app: "abrupt" } },
    template: {
      metadata: { labels: { app: "abrupt" } },
      spec: {
        containers: [
          {
            name: "server",
            image: v1,
            command: [
              "sh",
              "-c",
              'mkdir /www; echo "$VERSION" >/www/index.html; httpd -f -p 8080 -h /www & trap "kill $!; exit" TERM; wait',
            ],
            readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
            lifecycle: { preStop: { sleep: { seconds: 2 } } },
          },
        ],
      },
    },
  },
};

/** Names of the folders that are volumes of the node. */
const localPaths = (cluster: UpCluster): readonly string[] => readdirSync(path.join(cluster.dataDir, "local-path"));

export function introductions(cluster: UpCluster): void {
  describe("a cluster", () => {
    it.concurrent("runs every kind of a manifest, which see one another", async () => {
      const place = await UpPlace.make(cluster, "many");
      const said = await place.apply(...manifest(v1));
      expect(said.match(/ created$/gm)).toHaveLength(manifest(v1).length);
      for (const what of ["deployment/front", "statefulset/store", "daemonset/agent"]) await place.rolledOut(what);
      await place.run("wait", "job/once", "--for=condition=Complete", "--timeout=60s");
      expect(await place.run("logs", "job/once")).toBe("one two\n");
      expect(await place.field("pvc", ".items[*].status.phase")).toBe("Bound Bound");
      expect(await place.field("daemonset agent", ".status.numberReady")).toBe("1");
      // By the name of the Service, from a pod: what the ConfigMap says is what it answers.
      const asked = await place.run("exec", "deployment/front", "--", "/serve", "get", "front", "80");
      expect(asked).toMatch(/^hello from front-\S+, version one\n$/);
      await place.eventually("a run of the CronJob", async () => {
        const ends = ".items[?(@.metadata.ownerReferences[0].kind=='CronJob')].status.succeeded";
        return (await place.field("jobs", ends)) === "1";
      });
      // kubectl writes templates of claims anew, for the server has given them defaults; nothing changes by that.
      const again = await place.apply(...manifest(v1));
      expect(again.match(/ unchanged$/gm)).toHaveLength(manifest(v1).length - 1);
      expect(again).toContain("statefulset.apps/store configured");
      expect(await place.field("statefulset store", ".metadata.generation")).toBe("1");
      const volume = await place.field("pvc shared", ".spec.volumeName");
      expect(localPaths(cluster).some((name) => name.startsWith(volume))).toBe(true);
      await place.run("delete", ...manifest(v1).map(({ kind, metadata }: any) => `${kind}/${metadata.name}`));
      await place.run("wait", "pods", "--all", "--for=delete", "--timeout=60s");
      // What the claim had is gone from the node when the volume is gone from the API.
      await cluster.run(["wait", `pv/${volume}`, "--for=delete", "--timeout=60s"]);
      expect(localPaths(cluster).filter((name) => name.startsWith(volume))).toEqual([]);
    });

    it.concurrent("keeps names and storage of a StatefulSet over new pods", async () => {
      const place = await UpPlace.make(cluster, "stateful");
      await place.apply(
        ...manifest(v1).filter(({ metadata }: any) => /^(store|settings|secrets)$/.test(metadata.name)),
      );
      await place.run("scale", "statefulset", "store", "--replicas=2");
      await place.rolledOut("statefulset/store");
      const inside = (pod: string, words: string): Promise<string> => place.run("exec", pod, "--", "sh", "-c", words);
      for (const pod of ["store-0", "store-1"]) await inside(pod, "echo $HOSTNAME >/data/name");
      const uid = await place.field("pod store-0", ".metadata.uid");
      await place.run("delete", "pod", "store-0", "--timeout=60s");
      await place.rolledOut("statefulset/store");
      expect(await place.field("pod store-0", ".metadata.uid")).not.toBe(uid);
      expect(await inside("store-0", "cat /data/name; hostname")).toBe("store-0\nstore-0\n");
      // Its peer finds it where it is now.
      const address = await place.field("pod store-0", ".status.podIP");
      await place.eventually("its new address", async () =>
        (await inside("store-1", "nslookup store-0.store.stateful.svc.cluster.local || :")).includes(address),
      );
    });

    it.concurrent("brings changes of a ConfigMap and a Secret into pods that run", async () => {
      const place = await UpPlace.make(cluster, "changes");
      await place.apply(
        ...manifest(v1).filter(({ metadata }: any) => /^(store|settings|secrets)$/.test(metadata.name)),
      );
      await place.rolledOut("statefulset/store");
      const files = (): Promise<string> =>
        place.run("exec", "store-0", "--", "cat", "/settings/greeting", "/secrets/word");
      expect(await files()).toBe("onetwo");
      await place.run("patch", "configmap", "settings", "-p", '{"data":{"greeting":"three"}}');
      await place.run("patch", "secret", "secrets", "-p", '{"stringData":{"word":"four"}}');
      await place.eventually("both changes", async () => (await files()) === "threefour");
      // A variable of the environment is of the container's start.
      expect(await place.run("exec", "store-0", "--", "sh", "-c", "echo $GREETING")).toBe("one\n");
      expect(await place.field("pod store-0", ".status.containerStatuses[0].restartCount")).toBe("0");
    });

    it.concurrent("keeps a client with one pod where a Service wants that", async () => {
      const place = await UpPlace.make(cluster, "affinity");
      await place.run("create", "deployment", "web", `--image=${v1}`, "--replicas=3");
      await place.run("expose", "deployment", "web", "--port=80", "--target-port=8080", "--session-affinity=ClientIP");
      await place.rolledOut("deployment/web");
      const clusterIp = await place.field("service web", ".spec.clusterIP");
      await place.eventually("three endpoints", async () => {
        const ips = await place.field("endpointslices", ".items[0].endpoints[*].addresses[0]");
        return ips.split(" ").length === 3;
      });
      await place.answering(1, clusterIp, 80);
      await place.run("patch", "service", "web", "-p", '{"spec":{"sessionAffinity":"None"}}');
      await place.answering(3, clusterIp, 80);
    });
  });

  it("loses no request of 500 a second while a Deployment is updated", async () => {
    const place = await UpPlace.make(cluster, "load");
    await place.apply(abruptServer);
    await place.run("expose", "deployment", "abrupt", "--port=80", "--target-port=8080");
    await place.rolledOut("deployment/abrupt");
    const clusterIp = await place.field("service abrupt", ".spec.clusterIP");
    await place.answering(1, clusterIp, 80, /^v1$/);
    const words = [clusterIp, 80, load.perSecond, load.seconds].map(String);
    const loaded = cluster.here(process.execPath, loader, ...words);
    await place.run("set", "image", "deployment/abrupt", `server=${v2}`);
    await place.rolledOut("deployment/abrupt");
    const report = JSON.parse(await loaded) as SteadyLoadReport;
    expect(report).toMatchObject({ sent: load.perSecond * load.seconds, failures: {} });
    // The update was during the load, and it is over.
    expect(Object.keys(report.answers).sort()).toEqual(["v1", "v2"]);
    expect(await place.answering(1, clusterIp, 80, /^v2$/)).toEqual(["v2"]);
  });
}
