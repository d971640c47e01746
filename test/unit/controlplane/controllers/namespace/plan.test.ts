/** What a namespace that goes needs next, and what it says of itself; cases as upstream's tests of the deleter have them. */
import { describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import type { Content } from "../../../../../src/controlplane/controllers/namespace/conditions.ts";
import {
  isOurs,
  longestGrace,
  mayDeleteRest,
  planNamespace,
  terminatingStatus,
  unexpected,
} from "../../../../../src/controlplane/controllers/namespace/plan.ts";
import type { Namespace, Pod } from "../../../../../src/model/kubernetes.ts";

const now = Date.parse("2026-01-01T00:00:10Z");
const deletedAt = "2026-01-01T00:00:00Z";

function namespace(given: { finalizers?: string[]; status?: Namespace["status"]; deletionTimestamp?: string } = {}) {
  const { finalizers = ["kubernetes"], status = { phase: "Terminating" } } = given;
  const metadata = { name: "n", uid: "u", resourceVersion: "1", creationTimestamp: deletedAt };
  const deletionTimestamp = "deletionTimestamp" in given ? given.deletionTimestamp : deletedAt;
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { ...metadata, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
    spec: { finalizers },
    status,
  } as Namespace;
}

const content = (over: Partial<Content> = {}): Content => ({
  type: resourceTypes.configMaps,
  remaining: 0,
  finalizers: new Map(),
  ...over,
});
const alive = namespace({ status: { phase: "Active" } });
const { deletionTimestamp: _, ...stays } = alive.metadata;

describe("which namespaces are ours", () => {
  it.each([
    ["one that goes", namespace(), true],
    ["one that stays", { ...alive, metadata: stays }, false],
    ["one that is finalized", namespace({ finalizers: [] }), false],
    ["one that others finalize", namespace({ finalizers: ["example.com/other"] }), true],
  ])("%s", (_, object, expected) => expect(isOurs(object)).toBe(expected));

  it("notes the phase where nobody did", () => {
    expect(terminatingStatus(alive)).toEqual({ phase: "Terminating" });
    expect(terminatingStatus(namespace())).toBeUndefined();
    expect(terminatingStatus({ ...alive, metadata: stays })).toBeUndefined();
  });
});

const conditionsOf = (plan: ReturnType<typeof planNamespace>): unknown => {
  const step = plan.steps.find(({ type }) => type === "writeStatus");
  return step?.type === "writeStatus"
    ? step.status.conditions?.map((c) => [c.type, c.status, c.reason, c.message])
    : [];
};

const fine = [
  ["NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered"],
  [
    "NamespaceDeletionGroupVersionParsingFailure",
    "False",
    "ParsedGroupVersions",
    "All legacy kube types successfully parsed",
  ],
  [
    "NamespaceDeletionContentFailure",
    "False",
    "ContentDeleted",
    "All content successfully deleted, may be waiting on finalization",
  ],
  ["NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed"],
  ["NamespaceFinalizersRemaining", "False", "ContentRemoved", "All content successfully removed"],
];

describe("planNamespace", () => {
  it("says that all is well and takes our finalizer alone", () => {
    const plan = planNamespace(
      namespace({ finalizers: ["b.io/x", "kubernetes", "a.io/x"] }),
      { contents: [content()] },
      0,
      now,
    );
    expect(conditionsOf(plan)).toEqual(fine);
    expect(plan.steps.at(-1)).toEqual({ type: "finalize", finalizers: ["a.io/x", "b.io/x"] });
    expect(plan.againAfterMs).toBeUndefined();
  });

  it("writes no status that is there already, and keeps the time of what did not turn", () => {
    const first = planNamespace(namespace(), { contents: [] }, 0, now);
    const [step] = first.steps;
    if (step?.type !== "writeStatus") throw new Error("no status");
    const again = planNamespace(namespace({ status: step.status }), { contents: [] }, 0, now + 5000);
    expect(again.steps.map(({ type }) => type)).toEqual(["finalize"]);
    const failed = planNamespace(
      namespace({ status: step.status }),
      { contents: [content({ error: "no" })] },
      0,
      now + 5000,
    );
    const [changed] = failed.steps;
    if (changed?.type !== "writeStatus") throw new Error("no status");
    const times = changed.status.conditions!.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]);
    expect(times).toContainEqual(["NamespaceDeletionContentFailure", "2026-01-01T00:00:15Z"]);
    expect(times).toContainEqual(["NamespaceDeletionDiscoveryFailure", "2026-01-01T00:00:10Z"]);
  });

  it("waits for finalizers, and counts them", () => {
    const contents = [
      content({ remaining: 3, finalizers: new Map([["example.com/a", 2]]) }),
      content({
        type: resourceTypes.jobs,
        remaining: 1,
        finalizers: new Map([
          ["example.com/a", 1],
          ["orphan", 1],
        ]),
      }),
    ];
    const plan = planNamespace(namespace(), { contents }, 0, now);
    expect(conditionsOf(plan)).toEqual([
      ...fine.slice(0, 3),
      [
        "NamespaceContentRemaining",
        "True",
        "SomeResourcesRemain",
        "Some resources are remaining: configmaps. has 3 resource instances, jobs.batch has 1 resource instances",
      ],
      [
        "NamespaceFinalizersRemaining",
        "True",
        "SomeFinalizersRemain",
        "Some content in the namespace has finalizers remaining: example.com/a in 3 resource instances, orphan in 1 resource instances",
      ],
    ]);
    expect(plan).toMatchObject({ againAfterMs: 8000 });
    expect(plan.steps.some(({ type }) => type === "finalize")).toBe(false);
  });

  it("waits half of what pods may take, and no longer for what should have gone", () => {
    const contents = [content({ type: resourceTypes.pods, remaining: 1 })];
    expect(planNamespace(namespace(), { contents }, 30, now).againAfterMs).toBe(16_000);
    expect(planNamespace(namespace(), { contents }, 30, Date.parse(deletedAt) + 30_000).againAfterMs).toBeUndefined();
  });

  it.each([
    [
      { discoveryError: "Discovery failed for some groups, 1 failing: x", contents: [] },
      ["NamespaceDeletionDiscoveryFailure", "DiscoveryFailed", "Discovery failed for some groups, 1 failing: x"],
    ],
    [
      { parsingError: "unexpected GroupVersion string: a/b/c", contents: [] },
      [
        "NamespaceDeletionGroupVersionParsingFailure",
        "GroupVersionParsingFailed",
        "unexpected GroupVersion string: a/b/c",
      ],
    ],
    [
      { contents: [content({ error: "z" }), content({ error: "a" })] },
      [
        "NamespaceDeletionContentFailure",
        "ContentDeletionFailed",
        "Failed to delete all resource types, 2 remaining: a, z",
      ],
    ],
  ])("says what failed, and is tried again", (progress, [type, reason, message]) => {
    const plan = planNamespace(namespace(), progress, 0, now);
    expect(conditionsOf(plan)).toContainEqual([type, "True", reason, message]);
    expect(plan.error).toBeDefined();
    expect(plan.steps.some((step) => step.type === "finalize")).toBe(false);
  });
});

