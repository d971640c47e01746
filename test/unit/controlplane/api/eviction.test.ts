/** Evictions as pkg/registry/core/pod/storage/eviction.go has them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bindingHandlers } from "../../../../src/controlplane/apiserver/subresources/binding.ts";
import { evictionHandlers } from "../../../../src/controlplane/apiserver/subresources/eviction.ts";
import { startServer, type Answer, type RunningServer } from "../../../fixtures/api_server.ts";

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ subresources: new Map([...evictionHandlers, ...bindingHandlers]) });
});
afterAll(() => server.stop());

const pods = "/api/v1/namespaces/default/pods";
const budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
const ready = { type: "Ready", status: "True" };
const running = { phase: "Running", conditions: [ready] };
const unready = { phase: "Running", conditions: [{ ...ready, status: "False" }] };

async function make(path: string, object: object): Promise<void> {
  const made = await server.request("POST", path, object);
  expect(made.code, JSON.stringify(made.body)).toBe(201);
}

async function pod(name: string, status: object, spec: object = {}): Promise<void> {
  const containers = [{ name: "c", image: "i" }];
  // Held by a finalizer: what evictions write can be read then.
  const metadata = { name, labels: { app: name }, finalizers: ["a.io/held"] };
  await make(pods, { metadata, spec: { containers, ...spec } });
  await setStatus(`${pods}/${name}`, status);
}

async function budget(name: string, app: string, status: object, spec: object = {}): Promise<void> {
  await make(budgets, { metadata: { name }, spec: { selector: { matchLabels: { app } }, ...spec } });
  await setStatus(`${budgets}/${name}`, { observedGeneration: 1, ...status });
}

async function setStatus(path: string, status: object): Promise<void> {
  const type = { "Content-Type": "application/merge-patch+json" };
  expect((await server.request("PATCH", `${path}/status`, { status }, type)).code).toBe(200);
}

const evict = (name: string, deleteOptions?: object, query = ""): Promise<Answer> =>
  server.request("POST", `${pods}/${name}/eviction${query}`, {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name },
    ...(deleteOptions ? { deleteOptions } : {}),
  });

const read = async (path: string): Promise<any> => (await server.request("GET", path)).body;
const isGoing = async (name: string): Promise<boolean> =>
  (await read(`${pods}/${name}`)).metadata.deletionTimestamp !== undefined;

describe("an eviction", () => {
  it("marks the pod at its generation, and deletes it with its grace period", async () => {
    await pod("marked", running, { nodeName: "n" });
    expect((await evict("marked")).code).toBe(201);
    const { metadata, status } = await read(`${pods}/marked`);
    expect(metadata.deletionGracePeriodSeconds).toBe(30);
    expect(status.conditions.map(({ type }: { type: string }) => type)).toEqual(["Ready", "DisruptionTarget"]);
    expect(status.conditions[1]).toMatchObject({
      status: "True",
      reason: "EvictionByEvictionAPI",
      message: "Eviction API: evicting",
      observedGeneration: 1,
      lastTransitionTime: expect.stringMatching(/Z$/),
    });
  });

  it("that is a dry run changes neither pod nor budget", async () => {
    await pod("dry", running);
    await budget("dry", "dry", { disruptionsAllowed: 1 });
    expect((await evict("dry", { dryRun: ["All"] })).code).toBe(201);
    expect((await evict("dry", undefined, "?dryRun=All")).code).toBe(201);
    expect(await isGoing("dry")).toBe(false);
    expect((await read(`${pods}/dry`)).status.conditions).toHaveLength(1);
    expect((await read(`${budgets}/dry`)).status.disruptionsAllowed).toBe(1);
  });

  it("takes a disruption, and says when none is left", async () => {
    await pod("taken", running);
    await budget("taken", "taken", { disruptionsAllowed: 1 });
    expect((await evict("taken")).code).toBe(201);
    const { status } = await read(`${budgets}/taken`);
    expect(status).toMatchObject({ disruptionsAllowed: 0, disruptedPods: { taken: expect.any(String) } });
    expect(status.conditions).toEqual([
      expect.objectContaining({ type: "DisruptionAllowed", status: "False", reason: "InsufficientPods" }),
    ]);
  });

  it.each<[string, object, number, string]>([
    [
      "needs",
      { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 2 },
      429,
      "The disruption budget needs needs 2 healthy pods and has 1 currently",
    ],
    [
      "spares-ready",
      { disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2 },
      429,
      "The disruption budget spares-ready needs 2 healthy pods and has 2 currently",
    ],
    [
      "failed",
      {
        disruptionsAllowed: 0,
        conditions: [
          {
            type: "DisruptionAllowed",
            status: "False",
            reason: "SyncFailed",
            message: "why",
            lastTransitionTime: "2026-01-01T00:00:00Z",
          },
        ],
      },
      429,
      "The disruption budget failed does not allow evicting pods currently because it failed sync: why",
    ],
    ["behind", { observedGeneration: 0 }, 429, "The disruption budget behind is still being processed by the server."],
  ])("waits for a budget that %s", async (name, status, code, cause) => {
    await pod(name, running);
    await budget(name, name, status);
    const answer = await evict(name);
    expect(answer.code).toBe(code);
    expect(answer.body.reason).toBe("TooManyRequests");
    expect(answer.body.message).toBe("Cannot evict pod as it would violate the pod's disruption budget.");
    expect(answer.body.details.causes).toEqual([{ reason: "DisruptionBudget", message: cause }]);
    expect(await isGoing(name)).toBe(false);
  });

  it("of a pod with two budgets fails", async () => {
    await pod("two", running);
    await budget("two-a", "two", { disruptionsAllowed: 1 });
    await budget("two-b", "two", { disruptionsAllowed: 1 });
    const answer = await evict("two");
    expect([answer.code, answer.body.message]).toEqual([
      500,
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    ]);
  });

  it.each<[string, object, string | undefined, boolean]>([
    ["enough", { currentHealthy: 2, desiredHealthy: 2 }, undefined, true],
    ["few", { currentHealthy: 1, desiredHealthy: 2 }, undefined, false],
    ["few-if-healthy", { currentHealthy: 1, desiredHealthy: 2 }, "IfHealthyBudget", false],
    ["few-always", { currentHealthy: 1, desiredHealthy: 2 }, "AlwaysAllow", true],
    ["none-desired", { currentHealthy: 0, desiredHealthy: 0 }, undefined, false],
  ])("of an unready pod, %s healthy (%j, %s): %s", async (name, status, policy, goes) => {
    await pod(name, unready);
    await budget(
      name,
      name,
      { disruptionsAllowed: 0, ...status },
      policy ? { unhealthyPodEvictionPolicy: policy } : {},
    );
    expect((await evict(name)).code).toBe(goes ? 201 : 429);
    expect(await isGoing(name)).toBe(goes);
    expect((await read(`${budgets}/${name}`)).status.disruptedPods).toBeUndefined();
  });

  it.each(["Pending", "Succeeded", "Failed"])("of a pod that is %s asks no budget", async (phase) => {
    const name = `over-${phase.toLowerCase()}`;
    await pod(name, { phase });
    await budget(name, name, { disruptionsAllowed: 0 });
    expect((await evict(name)).code).toBe(201);
    expect(await isGoing(name)).toBe(true);
  });

  it("holds the preconditions that it is given, and marks nothing where they fail", async () => {
    await pod("exact", running);
    const { metadata } = await read(`${pods}/exact`);
    const wrong = await evict("exact", { preconditions: { uid: "another" } });
    expect([wrong.code, wrong.body.message]).toEqual([
      409,
      `Operation cannot be fulfilled on Pod "exact": the UID in the precondition (another) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    ]);
    expect((await evict("exact", { preconditions: { resourceVersion: "1" } })).code).toBe(409);
    expect((await read(`${pods}/exact`)).metadata.resourceVersion).toBe(metadata.resourceVersion);
    const { uid, resourceVersion } = metadata;
    expect((await evict("exact", { preconditions: { uid, resourceVersion } })).code).toBe(201);
    expect(await isGoing("exact")).toBe(true);
  });

  it("counts twice at the most what may go once, whoever is first", async () => {
    const names = ["race-a", "race-b", "race-c", "race-d"];
    for (const name of names) await pod(name, running);
    const spec = { selector: { matchExpressions: [{ key: "app", operator: "In", values: names }] } };
    await make(budgets, { metadata: { name: "race" }, spec });
    await setStatus(`${budgets}/race`, { observedGeneration: 1, disruptionsAllowed: 2 });
    const codes = (await Promise.all(names.map((name) => evict(name)))).map(({ code }) => code);
    expect(codes.sort()).toEqual([201, 201, 429, 429]);
  });
});

describe("a binding", () => {
  it("says that the pod is scheduled, in the condition's place, and changes no generation", async () => {
    await pod("bound", { conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }, ready] });
    const binding = { metadata: { name: "bound" }, target: { kind: "Node", name: "n" } };
    expect((await server.request("POST", `${pods}/bound/binding`, binding)).code).toBe(201);
    const { metadata, status } = await read(`${pods}/bound`);
    expect(metadata.generation).toBe(1);
    expect(status.conditions).toEqual([
      {
        type: "PodScheduled",
        status: "True",
        lastProbeTime: null,
        lastTransitionTime: expect.stringMatching(/Z$/),
        observedGeneration: 1,
      },
      ready,
    ]);
  });

  it("of a pod that is going is refused", async () => {
    await pod("going", running);
    await server.request("DELETE", `${pods}/going`);
    const binding = { metadata: { name: "going" }, target: { kind: "Node", name: "n" } };
    const answer = await server.request("POST", `${pods}/going/binding`, binding);
    expect([answer.code, answer.body.message]).toEqual([
      409,
      'Operation cannot be fulfilled on pods/binding "going": pod going is being deleted, cannot be assigned to a host',
    ]);
  });
});
