/** What a namespace uses: cases as upstream's tests of the controller have them, and the real API server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import {
  isLower,
  kindsOf,
  planQuota,
  usedBy,
} from "../../../../../src/controlplane/controllers/resource_quota/plan.ts";
import { resourceQuotaController } from "../../../../../src/controlplane/controllers/resource_quota/resource_quota.ts";
import type { KubeObject, ResourceQuota } from "../../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { customType, establish } from "../../../../fixtures/custom_type.ts";
import { eventually } from "../../../../fixtures/eventually.ts";

const { configMaps, pods, resourceQuotas, serviceAccounts, services } = resourceTypes;
const shells = customType("shells", "Shell");

const quota = (hard: Record<string, string>, over: { spec?: object; status?: object } = {}): ResourceQuota =>
  ({
    metadata: { name: "q", namespace: "default" },
    spec: { hard, ...over.spec },
    ...over,
  }) as unknown as ResourceQuota;
const withSpec = (hard: Record<string, string>, spec: object): ResourceQuota => ({
  ...quota(hard),
  spec: { hard, ...spec },
});
const pod = (cpu: string, phase = "Running", over: object = {}): KubeObject =>
  ({
    metadata: { name: "p" },
    spec: { containers: [{ name: "c", resources: cpu === "" ? {} : { requests: { cpu } } }], ...over },
    status: { phase },
  }) as unknown as KubeObject;

describe("usedBy", () => {
  const used = (given: ResourceQuota, lists: Record<string, KubeObject[] | undefined>) =>
    Object.fromEntries(
      [...usedBy(given, ({ plural }) => lists[plural])].map(([name, nanos]) => [name, Number(nanos) / 1e9]),
    );
  const all = [pod("100m"), pod("2"), pod("1", "Succeeded"), pod("", "Running", { activeDeadlineSeconds: 5 })];

  it("sums up what pods that run ask for, and counts them", () => {
    const hard = { cpu: "4", "requests.cpu": "4", pods: "10", "count/pods": "10", "limits.cpu": "1" };
    expect(used(quota(hard), { pods: all })).toEqual({
      cpu: 2.1,
      "requests.cpu": 2.1,
      pods: 3,
      "count/pods": 4,
      "limits.cpu": 0,
    });
  });
  it.each<[object, number]>([
    [{ scopes: ["BestEffort"] }, 1],
    [{ scopes: ["NotBestEffort"] }, 2],
    [{ scopes: ["Terminating"] }, 1],
    [{ scopes: ["NotTerminating", "NotBestEffort"] }, 2],
    [{ scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "Exists" }] } }, 0],
  ])("%j", (spec, expected) => expect(used(withSpec({ pods: "5" }, spec), { pods: all })).toEqual({ pods: expected }));
  it("counts objects of any kind, and leaves out what nobody can list", () => {
    const hard = { configmaps: "5", "count/shells.example.com": "5", "count/gone.example.com": "5" };
    const one = { metadata: { name: "x" } } as KubeObject;
    expect(kindsOf(quota(hard)).map(({ plural }) => plural)).toEqual(["configmaps", "shells", "gone"]);
    expect(used(quota(hard), { configmaps: [one, one], shells: [one], gone: undefined })).toEqual({
      configmaps: 2,
      "count/shells.example.com": 1,
    });
  });
});

describe("planQuota", () => {
  const counted = new Map([
    ["pods", 2_000_000_000n],
    ["requests.memory", 0n],
  ]);
  const hard = { pods: "5", "requests.memory": "1Gi" };
  it("writes hard and used, once", () => {
    const status = planQuota(quota(hard), counted);
    expect(status).toEqual({ hard, used: { pods: "2", "requests.memory": "0" } });
    expect(planQuota(quota(hard, { status: status! }), counted)).toBeUndefined();
    expect(planQuota(quota({ ...hard, pods: "6" }, { status: status! }), counted)?.hard).toEqual({
      ...hard,
      pods: "6",
    });
  });
  it("forgets what is not bounded any more, and keeps what nobody can count", () => {
    const before = { hard: {}, used: { pods: "7", secrets: "3" } };
    expect(planQuota(quota({ pods: "5" }, { status: before }), new Map())).toEqual({
      hard: { pods: "5" },
      used: { pods: "7" },
    });
  });
  it("knows a count that falls", () => {
    const given = quota(hard, { status: { hard, used: { pods: "3", "requests.memory": "0" } } });
    expect(isLower(given, { hard, used: { pods: "2", "requests.memory": "0" } })).toBe(true);
    expect(isLower(given, { hard, used: { pods: "4", "requests.memory": "0" } })).toBe(false);
  });
});

describe("on the real API server", () => {
  let plane: TestControlPlane;
  beforeAll(async () => {
    plane = await startTestControlPlane({ rows: [resourceQuotaController] });
    await plane.client.create(serviceAccounts, { metadata: { namespace: "default", name: "default" } });
    await establish(plane.client, shells);
  });
  afterAll(() => plane.stop());
  const key = (name: string) => ({ namespace: "default", name });
  const used = async (name: string) => (await plane.client.get(resourceQuotas, key(name))).status?.used;
  const becomes = (name: string, expected: object): Promise<unknown> =>
    eventually(`${JSON.stringify(expected)} of ${name}`, async () => {
      const now = Object.entries((await used(name)) ?? {}).sort();
      return JSON.stringify(now) === JSON.stringify(Object.entries(expected).sort());
    });

  it("counts what is there when a quota comes, custom resources too, and what comes and goes", async () => {
    const { client } = plane;
    await client.create(configMaps, { metadata: key("c1"), data: {} });
    await client.create(shells, { metadata: key("s1") });
    const finalizers = ["example.com/held"];
    await client.create(shells, { metadata: { ...key("s2"), finalizers } });
    const hard = {
      configmaps: "5",
      "count/shells.example.com": "3",
      pods: "5",
      "requests.cpu": "2",
      "services.nodeports": "2",
    };
    await client.create(resourceQuotas, { metadata: key("all"), spec: { hard } });
    const before = {
      configmaps: "1",
      "count/shells.example.com": "2",
      pods: "0",
      "requests.cpu": "0",
      "services.nodeports": "0",
    };
    await becomes("all", before);
    const containers = [{ name: "c", image: "i", resources: { requests: { cpu: "250m" } } }];
    await client.create(pods, { metadata: key("p"), spec: { nodeName: "n", containers } });
    await client.create(services, { metadata: key("s"), spec: { type: "NodePort", ports: [{ port: 80 }] } });
    await becomes("all", { ...before, pods: "1", "requests.cpu": "250m", "services.nodeports": "1" });
    // What only waited for its finalizer goes with no deletion that admission sees.
    await client.delete(shells, key("s2"));
    await client.patch(shells, key("s2"), { type: "merge", body: { metadata: { finalizers: null } } });
    const body = { status: { phase: "Succeeded" } };
    await client.patch(pods, key("p"), { type: "strategic", body }, { subresource: "status" });
    await client.delete(services, key("s"));
    await becomes("all", { ...before, "count/shells.example.com": "1" });
    expect(plane.complaints).toEqual([]);
  }, 15_000);

  it("corrects a count that somebody has spoiled", async () => {
    const { client } = plane;
    await client.create(resourceQuotas, { metadata: key("small"), spec: { hard: { configmaps: "3" } } });
    await becomes("small", { configmaps: "1" });
    const now = await client.get(resourceQuotas, key("small"));
    const spoiled = { ...now, status: { ...now.status, used: { configmaps: "3" } } };
    await client.update(resourceQuotas, spoiled, { subresource: "status" });
    const body = { spec: { hard: { configmaps: "4" } } };
    await client.patch(resourceQuotas, key("small"), { type: "merge", body });
    await becomes("small", { configmaps: "1" });
    expect((await client.get(resourceQuotas, key("small"))).status?.hard).toEqual({ configmaps: "4" });
  }, 15_000);
});
