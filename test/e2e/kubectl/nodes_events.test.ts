/** What kubectl does to nodes, and how it shows Events and says that there are no metrics. */
import { describe, expect, it } from "vitest";
import { onEachStore, type Case } from "../../fixtures/clusters.ts";

const node = (name: string) => ({ apiVersion: "v1", kind: "Node", metadata: { name } });
const pod = (name: string, nodeName: string, more: object = {}, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: "web" }, ...metadata },
  spec: { nodeName, containers: [{ name: "c", image: "app:1" }], ...more },
});
const ready = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };

const event = (one: Case, name: string, about: string, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name },
  involvedObject: { apiVersion: "v1", kind: "Pod", namespace: one.name, name: about },
  reason: "Started",
  message: `of ${about}`,
  type: "Normal",
  count: 1,
  firstTimestamp: new Date().toISOString(),
  lastTimestamp: new Date().toISOString(),
  source: { component: "kubelet" },
  ...more,
});

onEachStore((cluster) => {
  describe("kubectl on nodes", () => {
    it.concurrent("cordon, uncordon and taint", async () => {
      const one = await cluster.namespace();
      const name = `${one.name}-node`;
      await one.create(node(name));
      const spec = async () => (await one.object("node", name)).spec;
      expect(await one.run("cordon", name)).toBe(`node/${name} cordoned`);
      expect(await one.run("cordon", name)).toBe(`node/${name} already cordoned`);
      expect((await spec()).unschedulable).toBe(true);
      expect(await one.run("get", "node", name, "--no-headers")).toMatch(/ Unknown,SchedulingDisabled /);
      expect(await one.run("uncordon", name)).toBe(`node/${name} uncordoned`);
      expect((await spec()).unschedulable).toBeUndefined();
      expect(await one.run("taint", "node", name, "a=b:NoSchedule", "c:NoExecute")).toBe(`node/${name} tainted`);
      const taints = async (): Promise<unknown> => (await spec()).taints;
      expect(await taints()).toEqual(
        expect.arrayContaining([
          { key: "a", value: "b", effect: "NoSchedule" },
          expect.objectContaining({ key: "c", effect: "NoExecute" }),
        ]),
      );
      expect(await one.refused("taint", "node", name, "a=x:NoSchedule")).toContain("already has a taint");
      await one.run("taint", "--overwrite", "node", name, "a=x:NoSchedule");
      expect(await one.run("taint", "node", name, "a-", "c:NoExecute-")).toBe(`node/${name} untainted`);
      expect(((await taints()) as { key: string }[] | undefined)?.map(({ key }) => key) ?? []).not.toContain("a");
      expect(await one.run("label", "node", name, "node-role.kubernetes.io/worker=")).toBe(`node/${name} labeled`);
      expect(await one.run("get", "nodes", "--no-headers", "-l", "node-role.kubernetes.io/worker")).toMatch(/ worker /);
    });

    it.concurrent("drain evicts what may go, waits for budgets, and leaves what must stay", async () => {
      const one = await cluster.namespace();
      const name = `${one.name}-node`;
      await one.create(node(name));
      const daemons = {
        apiVersion: "apps/v1",
        kind: "DaemonSet",
        metadata: { name: "agents" },
        spec: {
          selector: { matchLabels: { app: "agent" } },
          template: { metadata: { labels: { app: "agent" } }, spec: { containers: [{ name: "c", image: "app:1" }] } },
        },
      };
      await one.create(daemons);
      const { uid } = (await one.object("daemonset", "agents")).metadata;
      const owner = { apiVersion: "apps/v1", kind: "DaemonSet", name: "agents", uid, controller: true };
      const empty = { volumes: [{ name: "scratch", emptyDir: {} }], terminationGracePeriodSeconds: 0 };
      await one.create(
        pod("agent", name, {}, { ownerReferences: [owner], labels: { app: "agent" } }),
        pod("bare", name, { terminationGracePeriodSeconds: 0 }),
        pod("scratch", name, empty, { labels: { app: "scratch" } }),
        pod("elsewhere", "another"),
      );
      for (const each of ["agent", "bare", "scratch", "elsewhere"]) await one.status("pod", each, ready);
      const refused = await one.refused("drain", name);
      for (const word of ["DaemonSet-managed", "declare no controller", "with local storage"]) {
        expect(refused).toContain(word);
      }
      await one.run("create", "pdb", "spare", "--selector=app=web", "--min-available=2");
      const allow = (disruptionsAllowed: number) => {
        const counts = { currentHealthy: 2, desiredHealthy: 2, expectedPods: 2 };
        return one.status("pdb", "spare", { observedGeneration: 1, disruptionsAllowed, ...counts });
      };
      await allow(0);
      const flags = ["--ignore-daemonsets", "--delete-emptydir-data", "--force", "--grace-period=0"];
      const late = await one.kubectl(["drain", name, ...flags, "--timeout=1s"]);
      expect(late.code).toBe(1);
      expect(late.stderr).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
      await allow(1);
      expect(await one.run("drain", name, ...flags, "--timeout=30s")).toContain(`node/${name} drained`);
      expect(await one.run("get", "pods", "-o", "name")).toBe("pod/agent\npod/elsewhere");
      expect(
        await one.run("drain", name, "--ignore-daemonsets", "--disable-eviction", "--pod-selector=app=web"),
      ).toContain("drained");
    });
  });

  describe("kubectl top", () => {
    it.concurrent.each([
      ["nodes", "error: Metrics API not available"],
      ["pods", "error: Metrics API not available"],
    ])("%s says that there are no metrics", async (what, says) => {
      const one = await cluster.namespace();
      expect(await one.refused("top", what)).toBe(says);
    });
  });

  describe("kubectl events", () => {
    it.concurrent("by time, by what they are about, by type, and in other forms", async () => {
      const one = await cluster.namespace();
      expect((await one.kubectl(["events"])).stderr).toBe(`No events found in ${one.name} namespace.\n`);
      const before = new Date(Date.now() - 300_000).toISOString();
      await one.create(
        event(one, "one", "web", { firstTimestamp: before, lastTimestamp: before }),
        event(one, "two", "other", { type: "Warning", reason: "Failed", count: 4 }),
      );
      expect(await one.run("events")).toMatch(
        /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n5m\d*s? +Normal +Started +Pod\/web +of web\n\d+s \(x4 over \d+s\) +Warning +Failed +Pod\/other +of other$/,
      );
      expect(await one.run("events", "--for=pod/web", "--no-headers")).toMatch(/^5m\d*s? +Normal .* of web$/);
      expect(await one.run("events", "--types=Warning", "--no-headers")).toMatch(/^\d+s .* of other$/);
      expect(JSON.parse(await one.run("events", "-o", "json")).items).toHaveLength(2);
      expect(await one.run("events", "-A")).toContain("of other");
      expect(await one.run("get", "events", "--sort-by=.lastTimestamp", "--no-headers")).toMatch(/of web\n.*of other$/);
      expect(await one.run("get", "events", "--field-selector=involvedObject.name=web,type=Normal", "-o", "name")).toBe(
        "event/one",
      );
      expect(await one.run("get", "events.events.k8s.io", "--field-selector=reason=Failed", "-o", "name")).toBe(
        "event.events.k8s.io/two",
      );
    });

    it.concurrent("--watch shows what comes", async () => {
      const one = await cluster.namespace();
      await one.create(event(one, "one", "web"));
      const watch = one.follow("events", "--watch", "--for=pod/web");
      await watch.says("of web");
      await one.create(event(one, "two", "other"), event(one, "three", "web", { message: "again" }));
      await watch.says("again");
      expect(watch.text()).not.toContain("of other");
      await watch.stop();
    });
  });
});
