/** Server-side apply and the tracking of updates: who manages what, when it conflicts, what goes (KEP-555). */
import fc from "../../../fixtures/property.ts";
import { describe, expect, it } from "vitest";
import { applied } from "../../../../src/controlplane/apiserver/patch/apply/apply.ts";
import { trackUpdate } from "../../../../src/controlplane/apiserver/patch/managed_fields.ts";
import { typeOfCustomResource } from "../../../../src/controlplane/apiserver/patch/types/structural.ts";
import type { ApiObject, ManagedFieldsEntry } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import { builtIn } from "../../../../src/controlplane/apiserver/resources/table.ts";
import { ApiError } from "../../../../src/controlplane/apiserver/status.ts";

function endpointOf(plural: string, version = 0) {
  const resource = builtIn.find((one) => one.plural === plural)!;
  return { resource, version: resource.versions[version]! };
}

const deployments = endpointOf("deployments");
const pods = endpointOf("pods");

function object(plural: "deployments" | "pods", spec: object, more: object = {}): ApiObject {
  const { resource } = endpointOf(plural);
  const apiVersion = resource.group === "" ? "v1" : `${resource.group}/v1`;
  return { apiVersion, kind: resource.kind, metadata: { name: "x", namespace: "default" }, spec, ...more };
}

interface Options {
  readonly force?: boolean;
  readonly subresource?: string;
  readonly nowMs?: number;
}

function apply(
  endpoint: typeof pods,
  live: ApiObject | undefined,
  config: ApiObject,
  manager: string,
  options: Options = {},
) {
  const { force = false, subresource = "", nowMs = 0 } = options;
  return applied({ endpoint, live, config, manager, subresource, force, nowMs });
}

function updated(
  endpoint: typeof pods,
  old: ApiObject | undefined,
  next: ApiObject,
  manager: string,
  options: Options = {},
) {
  const result = structuredClone(next);
  trackUpdate(endpoint, old, result, manager, options.subresource ?? "", options.nowMs ?? 0);
  return result;
}

function fieldsOf(of: ApiObject, manager: string): object | undefined {
  return of.metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1;
}

/** Labels in a set of fields, "." among them. */
function labelsOf(fields: object | undefined): number {
  const metadata = (fields as Record<string, Record<string, object>>)["f:metadata"]!;
  return Object.keys(metadata["f:labels"]!).length;
}

