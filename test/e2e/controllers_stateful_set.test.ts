/** StatefulSets as people work with them: kubectl's verbs, on the real API server and controller. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../src/api/resource_types.ts";
import { garbageCollectorController } from "../../src/controlplane/controllers/garbage_collector/garbage_collector.ts";
import { statefulSetController } from "../../src/controlplane/controllers/stateful_set/stateful_set.ts";
import { startTestControlPlane, type TestControlPlane } from "../fixtures/control_plane.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startPodRunner, type PodRunner } from "../fixtures/pod_runner.ts";
import { template } from "../fixtures/workloads.ts";

let plane: TestControlPlane;
let runner: PodRunner;
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [garbageCollectorController, statefulSetController] });
  runner = await startPodRunner(plane.client, {
    fate: ({ spec }) => (spec.containers[0]?.image === "web:broken" ? "running" : "ready"),
  });
  await plane.run(["create", "-f", "-"], {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db" },
    spec: {
      replicas: 3,
      serviceName: "db",
      selector: { matchLabels: { app: "db" } },
      template: template({ app: "db" }),
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Delete" },
      volumeClaimTemplates: [
        {
          metadata: { name: "data" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
        },
      ],
    },
  });
});
afterAll(async () => {
  await runner.stop();
  await plane.stop();
  expect(runner.failures).toEqual([]);
  expect(plane.internalErrors).toEqual([]);
});

/** Bound of a wait: the machine may be busy. */
const longMs = 20_000;

const kubectl = (...args: string[]): Promise<string> => plane.run(args);
const rollout = (verb: string, ...args: string[]): Promise<string> => kubectl("rollout", verb, "sts/db", ...args);
const get = async (...args: string[]): Promise<any> => JSON.parse(await kubectl("get", "-o", "json", ...args));
const isDeleted = ({ metadata }: any): boolean => metadata.deletionTimestamp !== undefined;
const names = async (kind: string): Promise<string> =>
  (await get(kind)).items.map(({ metadata }: any) => metadata.name).join();
const state = (): string =>
  runner
    .pods()
    .map(({ metadata, spec }) => `${metadata.name}=${spec.containers[0]?.image}`)
    .join(" ");
const becomes = (wanted: string): Promise<unknown> => eventually(wanted, () => state() === wanted, longMs);
const ready = (count: number): Promise<unknown> =>
  eventually(
    `${count} ready`,
    async () => {
      const { metadata, status } = await get("sts", "db");
      const { observedGeneration, readyReplicas = 0, replicas = 0 } = status;
      return observedGeneration === metadata.generation && readyReplicas === count && replicas === count;
    },
    longMs,
  );

