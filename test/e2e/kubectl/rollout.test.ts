/** kubectl rollout, with the revisions and the status that controllers would write. */
import { describe, expect, it } from "vitest";
import { onEachStore, type Case } from "../../fixtures/clusters.ts";

const template = (image: string, labels: object = {}) => ({
  metadata: { labels: { app: "web", ...labels } },
  spec: { containers: [{ name: "main", image }] },
});
const selector = { matchLabels: { app: "web" } };
const revisionOf = "deployment.kubernetes.io/revision";

const deployment = (replicas = 2) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", annotations: { [revisionOf]: "2" } },
  spec: { replicas, selector, template: template("app:2") },
});
const ownedBy = (kind: string, uid: string) => [{ apiVersion: "apps/v1", kind, name: "web", uid, controller: true }];

/** A Deployment's older and newer ReplicaSet, as its controller makes them. */
async function withHistory(one: Case): Promise<void> {
  await one.create(deployment());
  const { uid } = (await one.object("deployment", "web")).metadata;
  const sets = [1, 2].map((revision) => ({
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `web-${revision}`,
      labels: { app: "web", "pod-template-hash": `h${revision}` },
      annotations: { [revisionOf]: String(revision), "kubernetes.io/change-cause": `cause ${revision}` },
      ownerReferences: ownedBy("Deployment", uid),
    },
    spec: {
      replicas: revision === 2 ? 2 : 0,
      selector: { matchLabels: { app: "web", "pod-template-hash": `h${revision}` } },
      template: template(`app:${revision}`, { "pod-template-hash": `h${revision}` }),
    },
  }));
  await one.create(...sets);
}

const set = (kind: "DaemonSet" | "StatefulSet") => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name: "web" },
  spec: {
    selector,
    template: template("app:2"),
    ...(kind === "StatefulSet" ? { serviceName: "web", replicas: 2 } : {}),
  },
});

async function withRevisions(one: Case, kind: "DaemonSet" | "StatefulSet"): Promise<void> {
  await one.create(set(kind));
  const { uid } = (await one.object(kind, "web")).metadata;
  const revisions = [1, 2].map((revision) => ({
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: { name: `web-${revision}`, labels: { app: "web" }, ownerReferences: ownedBy(kind, uid) },
    revision,
    data: { spec: { template: { ...template(`app:${revision}`), $patch: "replace" } } },
  }));
  await one.create(...revisions);
}

const image = async (one: Case, kind: string): Promise<unknown> =>
  (await one.object(kind, "web")).spec.template.spec.containers[0].image;

onEachStore((cluster) => {
  describe("of a Deployment", () => {
    it.concurrent("history says what there was, and undo goes back", async () => {
      const one = await cluster.namespace();
      await withHistory(one);
      expect(await one.run("rollout", "history", "deployment/web")).toMatch(
        /^deployment.apps\/web \nREVISION +CHANGE-CAUSE\n1 +cause 1\n2 +cause 2$/,
      );
      const first = await one.run("rollout", "history", "deployment/web", "--revision=1");
      expect(first).toContain("deployment.apps/web with revision #1");
      expect(first).toMatch(/Image:\s+app:1/);
      expect(await one.run("rollout", "undo", "deployment/web", "--dry-run=server")).toContain("(server dry run)");
      expect(await image(one, "deployment")).toBe("app:2");
      expect(await one.run("rollout", "undo", "deployment/web", "--to-revision=1")).toBe(
        "deployment.apps/web rolled back",
      );
      expect(await image(one, "deployment")).toBe("app:1");
      expect(await one.refused("rollout", "undo", "deployment/web", "--to-revision=9")).toContain(
        "unable to find specified revision 9",
      );
    });

    it.concurrent("status follows what the controller writes, up to its end and its deadline", async () => {
      const one = await cluster.namespace();
      await one.create(deployment());
      const status = one.follow("rollout", "status", "deployment/web", "--timeout=50s");
      await status.says("Waiting for deployment spec update to be observed");
      await one.status("deployment", "web", { observedGeneration: 1, replicas: 1, updatedReplicas: 1 });
      await status.says("1 out of 2 new replicas have been updated");
      const updated = { observedGeneration: 1, replicas: 2, updatedReplicas: 2 };
      await one.status("deployment", "web", { ...updated, readyReplicas: 1, availableReplicas: 1 });
      await status.says("1 of 2 updated replicas are available");
      await one.status("deployment", "web", { ...updated, readyReplicas: 2, availableReplicas: 2 });
      await status.says('deployment "web" successfully rolled out');
      expect(await status.ended).toBe(0);
      await one.status("deployment", "web", {
        conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "late" }],
      });
      expect(await one.refused("rollout", "status", "deployment/web")).toContain(
        'deployment "web" exceeded its progress deadline',
      );
    });

    it.concurrent("pause, resume and restart", async () => {
      const one = await cluster.namespace();
      await one.create(deployment());
      expect(await one.run("rollout", "pause", "deployment/web")).toBe("deployment.apps/web paused");
      expect((await one.object("deployment", "web")).spec.paused).toBe(true);
      expect(await one.refused("rollout", "pause", "deployment/web")).toContain("is already paused");
      expect(await one.refused("rollout", "restart", "deployment/web")).toContain("can't restart paused deployment");
      expect(await one.run("rollout", "resume", "deployment/web")).toBe("deployment.apps/web resumed");
      expect(await one.run("rollout", "restart", "deployment/web")).toBe("deployment.apps/web restarted");
      const { metadata, spec } = await one.object("deployment", "web");
      expect(spec.paused).toBeUndefined();
      expect(spec.template.metadata.annotations).toHaveProperty(["kubectl.kubernetes.io/restartedAt"]);
      expect(metadata.generation).toBe(4);
    });
  });

  describe.each(["DaemonSet", "StatefulSet"] as const)("of a %s", (kind) => {
    const name = `${kind.toLowerCase()}.apps/web`;

    it.concurrent("history, undo and restart", async () => {
      const one = await cluster.namespace();
      await withRevisions(one, kind);
      expect(await one.run("rollout", "history", name)).toMatch(/REVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>$/);
      expect(await one.run("rollout", "history", name, "--revision=1")).toMatch(/Image:\s+app:1/);
      expect(await one.run("rollout", "undo", name)).toBe(`${name} rolled back`);
      expect(await image(one, kind)).toBe("app:1");
      expect(await one.run("rollout", "restart", name)).toBe(`${name} restarted`);
    });

    it.concurrent("status", async () => {
      const one = await cluster.namespace();
      await one.create(set(kind));
      const status = one.follow("rollout", "status", name, "--timeout=50s");
      await status.says("Waiting for");
      const done =
        kind === "DaemonSet"
          ? {
              desiredNumberScheduled: 2,
              currentNumberScheduled: 2,
              numberMisscheduled: 0,
              numberReady: 2,
              updatedNumberScheduled: 2,
              numberAvailable: 2,
            }
          : { replicas: 2, readyReplicas: 2, updatedReplicas: 2, currentRevision: "web-2", updateRevision: "web-2" };
      await one.status(kind, "web", { observedGeneration: 1, ...done });
      await status.says(
        kind === "DaemonSet"
          ? 'daemon set "web" successfully rolled out'
          : "partitioned roll out complete: 2 new pods have been updated",
      );
      expect(await status.ended).toBe(0);
    });
  });
});