describe("pods", () => {
  const pod = (phase: string, terminationGracePeriodSeconds?: number): Pod =>
    ({ spec: { terminationGracePeriodSeconds }, status: { phase } }) as unknown as Pod;

  it("count with their grace period while they run", () => {
    expect(longestGrace([])).toBe(0);
    expect(longestGrace([pod("Running", 30), pod("Pending", 5), pod("Failed", 100), pod("Succeeded", 200)])).toBe(30);
    expect(longestGrace([pod("Running")])).toBe(0);
  });

  it("go before the rest", () => {
    expect(mayDeleteRest(content({ type: resourceTypes.pods, remaining: 1 }))).toBe(false);
    expect(mayDeleteRest(content({ type: resourceTypes.pods }))).toBe(true);
    expect(mayDeleteRest(undefined)).toBe(true);
  });

  it("that stay without a reason are an error", () => {
    const left = content({ type: resourceTypes.pods, remaining: 2 });
    expect(unexpected("n", left, 0)).toBe("unexpected items still remain in namespace: n for gvr: /v1, Resource=pods");
    expect(unexpected("n", left, 10)).toBeUndefined();
    expect(unexpected("n", { ...left, finalizers: new Map([["x/y", 1]]) }, 0)).toBeUndefined();
    expect(unexpected("n", { ...left, remaining: 0 }, 0)).toBeUndefined();
  });
});