describe("kubectl on a stateful set", () => {
  it("rollout status waits for its pods, which come in order with their claims", async () => {
    expect(await rollout("status", "--timeout=20s")).toMatch(
      /3 pods.*|partitioned roll out complete|rolling update complete/,
    );
    expect(state()).toBe("db-0=web:1 db-1=web:1 db-2=web:1");
    expect(await names("pvc")).toBe("data-db-0,data-db-1,data-db-2");
    expect(await kubectl("get", "sts", "db", "--no-headers")).toMatch(/^db +3\/3 /);
    expect(plane.events.map(({ message }) => message)).toEqual(
      [0, 1, 2].flatMap((i) => [
        `create Claim data-db-${i} Pod db-${i} in StatefulSet db success`,
        `create Pod db-${i} in StatefulSet db successful`,
      ]),
    );
    expect(plane.events[0]).toMatchObject({
      source: "statefulset-controller",
      type: "Normal",
      reason: "SuccessfulCreate",
    });
  });

  it("scale takes the highest, and its claim where the policy says so", async () => {
    await kubectl("scale", "sts/db", "--replicas=2");
    await becomes("db-0=web:1 db-1=web:1");
    await eventually("the claim to be deleted", async () => isDeleted(await get("pvc", "data-db-2")), longMs);
    // What the protection controller does, which has tests of its own.
    await kubectl("patch", "pvc", "data-db-2", "--type=merge", "-p", '{"metadata":{"finalizers":null}}');
    await kubectl("scale", "sts/db", "--replicas=3");
    await becomes("db-0=web:1 db-1=web:1 db-2=web:1");
    expect(await names("pvc")).toBe("data-db-0,data-db-1,data-db-2");
    await ready(3);
  });

  it("set image, history and undo", async () => {
    const before = plane.events.length;
    await kubectl("set", "image", "sts/db", "web=web:2");
    await rollout("status", "--timeout=20s");
    expect(state()).toBe("db-0=web:2 db-1=web:2 db-2=web:2");
    const deleted = plane.events.slice(before).filter(({ reason }) => reason === "SuccessfulDelete");
    expect(deleted.map(({ message }) => message)).toEqual(
      [2, 1, 0].map((i) => `delete Pod db-${i} in StatefulSet db successful`),
    );
    expect(await rollout("history")).toMatch(/\n1 .*\n2 /);
    await rollout("undo");
    await rollout("status", "--timeout=20s");
    expect(state()).toBe("db-0=web:1 db-1=web:1 db-2=web:1");
    expect(await rollout("history")).toMatch(/\n2 .*\n3 /);
  });

  it("a partition holds the rest back", async () => {
    const patch = { spec: { updateStrategy: { rollingUpdate: { partition: 2 } } } };
    await kubectl("patch", "sts/db", "-p", JSON.stringify(patch));
    await kubectl("set", "image", "sts/db", "web=web:3");
    expect(await rollout("status", "--timeout=20s")).toContain("partitioned roll out complete: 1 new pods");
    expect(state()).toBe("db-0=web:1 db-1=web:1 db-2=web:3");
    const { uid } = runner.pods()[0]!.metadata;
    // kubectl's own wait looks a tenth of a second late, and takes a pod that is there again for the one that goes.
    await kubectl("delete", "pod", "db-0", "--wait=false");
    await eventually(
      "another db-0",
      () => {
        const first = runner.pods()[0]?.metadata;
        return first?.name === "db-0" && first.uid !== uid;
      },
      longMs,
    );
    await ready(3);
    expect(state()).toBe("db-0=web:1 db-1=web:1 db-2=web:3");
    await kubectl("patch", "sts/db", "-p", '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}');
    await becomes("db-0=web:3 db-1=web:3 db-2=web:3");
    await ready(3);
  });

  it("restart makes all pods anew, with the claims they had", async () => {
    const pods = runner.pods().map(({ metadata }) => metadata.uid);
    const claims = (await get("pvc")).items.map(({ metadata }: any) => metadata.uid);
    await rollout("restart");
    await rollout("status", "--timeout=20s");
    expect(runner.pods().some(({ metadata }) => pods.includes(metadata.uid))).toBe(false);
    expect((await get("pvc")).items.map(({ metadata }: any) => metadata.uid)).toEqual(claims);
  });

  it("replaces a pod that failed", async () => {
    await ready(3);
    const pod = runner.pods()[1]!;
    const body = { status: { ...pod.status, phase: "Failed" } };
    await plane.client.patch(resourceTypes.pods, pod.metadata, { type: "merge", body }, { subresource: "status" });
    await eventually("another in its place", () => {
      const now = runner.pods()[1];
      return now?.metadata.name === "db-1" && now.metadata.uid !== pod.metadata.uid;
    });
    await ready(3);
  });

  it("delete --cascade=orphan leaves its pods, and one of the same selector takes them over", async () => {
    const set = await get("sts", "db");
    const before = runner.pods().map(({ metadata }) => metadata.uid);
    await kubectl("delete", "sts/db", "--cascade=orphan", "--timeout=20s");
    expect(runner.pods().map(({ metadata }) => metadata.ownerReferences)).toEqual([undefined, undefined, undefined]);
    await plane.run(["create", "-f", "-"], { ...set, metadata: { name: "db" }, status: undefined });
    await ready(3);
    expect(runner.pods().map(({ metadata }) => metadata.uid)).toEqual(before);
    const { uid } = (await get("sts", "db")).metadata;
    expect(runner.pods().map(({ metadata }) => metadata.ownerReferences?.[0]?.uid)).toEqual([uid, uid, uid]);
  });

  it("delete takes its pods, and leaves the claims", async () => {
    await kubectl("delete", "sts/db", "--timeout=20s");
    await becomes("");
    expect(await names("pvc")).toBe("data-db-0,data-db-1,data-db-2");
  });
});