function refusal(act: () => unknown): ApiError {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

const containers = (...list: object[]) => ({ containers: list });

describe("an update", () => {
  it("notes what a creation sets, with the parents that are new and without what upstream's types always have", () => {
    const created = updated(pods, undefined, object("pods", containers({ name: "a", image: "i" })), "kubectl");
    expect(created.metadata.managedFields).toEqual<ManagedFieldsEntry[]>([
      {
        manager: "kubectl",
        operation: "Update",
        apiVersion: "v1",
        time: "1970-01-01T00:00:00Z",
        fieldsType: "FieldsV1",
        fieldsV1: { "f:spec": { "f:containers": { 'k:{"name":"a"}': { ".": {}, "f:image": {}, "f:name": {} } } } },
      },
    ]);
  });

  it("moves what it changes to who changed it, and nothing else", () => {
    const created = updated(deployments, undefined, object("deployments", { replicas: 1, paused: true }), "one");
    const changed = updated(deployments, created, { ...created, spec: { replicas: 2, paused: true } }, "two");
    expect(fieldsOf(changed, "one")).toEqual({ "f:spec": { "f:paused": {} } });
    expect(fieldsOf(changed, "two")).toEqual({ "f:spec": { "f:replicas": {} } });
  });

  it("that changes nothing leaves the entries as they are, their times too", () => {
    const created = updated(deployments, undefined, object("deployments", { replicas: 1 }), "one");
    const again = updated(deployments, created, created, "two", { nowMs: 5_000 });
    expect(again).toEqual(created);
  });

  it("lets a manager go whose last field is gone", () => {
    const created = updated(deployments, undefined, object("deployments", { paused: true }), "one");
    expect(updated(deployments, created, { ...created, spec: {} }, "two").metadata.managedFields).toBeUndefined();
  });

  it("through the status has an entry of its own, for the status alone", () => {
    const created = updated(deployments, undefined, object("deployments", { replicas: 1 }), "one");
    const next = { ...created, spec: { replicas: 9 }, status: { replicas: 1 } };
    const reported = updated(deployments, created, next, "one", { subresource: "status" });
    expect(reported.metadata.managedFields).toMatchObject([
      { manager: "one", fieldsV1: { "f:spec": { "f:replicas": {} } } },
      { manager: "one", subresource: "status", fieldsV1: { "f:status": { "f:replicas": {} } } },
    ]);
    const { status: _, ...without } = reported;
    expect(fieldsOf(updated(deployments, reported, without, "two"), "two")).toBeUndefined();
  });

  it("takes entries from the object, but not those that are none, nor an empty list", () => {
    const created = updated(deployments, undefined, object("deployments", { replicas: 1 }), "one");
    const given = (managedFields: unknown) =>
      updated(
        deployments,
        created,
        { ...created, metadata: { ...created.metadata, managedFields } } as ApiObject,
        "two",
      );
    const entry = { ...created.metadata.managedFields![0], manager: "renamed" };
    expect(given([entry]).metadata.managedFields).toMatchObject([{ manager: "renamed" }]);
    expect(given([{ ...entry, fieldsV1: { nonsense: {} } }])).toEqual(created);
    expect(given([])).toEqual(created);
    expect(given([{}]).metadata.managedFields).toBeUndefined();
  });

  it("gathers the oldest of more than ten managers", () => {
    let live = updated(pods, undefined, object("pods", {}, { metadata: { labels: { l: "0" } } }), "m0");
    for (let i = 1; i <= 15; i++) {
      const next = { ...live, metadata: { ...live.metadata, labels: { ...live.metadata.labels, [`l${i}`]: "x" } } };
      live = updated(pods, live, next, `m${i}`, { nowMs: i * 1000 });
    }
    const names = live.metadata.managedFields!.map((entry) => entry.manager);
    expect([names.length, names.includes("ancient-changes"), names.at(-1)]).toEqual([10, true, "m15"]);
    const count = labelsOf(fieldsOf(live, "ancient-changes"));
    expect(count + 9).toBe(17);
  });
});

describe("an apply", () => {
  it("owns what it names, and nothing of what the server decides", () => {
    const config = object("pods", containers({ name: "a", image: "i", ports: [{ containerPort: 80 }] }));
    expect(fieldsOf(apply(pods, undefined, config, "one"), "one")).toEqual({
      "f:spec": {
        "f:containers": {
          'k:{"name":"a"}': {
            ".": {},
            "f:image": {},
            "f:name": {},
            "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } },
          },
        },
      },
    });
  });

  it("tells every field that conflicts and whose it is", () => {
    const live = apply(deployments, undefined, object("deployments", { replicas: 1, paused: true }), "one");
    const grown = updated(deployments, live, { ...live, spec: { replicas: 2, paused: true } }, "scaler");
    const error = refusal(() =>
      apply(deployments, grown, object("deployments", { replicas: 3, paused: false }), "two"),
    );
    expect([error.code, error.message]).toEqual([
      409,
      'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.paused\nconflicts with "scaler" using apps/v1:\n- .spec.replicas',
    ]);
    expect(error.details?.causes).toContainEqual({
      reason: "FieldManagerConflict",
      message: 'conflict with "scaler" using apps/v1',
      field: ".spec.replicas",
    });
    const forced = apply(deployments, grown, object("deployments", { replicas: 3, paused: false }), "two", {
      force: true,
    });
    expect(forced["spec"]).toEqual({ replicas: 3, paused: false });
    expect(forced.metadata.managedFields!.map((entry) => entry.manager)).toEqual(["two"]);
  });

  it("removes what it gives up, but not what others changed or added", () => {
    const env = (...names: string[]) => containers({ name: "a", env: names.map((name) => ({ name, value: "1" })) });
    const live = apply(pods, undefined, object("pods", env("A", "B")), "one");
    const edited = updated(pods, live, { ...live, spec: env("A", "B", "C") }, "editor");
    expect(apply(pods, edited, object("pods", env("B")), "one")["spec"]).toEqual(env("B", "C"));
  });

  it("removes a whole item, or a whole map, with its last field", () => {
    const two = containers({ name: "a", image: "i" }, { name: "b", image: "i" });
    const live = apply(pods, undefined, object("pods", { ...two, nodeSelector: { x: "y" } }), "one");
    const left = apply(pods, live, object("pods", containers({ name: "a", image: "i" })), "one");
    expect(left["spec"]).toEqual(containers({ name: "a", image: "i" }));
  });

  it("takes atomic maps and lists as wholes", () => {
    const live = apply(pods, undefined, object("pods", { nodeSelector: { a: "1" } }), "one");
    const error = refusal(() => apply(pods, live, object("pods", { nodeSelector: { b: "1" } }), "two"));
    expect(error.message).toBe('Apply failed with 1 conflict: conflict with "one": .spec.nodeSelector');
  });

  it("merges sets", () => {
    const withFinalizers = (...finalizers: string[]) =>
      object("pods", {}, { metadata: { name: "x", namespace: "default", finalizers } });
    const live = apply(pods, undefined, withFinalizers("x/a"), "one");
    const both = apply(pods, live, withFinalizers("x/b"), "two");
    expect(both.metadata.finalizers).toEqual(["x/a", "x/b"]);
    expect(apply(pods, both, withFinalizers(), "two").metadata.finalizers).toEqual(["x/a"]);
  });

  it("refuses items that are twice there or have no key", () => {
    const twice = object("pods", containers({ name: "a" }, { name: "a" }));
    expect(refusal(() => apply(pods, undefined, twice, "one")).message).toBe(
      'failed to create typed patch object (default/x; v1, Kind=Pod): .spec.containers: duplicate entries for key [name="a"]',
    );
    const keyless = object("pods", containers({ image: "a" }));
    expect(refusal(() => apply(pods, undefined, keyless, "one")).message).toContain(
      '.spec.containers: element 0: associative list with keys has an element that omits all key fields ["name"]',
    );
  });

  it("that changes nothing leaves times alone; the time of one that does is now", () => {
    const config = object("deployments", { replicas: 1 });
    const live = apply(deployments, undefined, config, "one");
    expect(apply(deployments, live, config, "one", { nowMs: 9_000 })).toEqual(live);
    const more = object("deployments", { replicas: 1, paused: true });
    const changed = apply(deployments, live, more, "one", { nowMs: 9_000 });
    expect(changed.metadata.managedFields![0]!.time).toBe("1970-01-01T00:00:09Z");
  });

  it("lets kubectl take over what it applied on the client's side, as long as nobody changed it", () => {
    const annotations = (config: object) => ({
      "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(config),
    });
    const config = object("deployments", { replicas: 1 });
    const first = { ...config, metadata: { ...config.metadata, annotations: annotations(config) } };
    const live = updated(deployments, undefined, first, "kubectl-client-side-apply");
    const next = apply(deployments, live, object("deployments", { replicas: 2 }), "kubectl");
    expect(next["spec"]).toEqual({ replicas: 2 });
    expect(next.metadata.annotations!["kubectl.kubernetes.io/last-applied-configuration"]).toContain('"replicas":2');
    const scaled = updated(deployments, live, { ...live, spec: { replicas: 5 } }, "scaler");
    const error = refusal(() => apply(deployments, scaled, object("deployments", { replicas: 2 }), "kubectl"));
    expect(error.message).toContain('conflict with "scaler"');
  });

  it("keeps a manager's fields apart by subresource", () => {
    const live = apply(deployments, undefined, object("deployments", { replicas: 1 }), "one");
    const status = { ...object("deployments", {}), status: { replicas: 1 } };
    const both = apply(deployments, live, status, "one", { subresource: "status" });
    expect(both.metadata.managedFields).toMatchObject([
      { fieldsV1: { "f:spec": { "f:replicas": {} } } },
      { subresource: "status", fieldsV1: { "f:status": { "f:replicas": {} } } },
    ]);
  });
});

describe("custom resources", () => {
  const mergeType = typeOfCustomResource({
    type: "object",
    properties: {
      spec: {
        type: "object",
        properties: {
          ports: {
            type: "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["port", "protocol"],
            items: {
              type: "object",
              properties: { port: { type: "integer" }, protocol: { type: "string", default: "TCP" } },
            },
          },
          tags: { type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } },
          free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
          whole: { type: "object", "x-kubernetes-map-type": "atomic", properties: { a: { type: "string" } } },
        },
      },
    },
  });
  const endpoint = { ...pods, version: { version: "v1", model: "", mergeType } };
  const custom = (spec: object): ApiObject => ({ ...object("pods", spec), kind: "Thing" });

  it("merge as their schemas say", () => {
    const spec = { ports: [{ port: 1 }], tags: ["a"], free: { x: { y: [1] } }, whole: { a: "1" } };
    const live = apply(endpoint, undefined, custom(spec), "one");
    expect(fieldsOf(live, "one")).toEqual({
      "f:spec": {
        "f:free": { "f:x": { ".": {}, "f:y": {} } },
        "f:ports": { 'k:{"port":1,"protocol":"TCP"}': { ".": {}, "f:port": {} } },
        "f:tags": { 'v:"a"': {} },
        "f:whole": {},
      },
    });
    const more = { ports: [{ port: 1, protocol: "UDP" }], tags: ["b"], free: { z: 1 } };
    expect(apply(endpoint, live, custom(more), "two")["spec"]).toEqual({
      ports: [{ port: 1 }, { port: 1, protocol: "UDP" }],
      tags: ["a", "b"],
      free: { x: { y: [1] }, z: 1 },
      whole: { a: "1" },
    });
  });
});

