/** Patches of all kinds, whatever is in them: an object comes out, or a refusal that blames the client. */
import fc from "../../../fixtures/property.ts";
import { expect, it } from "vitest";
import { patched, type PatchKind } from "../../../../src/controlplane/apiserver/patch/patch.ts";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import { builtIn } from "../../../../src/controlplane/apiserver/resources/table.ts";
import { ApiError } from "../../../../src/controlplane/apiserver/status.ts";

const resource = builtIn.find(({ plural }) => plural === "pods")!;
const endpoint = { resource, version: resource.versions[0] };
const info = {
  isResource: true,
  path: "",
  verb: "patch",
  group: "",
  version: "v1",
  resource: "pods",
  namespace: "default",
  name: "x",
  subresource: "",
} as unknown as Parameters<typeof patched>[0]["context"]["info"];

const current: ApiObject = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "x", namespace: "default", labels: { a: "1" }, finalizers: ["x/a"] },
  spec: {
    containers: [{ name: "a", image: "i", env: [{ name: "A", value: "1" }] }],
    volumes: [{ name: "v", emptyDir: {} }],
  },
};

const names = [
  "apiVersion",
  "kind",
  "metadata",
  "spec",
  "containers",
  "env",
  "name",
  "labels",
  "finalizers",
  "volumes",
];
const odd = [
  "__proto__",
  "constructor",
  "toString",
  "$patch",
  "$retainKeys",
  "$setElementOrder/containers",
  "managedFields",
];
const key = fc.constantFrom(...names, ...odd);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, 1, 1.5, "a", "v1", "Pod", "delete", "replace", "x"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc
      .array(fc.tuple(key, tie("value")), { maxLength: 4 })
      .map((entries) => JSON.stringify(Object.fromEntries(entries))),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
}));
const segment = fc.constantFrom(...names, ...odd, "0", "-").map((one) => `/${one.replaceAll("/", "~1")}`);
const pointer = fc.array(segment, { maxLength: 4 }).map((all) => all.join(""));
const operation = fc.record({
  op: fc.constantFrom("add", "remove", "replace", "move", "copy", "test"),
  path: pointer,
  from: pointer,
  value,
});
const body = fc.oneof(
  value,
  fc.array(operation, { maxLength: 3 }),
  fc.record({ apiVersion: fc.constant("v1"), kind: fc.constant("Pod"), metadata: value, spec: value }),
);

it.each<PatchKind>(["json", "merge", "strategic", "apply"])("%s patches never fail by themselves", (kind) => {
  fc.assert(
    fc.property(body, fc.boolean(), (patch, isThere) => {
      const before = structuredClone(current);
      const error = refusal(() =>
        patched({
          endpoint,
          kind,
          body: Buffer.from(JSON.stringify(patch)),
          current: isThere || kind !== "apply" ? current : undefined,
          options: { dryRun: false, fieldManager: "m", fieldValidation: "Warn", force: false },
          manager: "m",
          context: { info, warnings: [] },
          nowMs: 0,
        }),
      );
      if (error) expect([400, 409, 413, 422]).toContain(error.code);
      expect(current).toEqual(before);
      expect(Object.keys(Object.prototype)).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

function refusal(act: () => unknown): ApiError | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}
