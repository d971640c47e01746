/** Deployments as people work with them: kubectl's verbs, on the real API server and controllers. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deploymentController } from "../../src/controlplane/controllers/deployment/deployment.ts";
import { garbageCollectorController } from "../../src/controlplane/controllers/garbage_collector/garbage_collector.ts";
import { replicaSetController } from "../../src/controlplane/controllers/replica_set/replica_set.ts";
import { startTestControlPlane, type TestControlPlane } from "../fixtures/control_plane.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startPodRunner, type PodRunner } from "../fixtures/pod_runner.ts";
import { template } from "../fixtures/workloads.ts";

let plane: TestControlPlane;
let runner: PodRunner;
beforeAll(async () => {
  plane = await startTestControlPlane({
    rows: [deploymentController, garbageCollectorController, replicaSetController],
  });
  runner = await startPodRunner(plane.client, {
    fate: ({ spec }) => (spec.containers[0]?.image === "web:broken" ? "running" : "ready"),
  });
  await plane.run(["create", "-f", "-"], {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: { replicas: 3, selector: { matchLabels: { app: "web" } }, template: template({ app: "web" }) },
  });
});
afterAll(async () => {
  await runner.stop();
  await plane.stop();
  expect(runner.failures).toEqual([]);
  expect(plane.internalErrors).toEqual([]);
});

const kubectl = (...args: string[]): Promise<string> => plane.run(args);
const rollout = (verb: string, ...args: string[]): Promise<string> =>
  kubectl("rollout", verb, "deployment/web", ...args);
const done = 'deployment "web" successfully rolled out';
const get = async (kind: string, ...args: string[]): Promise<any> =>
  JSON.parse(await kubectl("get", kind, "-o", "json", ...args));
const images = (): readonly (string | undefined)[] => runner.pods().map(({ spec }) => spec.containers[0]?.image);
const said = (reason: string) => plane.events.filter((event) => event.reason === reason).map(({ message }) => message);

describe("kubectl on a deployment", () => {
  it("rollout status waits for it", async () => {
    expect(await rollout("status", "--timeout=20s")).toContain(done);
    expect(await kubectl("get", "deployment", "web", "--no-headers")).toMatch(/^web +3\/3 +3 +3 /);
    const [set] = (await get("rs", "-l", "app=web")).items;
    expect(said("ScalingReplicaSet")).toEqual([`Scaled up replica set ${set.metadata.name} from 0 to 3`]);
  });

  it("set image rolls out, and history tells of it", async () => {
    await kubectl("set", "image", "deployment/web", "web=web:2");
    await kubectl("annotate", "deployment/web", "kubernetes.io/change-cause=the second");
    expect(await rollout("status", "--timeout=20s")).toContain(done);
    expect(images()).toEqual(["web:2", "web:2", "web:2"]);
    expect(await rollout("history")).toMatch(/REVISION +CHANGE-CAUSE\n1 +<none>\n2 +the second\n/);
    expect(await rollout("history", "--revision=1")).toContain("web:1");
    const texts = said("ScalingReplicaSet").join("\n");
    expect(texts).toMatch(/Scaled up replica set web-\w+ from 0 to 1\n/);
    expect(texts).toMatch(/Scaled down replica set web-\w+ from 3 to 2\n/);
  });

  it("undo brings the last template back, or a revision of choice", async () => {
    expect(await rollout("undo")).toContain("rolled back");
    expect(await rollout("status", "--timeout=20s")).toContain(done);
    expect(images()).toEqual(["web:1", "web:1", "web:1"]);
    expect(await rollout("history")).toMatch(/\n2 +the second\n3 +/);
    await rollout("undo", "--to-revision=2");
    expect(await rollout("status", "--timeout=20s")).toContain(done);
    expect(images()).toEqual(["web:2", "web:2", "web:2"]);
  });

  it("scale changes the size and no revision", async () => {
    await kubectl("scale", "deployment/web", "--replicas=5");
    expect(await rollout("status", "--timeout=20s")).toContain(done);
    expect(images()).toHaveLength(5);
    await kubectl("scale", "deployment/web", "--replicas=2");
    await eventually("two pods", () => images().length === 2);
    expect((await get("deployment", "web")).metadata.annotations["deployment.kubernetes.io/revision"]).toBe("4");
  });

  it("pause holds changes back until resume", async () => {
    await rollout("pause");
    await kubectl("set", "image", "deployment/web", "web=web:3");
    await kubectl("scale", "deployment/web", "--replicas=3");
    await eventually("three pods of the old image", () => images().join() === "web:2,web:2,web:2");
    const paused = await eventually("the condition", async () => {
      const { status } = await get("deployment", "web");
      return status.conditions.find(({ reason }: { reason: string }) => reason === "DeploymentPaused");
    });
    expect(paused).toMatchObject({ type: "Progressing", status: "Unknown", message: "Deployment is paused" });
    await rollout("resume");
    expect(await rollout("status", "--timeout=20s")).toContain(done);
    expect(images()).toEqual(["web:3", "web:3", "web:3"]);
  });

  it("restart makes all pods anew", async () => {
    const before = runner.pods().map(({ metadata }) => metadata.name);
    await rollout("restart");
    expect(await rollout("status", "--timeout=20s")).toContain(done);
    await eventually(
      "none of the old pods",
      () => !runner.pods().some(({ metadata }) => before.includes(metadata.name)),
    );
    expect(images()).toEqual(["web:3", "web:3", "web:3"]);
  });

  it("rollout status tells of a rollout that hangs", async () => {
    await kubectl("patch", "deployment/web", "-p", '{"spec":{"progressDeadlineSeconds":1}}');
    await kubectl("set", "image", "deployment/web", "web=web:broken");
    const { code, stderr } = await plane.kubectl(["rollout", "status", "deployment/web", "--timeout=20s"]);
    expect(stderr).toContain('deployment "web" exceeded its progress deadline');
    expect(code).toBe(1);
    await rollout("undo");
    expect(await rollout("status", "--timeout=20s")).toContain(done);
  });

  it("delete --cascade=orphan leaves what it made, and one of the same selector takes it over", async () => {
    const deployment = await get("deployment", "web");
    const before = runner.pods().map(({ metadata }) => metadata.uid);
    await kubectl("delete", "deployment/web", "--cascade=orphan", "--timeout=20s");
    const sets = (await get("rs", "-l", "app=web")).items;
    expect(sets.every(({ metadata }: any) => metadata.ownerReferences === undefined)).toBe(true);
    const { metadata, spec } = deployment;
    await plane.run(["create", "-f", "-"], {
      ...deployment,
      metadata: { name: metadata.name },
      spec,
      status: undefined,
    });
    expect(await rollout("status", "--timeout=20s")).toContain(done);
    expect(runner.pods().map(({ metadata: { uid } }) => uid)).toEqual(before);
    const adopted = (await get("rs", "-l", "app=web")).items;
    const { uid } = (await get("deployment", "web")).metadata;
    expect(adopted.map((set: any) => set.metadata.ownerReferences[0].uid)).toEqual(adopted.map(() => uid));
  });
});
