/** kubectl wait and kubectl delete. */
import { describe, expect, it } from "vitest";
import { onEachStore, type Case } from "../../fixtures/clusters.ts";

const map = (name: string, labels: object = {}, more: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels, ...more },
});
const pod = (name: string, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: { containers: [{ name: "c", image: "app:1" }], ...spec },
});
const replicaSet = {
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: { name: "web" },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: pod("x").spec },
  },
};
const ready = (status: string) => ({ conditions: [{ type: "Ready", status }] });
const names = (one: Case, kind = "configmaps") => one.run("get", kind, "-o", "name");
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

onEachStore((cluster) => {
  describe("kubectl wait", () => {
    it.concurrent("--for=condition", async () => {
      const one = await cluster.namespace();
      await one.create(pod("a"), pod("b"));
      const wait = one.follow("wait", "--for=condition=Ready", "pod/a", "pod/b", "--timeout=50s");
      await one.status("pod", "a", ready("True"));
      await wait.says("pod/a condition met");
      await one.status("pod", "b", ready("True"));
      expect(await wait.ended).toBe(0);
      expect(wait.text()).toBe("pod/a condition met\npod/b condition met\n");
      expect(await one.refused("wait", "--for=condition=Ready=false", "pod/a", "--timeout=1s")).toContain(
        "timed out waiting for the condition on pods/a",
      );
      await one.status("pod", "a", ready("False"));
      expect(await one.run("wait", "--for=condition=ready=false", "pod", "a")).toBe("pod/a condition met");
    });

    it.concurrent("--for=jsonpath", async () => {
      const one = await cluster.namespace();
      await one.create(pod("a"));
      const wait = one.follow("wait", "--for=jsonpath={.status.phase}=Running", "pods", "--all", "--timeout=50s");
      const any = one.follow("wait", "--for=jsonpath={.status.podIP}", "pod/a", "--timeout=50s");
      await one.status("pod", "a", { phase: "Running", podIP: "10.1.0.3", podIPs: [{ ip: "10.1.0.3" }] });
      expect(await Promise.all([wait.ended, any.ended])).toEqual([0, 0]);
      expect(wait.text()).toBe("pod/a condition met\n");
      expect(await one.old("wait", "--for=condition=Initialized=", "pod/a", "--timeout=1s").catch(String)).toContain(
        "timed out",
      );
    });

    it.concurrent("--for=delete and --for=create", async () => {
      const one = await cluster.namespace();
      await one.create(map("a"));
      const gone = one.follow("wait", "--for=delete", "cm/a", "--timeout=50s");
      const come = one.follow("wait", "--for=create", "cm/b", "--timeout=50s");
      await pause(300);
      await one.run("delete", "cm", "a");
      await one.create(map("b"));
      expect(await Promise.all([gone.ended, come.ended])).toEqual([0, 0]);
      expect([gone.text(), come.text()]).toEqual(["configmap/a condition met\n", "configmap/b condition met\n"]);
      expect(await one.run("wait", "--for=delete", "cm/a")).toBe("");
    });
  });

  describe("kubectl delete", () => {
    it.concurrent("by name, label, file, all and raw", async () => {
      const one = await cluster.namespace();
      await one.create(
        ...["a", "b", "c", "d", "e"].map((name) => map(name, { odd: "ace".includes(name) ? "1" : "0" })),
      );
      expect(await one.run("delete", "cm", "a")).toBe('configmap "a" deleted');
      expect(await one.refused("delete", "cm", "a")).toContain('configmaps "a" not found');
      expect(await one.run("delete", "cm", "a", "--ignore-not-found")).toBe("");
      expect(await one.run("delete", "cm", "b", "--dry-run=server", "-o", "name")).toBe("configmap/b");
      expect(await one.run("delete", "cm", "-l", "odd=1", "-o", "name")).toBe("configmap/c\nconfigmap/e");
      expect(await one.run("delete", "-f", one.file("d", map("d")))).toBe('configmap "d" deleted');
      const raw = await one.run("delete", "--raw", `/api/v1/namespaces/${one.name}/configmaps/b`);
      expect(JSON.parse(raw)).toMatchObject({ kind: "Status", status: "Success" });
      await one.create(map("f"), map("g"));
      expect(await one.run("delete", "cm", "--all")).toBe('configmap "f" deleted\nconfigmap "g" deleted');
      await one.create(map("h"), map("i"));
      await one.run("delete", "cm", "--field-selector=metadata.name=h", "--now");
      expect(await names(one)).toBe("configmap/i");
    });

    it.concurrent("waits for pods that end by themselves, --now and --force", async () => {
      const one = await cluster.namespace();
      await one.create(
        pod("slow", { nodeName: "node-1" }),
        pod("now", { nodeName: "node-1" }),
        pod("off", { nodeName: "node-1" }),
      );
      await one.run("delete", "pod", "slow", "--wait=false", "--grace-period=600");
      const slow = await one.object("pod", "slow");
      expect(slow.metadata).toMatchObject({ deletionGracePeriodSeconds: 600 });
      const wait = one.follow("delete", "pod", "now", "--now");
      await wait.says('pod "now" deleted');
      const { metadata } = await one.object("pod", "now");
      expect(metadata.deletionGracePeriodSeconds).toBe(1);
      // The kubelet's word that it is gone.
      await one.run("delete", "pod", "now", "--force", "--grace-period=0");
      expect(await wait.ended).toBe(0);
      const forced = await one.kubectl(["delete", "pod", "off", "slow", "--force"]);
      expect(forced.stdout).toBe('pod "off" force deleted\npod "slow" force deleted\n');
      expect(forced.stderr).toContain("Immediate deletion does not wait");
      expect(await names(one, "pods")).toBe("");
    });

    it.concurrent("--cascade asks the garbage collector for what it is to do", async () => {
      const one = await cluster.namespace();
      await one.create(replicaSet);
      await one.run("delete", "rs", "web", "--cascade=foreground", "--wait=false");
      expect((await one.object("rs", "web")).metadata.finalizers).toEqual(["foregroundDeletion"]);
      const done = '{"metadata":{"finalizers":null}}';
      await one.run("patch", "rs", "web", "--type=merge", "-p", done);
      expect(await names(one, "rs")).toBe("");
      await one.create(replicaSet);
      const orphan = one.follow("delete", "rs", "web", "--cascade=orphan");
      await orphan.says('replicaset.apps "web" deleted');
      expect((await one.object("rs", "web")).metadata.finalizers).toEqual(["orphan"]);
      await one.run("patch", "rs", "web", "--type=merge", "-p", done);
      expect(await orphan.ended).toBe(0);
      await one.create(replicaSet);
      await one.run("delete", "rs", "web", "--cascade=background");
      expect(await names(one, "rs")).toBe("");
    });

    it.concurrent("waits for finalizers, up to its time", async () => {
      const one = await cluster.namespace();
      await one.create(map("kept", {}, { finalizers: ["example.com/keep"] }));
      expect(await one.refused("delete", "cm", "kept", "--timeout=1s")).toContain(
        "timed out waiting for the condition",
      );
      expect((await one.object("cm", "kept")).metadata.deletionTimestamp).toBeDefined();
      const wait = one.follow("delete", "cm", "kept");
      await wait.says('configmap "kept" deleted');
      await one.run("patch", "cm", "kept", "--type=json", "-p", '[{"op":"remove","path":"/metadata/finalizers"}]');
      expect(await wait.ended).toBe(0);
    });

    it.concurrent("a namespace, which then takes nothing more", async () => {
      const one = await cluster.namespace();
      const space = `${one.name}-gone`;
      await one.run("create", "namespace", space);
      await one.run("delete", "namespace", space, "--wait=false");
      expect((await one.object("namespace", space)).status.phase).toBe("Terminating");
      expect(await one.refused("create", "cm", "late", "-n", space)).toContain("because it is being terminated");
      const finalized = { apiVersion: "v1", kind: "Namespace", metadata: { name: space }, spec: {} };
      const wait = one.follow("wait", "--for=delete", `namespace/${space}`);
      await one.run("replace", "--raw", `/api/v1/namespaces/${space}/finalize`, "-f", one.file("ns", finalized));
      expect(await wait.ended).toBe(0);
    });
  });
});
