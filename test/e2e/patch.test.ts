/** PATCH of every kind over HTTP: what comes back, and what is refused how. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type Answer, type RunningServer } from "../fixtures/api_server.ts";

let api: RunningServer;
beforeAll(async () => {
  api = await startServer();
});
afterAll(async () => {
  expect(api.internalErrors).toEqual([]);
  await api.stop();
});

const maps = "/api/v1/namespaces/default/configmaps";
const deployments = "/apis/apps/v1/namespaces/default/deployments";
const types = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

function patch(kind: keyof typeof types, path: string, body: unknown): Promise<Answer> {
  return api.request("PATCH", path, body, { "Content-Type": types[kind] });
}

const configMap = (name: string, data: Record<string, string> = { a: "1" }) => ({
  kind: "ConfigMap",
  apiVersion: "v1",
  metadata: { name },
  data,
});

const deployment = (name: string, containers: object[] = [{ name: "main", image: "one" }]) => ({
  kind: "Deployment",
  apiVersion: "apps/v1",
  metadata: { name },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers } },
  },
});

async function made(path: string, object: object): Promise<any> {
  const { code, body } = await api.request("POST", path, object);
  expect(code).toBe(201);
  return body;
}

describe("a patch", () => {
  it("of JSON, merge and strategic kind changes an object", async () => {
    await made(maps, configMap("three"));
    const json = await patch("json", `${maps}/three`, [{ op: "add", path: "/data/b.c", value: "2" }]);
    expect([json.code, json.body.data]).toEqual([200, { a: "1", "b.c": "2" }]);
    const merge = await patch("merge", `${maps}/three`, { data: { a: null, d: "4" } });
    expect(merge.body.data).toEqual({ "b.c": "2", d: "4" });
    const strategic = await patch("strategic", `${maps}/three`, { data: { $patch: "replace", e: "5" } });
    expect(strategic.body.data).toEqual({ e: "5" });
  });

  it("counts the generation where the spec changes, and writes nothing where nothing changes", async () => {
    await made(deployments, deployment("counted"));
    const changed = await patch("merge", `${deployments}/counted`, { spec: { replicas: 2 } });
    expect(changed.body.metadata.generation).toBe(2);
    const same = await patch("merge", `${deployments}/counted`, { spec: { replicas: 2 } });
    expect(same.body).toEqual(changed.body);
  });

  it("of the status subresource changes nothing but the status", async () => {
    await made(deployments, deployment("state"));
    const body = { spec: { replicas: 7 }, metadata: { labels: { x: "y" } }, status: { replicas: 3 } };
    const answer = await patch("merge", `${deployments}/state/status`, body);
    expect(answer.body).toMatchObject({ spec: { replicas: 1 }, status: { replicas: 3 } });
    expect(answer.body.metadata.labels).toBeUndefined();
    const entry = answer.body.metadata.managedFields.find((one: any) => one.subresource === "status");
    expect(entry).toMatchObject({ operation: "Update", fieldsV1: { "f:status": { "f:replicas": {} } } });
    const main = await patch("merge", `${deployments}/state`, { status: { replicas: 9 } });
    expect(main.body.status).toEqual({ replicas: 3 });
  });

  it("with an old resourceVersion conflicts", async () => {
    const { metadata } = await made(maps, configMap("versions"));
    const withVersion = (b: string) => ({ metadata: { resourceVersion: metadata.resourceVersion }, data: { b } });
    expect((await patch("merge", `${maps}/versions`, withVersion("1"))).code).toBe(200);
    const stale = await patch("merge", `${maps}/versions`, withVersion("2"));
    expect(stale.body).toMatchObject({ code: 409, reason: "Conflict" });
  });

  it("leaves a dry run's object as it was", async () => {
    await made(maps, configMap("dry"));
    const dry = await patch("merge", `${maps}/dry?dryRun=All`, { data: { a: "2" } });
    expect(dry.body.data).toEqual({ a: "2" });
    expect((await api.request("GET", `${maps}/dry`)).body.data).toEqual({ a: "1" });
  });
});

describe("what cannot be patched", () => {
  beforeAll(() => made(maps, configMap("target")));

  it.each([
    ["merge", "none", {}, 404, 'configmaps "none" not found'],
    [
      "json",
      "target",
      [{ op: "test", path: "/data/a", value: "2" }],
      422,
      "the server rejected our request due to an error in our request",
    ],
    ["json", "target", { a: 1 }, 400, "cannot unmarshal"],
    ["merge", "target", "{", 400, "the object provided is unrecognized"],
    [
      "merge",
      "target",
      { metadata: { name: "other" } },
      400,
      'the name of the object ("other") does not match the name on the URL ("target")',
    ],
    ["merge", "target", { data: { a: 1 } }, 422, ' "" is invalid: patch: Invalid value: '],
    ["merge", "target?fieldValidation=Strict", { foo: 1 }, 422, 'strict decoding error: unknown field "foo"'],
    [
      "json",
      "target?fieldValidation=Strict",
      [{ op: "test", path: "/data/a", value: "1", x: 1 }],
      422,
      'json patch unknown field "[0].x"',
    ],
    [
      "merge",
      `target?fieldManager=${"m".repeat(129)}`,
      {},
      422,
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
    ],
    [
      "merge",
      "target?force=true",
      {},
      422,
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    ],
    [
      "apply",
      "target",
      configMap("target"),
      422,
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    ],
    [
      "apply",
      "target?fieldManager=m",
      { ...configMap("target"), apiVersion: "v2" },
      400,
      "Incorrect version specified in apply patch. Specified patch version: v2, expected: v1",
    ],
    [
      "apply",
      "target?fieldManager=m",
      { ...configMap("target"), foo: 1 },
      400,
      "failed to create typed patch object (/target; v1, Kind=ConfigMap): .foo: field not declared in schema",
    ],
    [
      "apply",
      "target?fieldManager=m",
      { ...configMap("target"), metadata: { managedFields: [] } },
      400,
      "metadata.managedFields must be nil",
    ],
    ["apply", "target?fieldManager=m", { apiVersion: "v1" }, 400, "invalid object type"],
    [
      "apply",
      "target?fieldManager=m&fieldValidation=Strict",
      '{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"1","a":"2"}}',
      400,
      'key "a" already set in map',
    ],
    ["apply", "target?fieldManager=m", "a: [", 400, "error decoding YAML"],
  ] as const)("%s of %s: %j", async (kind, where, body, code, message) => {
    const answer = await patch(kind, `${maps}/${where}`, body);
    expect(answer.body).toMatchObject({ kind: "Status", status: "Failure", code });
    expect(answer.body.message).toContain(message);
  });

  it("has another media type", async () => {
    const answer = await api.request("PATCH", `${maps}/target`, {}, { "Content-Type": "application/json" });
    expect(answer.body).toMatchObject({ code: 415, reason: "UnsupportedMediaType" });
  });
});

describe("server-side apply", () => {
  const at = (name: string, manager: string, more = "") => `${maps}/${name}?fieldManager=${manager}${more}`;

  it("makes what is not there, and then changes it", async () => {
    const first = await patch("apply", at("new", "one"), "apiVersion: v1\nkind: ConfigMap\ndata: {a: '1', b: '2'}\n");
    expect([first.code, first.body.data]).toEqual([201, { a: "1", b: "2" }]);
    expect(first.body.metadata.managedFields).toMatchObject([
      { manager: "one", operation: "Apply", apiVersion: "v1", fieldsV1: { "f:data": { "f:a": {}, "f:b": {} } } },
    ]);
    const second = await patch("apply", at("new", "one"), configMap("new", { a: "3" }));
    expect([second.code, second.body.data]).toEqual([200, { a: "3" }]);
    const again = await patch("apply", at("new", "one"), configMap("new", { a: "3" }));
    expect(again.body).toEqual(second.body);
  });

  it("conflicts with what another manages, unless it is forced", async () => {
    await patch("apply", at("two", "one"), configMap("two", { a: "1", b: "1" }));
    const refused = await patch("apply", at("two", "other"), configMap("two", { a: "2" }));
    expect(refused.body).toMatchObject({
      code: 409,
      reason: "Conflict",
      message: 'Apply failed with 1 conflict: conflict with "one": .data.a',
      details: { causes: [{ reason: "FieldManagerConflict", message: 'conflict with "one"', field: ".data.a" }] },
    });
    const forced = await patch("apply", at("two", "other", "&force=true"), configMap("two", { a: "2" }));
    expect(forced.body.data).toEqual({ a: "2", b: "1" });
    const owners = forced.body.metadata.managedFields.map((one: any) => [one.manager, one.fieldsV1]);
    expect(owners).toEqual([
      ["one", { "f:data": { "f:b": {} } }],
      ["other", { "f:data": { "f:a": {} } }],
    ]);
  });

  it("shares what both want alike, and keeps it until the last gives it up", async () => {
    await patch("apply", at("shared", "one"), configMap("shared", { a: "1" }));
    await patch("apply", at("shared", "other"), configMap("shared", { a: "1", b: "1" }));
    const left = await patch("apply", at("shared", "one"), configMap("shared", {}));
    expect(left.body.data).toEqual({ a: "1", b: "1" });
    const gone = await patch("apply", at("shared", "other"), configMap("shared", { b: "1" }));
    expect(gone.body.data).toEqual({ b: "1" });
  });

  it("follows the changes of updates", async () => {
    await patch("apply", at("updated", "one"), configMap("updated", { a: "1" }));
    await patch("merge", at("updated", "editor"), { data: { a: "2" } });
    const refused = await patch("apply", at("updated", "one"), configMap("updated", { a: "3" }));
    expect(refused.body.message).toBe('Apply failed with 1 conflict: conflict with "editor" using v1: .data.a');
  });

  it("takes an object that nobody manages for one that was there before", async () => {
    const object = await made(maps, configMap("before"));
    const reset = { ...object, metadata: { ...object.metadata, managedFields: [{}] } };
    expect((await api.request("PUT", `${maps}/before`, reset)).body.metadata.managedFields).toBeUndefined();
    const refused = await patch("apply", at("before", "one"), configMap("before", { a: "2" }));
    expect(refused.body.message).toBe(
      'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a',
    );
  });

  it("is not there for the status of what does not exist", async () => {
    const body = { apiVersion: "apps/v1", kind: "Deployment", status: { replicas: 1 } };
    const answer = await patch("apply", `${deployments}/none/status?fieldManager=m`, body);
    expect(answer.code).toBe(404);
  });

  it("merges containers by name and ports by number and protocol", async () => {
    const where = (manager: string) => `${deployments}/merged?fieldManager=${manager}`;
    await patch(
      "apply",
      where("one"),
      deployment("merged", [{ name: "main", image: "one", ports: [{ containerPort: 80 }] }]),
    );
    const side = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      spec: {
        template: {
          spec: {
            containers: [
              { name: "main", ports: [{ containerPort: 80, protocol: "UDP" }] },
              { name: "side", image: "two" },
            ],
          },
        },
      },
    };
    const { body } = await patch("apply", where("other"), side);
    const containers = body.spec.template.spec.containers;
    expect(containers.map((one: any) => [one.name, one.image])).toEqual([
      ["main", "one"],
      ["side", "two"],
    ]);
    expect(containers[0].ports).toMatchObject([{ containerPort: 80 }, { containerPort: 80, protocol: "UDP" }]);
  });

  it("never answers 5xx, whatever the patch", async () => {
    await made(maps, configMap("random"));
    for (let i = 0; i < 20; i++) {
      const names = Object.keys(types) as (keyof typeof types)[];
      const kind = names[i % names.length]!;
      const body = [
        "[".repeat(20_000),
        "null",
        '{"__proto__":{"a":1}}',
        '{"metadata":null}',
        '{"metadata":{"__proto__":1}}',
      ][i % 5]!;
      expect((await patch(kind, at("random", "m"), body)).code).toBeLessThan(500);
    }
  });
});