describe("whatever is applied", () => {
  const container = fc.record(
    {
      name: fc.constantFrom("a", "b", "c"),
      image: fc.constantFrom("1", "2"),
      args: fc.array(fc.constantFrom("x", "y"), { maxLength: 2 }),
      env: fc.uniqueArray(fc.record({ name: fc.constantFrom("A", "B", "C"), value: fc.constantFrom("1", "2") }), {
        selector: ({ name }) => name,
        maxLength: 3,
      }),
    },
    { requiredKeys: ["name"] },
  );
  const config = fc
    .record(
      {
        containers: fc.uniqueArray(container, { selector: ({ name }) => name, maxLength: 3 }),
        nodeSelector: fc.dictionary(fc.constantFrom("k", "l"), fc.constantFrom("1", "2"), { maxKeys: 2 }),
        nodeName: fc.constantFrom("n1", "n2"),
        dnsPolicy: fc.constantFrom("Default", "None"),
      },
      { requiredKeys: [] },
    )
    .map((spec) => object("pods", spec));

  it("is applied twice as it is once", () => {
    fc.assert(
      fc.property(config, config, (one, two) => {
        const live = apply(pods, apply(pods, undefined, one, "one"), two, "two", { force: true });
        const next = apply(pods, live, two, "two");
        expect(next).toEqual(live);
      }),
    );
  });

  it("by one manager alone leaves exactly the last configuration", () => {
    fc.assert(
      fc.property(config, config, (one, two) => {
        const next = apply(pods, apply(pods, undefined, one, "one"), two, "one");
        expect(withoutEmpty(next["spec"] ?? {})).toEqual(withoutEmpty(two["spec"] ?? {}));
      }),
    );
  });

  it("leaves its sources as they were", () => {
    fc.assert(
      fc.property(config, config, (one, two) => {
        const live = apply(pods, undefined, one, "one");
        const before = structuredClone([live, two]);
        apply(pods, live, two, "two", { force: true });
        expect([live, two]).toEqual(before);
      }),
    );
  });
});

/** Lists in the order of their names, and no empty ones: what a set of fields cannot tell. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(withoutEmpty) as { name?: string }[];
    return items.every((item) => item.name) ? items.sort((x, y) => (x.name! < y.name! ? -1 : 1)) : items;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, withoutEmpty(inner)] as const);
  const isEmptyList = (key: string, inner: unknown) => key !== "args" && Array.isArray(inner) && inner.length === 0;
  return Object.fromEntries(entries.filter(([key, inner]) => !isEmptyList(key, inner)));
}
