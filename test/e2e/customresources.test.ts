/** CustomResourceDefinitions and their objects, as programs and the real kubectl see them. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EmbeddedStore } from "../../src/controlplane/store/embedded/embedded_store.ts";
import { startServer, type RunningServer } from "../fixtures/api_server.ts";
import { eventually } from "../fixtures/eventually.ts";
import { certificates, cronTabs } from "../fixtures/definitions.ts";

let api: RunningServer;
let folder: string;
beforeAll(async () => {
  api = await startServer();
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-crd-"));
});
afterAll(async () => {
  expect(api.internalErrors).toEqual([]);
  await api.stop();
  rmSync(folder, { recursive: true, force: true });
});

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const cronTabPath = "/apis/stable.example.com/v1/namespaces/default/crontabs";
const merge = { "Content-Type": "application/merge-patch+json" };

async function established(definition: any): Promise<any> {
  const { name } = definition.metadata;
  const created = await api.request("POST", definitions, definition);
  expect(created.code, JSON.stringify(created.body)).toBe(201);
  return eventually(`${name} established`, async () => {
    const { body } = await api.request("GET", `${definitions}/${name}`);
    const condition = body.status?.conditions?.find((one: any) => one.type === "Established");
    return condition?.status === "True" && body;
  });
}

async function removed(name: string): Promise<void> {
  await api.request("DELETE", `${definitions}/${name}`);
  await eventually(`${name} gone`, async () => (await api.request("GET", `${definitions}/${name}`)).code === 404);
}

async function kubectl(...args: string[]): Promise<string> {
  const all = ["-s", api.url, "--kubeconfig", "/dev/null", "--cache-dir", path.join(folder, "cache"), ...args];
  const { stdout, stderr } = await promisify(execFile)("kubectl", all, { timeout: 60_000 });
  return stdout + stderr;
}

function file(name: string, object: object): string {
  const where = path.join(folder, name);
  writeFileSync(where, JSON.stringify(object));
  return where;
}

const cronTab = (name: string, spec: object = {}): any => ({
  apiVersion: "stable.example.com/v1",
  kind: "CronTab",
  metadata: { name },
  spec: { cronSpec: "* * * * */5", image: "my-awesome-cron-image", ...spec },
});

describe("a definition and its objects", () => {
  beforeAll(async () => {
    await established(cronTabs);
  });
  afterAll(async () => removed("crontabs.stable.example.com"));

  it("has its names accepted, and its objects can be made at once", async () => {
    const { body } = await api.request("GET", `${definitions}/crontabs.stable.example.com`);
    expect(body.status).toMatchObject({
      acceptedNames: { plural: "crontabs", kind: "CronTab", listKind: "CronTabList", singular: "crontab" },
      storedVersions: ["v1"],
      conditions: [
        { type: "NamesAccepted", status: "True", reason: "NoConflicts" },
        { type: "Established", status: "True", reason: "InitialNamesAccepted" },
      ],
    });
    const made = await api.request("POST", cronTabPath, cronTab("one"));
    expect(made.code, JSON.stringify(made.body)).toBe(201);
    expect(made.body).toMatchObject({ kind: "CronTab", metadata: { generation: 1 }, spec: { replicas: 1 } });
  });

  it.each([
    [
      { replicas: "three" },
      'spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"',
    ],
    [{ cronSpec: undefined }, "spec.cronSpec: Required value"],
    [{ image: "none" }, 'spec.image: Invalid value: "string": an image is needed'],
    [{ mode: "other" }, 'spec.mode: Unsupported value: "other": supported values: "fast", "slow"'],
    [{ replicas: 11 }, "spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10"],
    [{ port: 1.5 }, 'spec.port: Invalid value: "number": spec.port in body must be of type integer,string: "number"'],
  ])("%j is refused in upstream's words", async (spec, words) => {
    const { code, body } = await api.request("POST", cronTabPath, cronTab("wrong", spec));
    expect([code, body.message]).toEqual([422, `CronTab.stable.example.com "wrong" is invalid: ${words}`]);
  });

  it("loses unknown fields, with a warning, or is refused where strictness is asked for", async () => {
    const object = cronTab("pruned", { unknown: 1, free: { anything: [1] } });
    const strict = await api.request("POST", `${cronTabPath}?fieldValidation=Strict`, object);
    expect(strict.body).toMatchObject({
      code: 400,
      message: expect.stringContaining('strict decoding error: unknown field "spec.unknown"'),
    });
    const { headers, body } = await api.request("POST", `${cronTabPath}?fieldValidation=Warn`, object);
    expect(headers.get("warning")).toContain('unknown field \\"spec.unknown\\"');
    expect(body.spec).toEqual({ ...object.spec, unknown: undefined, replicas: 1 });
    const patched = await api.request("PATCH", `${cronTabPath}/pruned`, { spec: { other: 1, mode: "fast" } }, merge);
    expect([patched.code, patched.body.spec.other, patched.body.spec.mode]).toEqual([200, undefined, "fast"]);
  });

  it("keeps what a rule says may not change", async () => {
    await api.request("POST", cronTabPath, cronTab("ruled", { mode: "fast" }));
    const { code, body } = await api.request("PATCH", `${cronTabPath}/ruled`, { spec: { mode: "slow" } }, merge);
    const words = 'spec.mode: Invalid value: "string": fast stays fast';
    expect([code, body.message]).toEqual([422, `CronTab.stable.example.com "ruled" is invalid: ${words}`]);
  });

  it("has a status and a generation of their own", async () => {
    const { body } = await api.request("POST", cronTabPath, { ...cronTab("status"), status: { replicas: 9 } });
    expect(body.status).toBeUndefined();
    const status = { ...body, spec: { ...body.spec, image: "other" }, status: { replicas: 2 } };
    const updated = await api.request("PUT", `${cronTabPath}/status/status`, status);
    expect(updated.body).toMatchObject({
      metadata: { generation: 1 },
      spec: { image: "my-awesome-cron-image" },
      status: { replicas: 2 },
    });
    const spec = await api.request(
      "PATCH",
      `${cronTabPath}/status`,
      { spec: { image: "x" }, status: { replicas: 7 } },
      merge,
    );
    expect(spec.body).toMatchObject({ metadata: { generation: 2 }, spec: { image: "x" }, status: { replicas: 2 } });
  });

  it("scales", async () => {
    await api.request("POST", cronTabPath, cronTab("scaled", { replicas: 2 }));
    const scale = await api.request("GET", `${cronTabPath}/scaled/scale`);
    expect(scale.body).toMatchObject({ kind: "Scale", apiVersion: "autoscaling/v1", spec: { replicas: 2 } });
    await kubectl("scale", "crontab/scaled", "--replicas=5");
    expect((await api.request("GET", `${cronTabPath}/scaled`)).body.spec.replicas).toBe(5);
    const over = await api.request("PATCH", `${cronTabPath}/scaled/scale`, { spec: { replicas: 50 } }, merge);
    expect(over.code).toBe(422);
  });

  it("is selected by the fields that its definition names", async () => {
    await api.request("POST", cronTabPath, cronTab("fast", { mode: "fast" }));
    await api.request("POST", cronTabPath, cronTab("slow", { mode: "slow" }));
    const { body } = await api.request("GET", `${cronTabPath}?fieldSelector=spec.mode%3Dslow`);
    expect(body.items.map((item: any) => item.metadata.name)).toEqual(["slow"]);
    expect((await api.request("GET", `${cronTabPath}?fieldSelector=spec.image%3Dx`)).code).toBe(400);
  });

  it("is in discovery and in OpenAPI", async () => {
    const { body } = await api.request("GET", "/apis/stable.example.com/v1");
    expect(body.resources.map((one: any) => [one.name, one.kind])).toEqual([
      ["crontabs", "CronTab"],
      ["crontabs/scale", "Scale"],
      ["crontabs/status", "CronTab"],
    ]);
    const index = await api.request("GET", "/openapi/v3");
    const at = index.body.paths["apis/stable.example.com/v1"].serverRelativeURL;
    const document = await api.request("GET", at);
    expect(
      document.body.components.schemas["com.example.stable.v1.CronTab"]["x-kubernetes-group-version-kind"],
    ).toEqual([{ group: "stable.example.com", version: "v1", kind: "CronTab" }]);
  });
});

describe("kubectl with a definition of several versions", () => {
  afterAll(async () => removed("certificates.certs.example.com"));
  const object = {
    apiVersion: "certs.example.com/v1",
    kind: "Certificate",
    metadata: { name: "web", namespace: "default" },
    spec: { secretName: "tls", dnsNames: ["a.example.com"] },
  };

  it("creates, waits, applies, gets, explains, patches, watches and deletes", async () => {
    await kubectl("create", "-f", file("definition.json", certificates));
    await kubectl("wait", "--for=condition=Established", "crd/certificates.certs.example.com", "--timeout=10s");
    expect(await kubectl("apply", "-f", file("web.json", object))).toContain("web created");
    const changed = { ...object, spec: { ...object.spec, secretName: "other" } };
    expect(await kubectl("apply", "-f", file("web.json", changed))).toContain("web configured");
    const applied = await kubectl("apply", "--server-side", "--force-conflicts", "-f", file("web.json", changed));
    expect(applied).toContain("serverside-applied");
    const ready = { status: { conditions: [{ type: "Ready", status: "True" }] } };
    await kubectl("patch", "cert", "web", "--subresource=status", "--type=merge", "-p", JSON.stringify(ready));
    const [head, row] = (await kubectl("get", "cert")).split("\n");
    expect(head!.split(/\s+/)).toEqual(["NAME", "READY", "SECRET"]);
    expect(row!.split(/\s+/)).toEqual(["web", "True", "other"]);
    expect(await kubectl("explain", "certificates.spec")).toMatch(/secretName\s+<string> -required-/);
    expect(await kubectl("api-resources", "--api-group=certs.example.com")).toMatch(
      /certificates +cert +certs.example.com\/v1/,
    );
    expect(await kubectl("get", "cert", "web", "-o", "jsonpath={.spec.duration}")).toBe("2160h");
    const beta = JSON.parse(
      (await kubectl("get", "certificates.v1beta1.certs.example.com", "web", "-o", "json")).replace(/Warning.*/, ""),
    );
    expect([beta.apiVersion, beta.spec]).toEqual(["certs.example.com/v1beta1", { secretName: "other" }]);
    expect(await kubectl("delete", "cert", "web")).toContain("deleted");
  });

  it("keeps what an older version writes", async () => {
    const beta = "/apis/certs.example.com/v1beta1/namespaces/default/certificates";
    const old = { ...object, apiVersion: "certs.example.com/v1beta1", metadata: { name: "old" } };
    const made = await api.request("POST", beta, old);
    expect([made.code, made.body.apiVersion]).toEqual([201, "certs.example.com/v1beta1"]);
    expect(made.headers.get("warning")).toContain(
      '299 - "certs.example.com/v1beta1 Certificate is deprecated; use certs.example.com/v1 Certificate"',
    );
    const { body } = await api.request("GET", "/apis/certs.example.com/v1/namespaces/default/certificates/old");
    expect([body.apiVersion, body.spec.duration]).toEqual(["certs.example.com/v1", "2160h"]);
  });
});

describe("changes while the server runs", () => {
  const definition = (change: (spec: any) => void): any => {
    const copy = structuredClone(cronTabs) as any;
    copy.metadata.name = "crontabs.changing.example.com";
    copy.spec.group = "changing.example.com";
    change(copy.spec);
    return copy;
  };
  const where = "/apis/changing.example.com/v1/namespaces/default/crontabs";

  it("show new defaults on old objects, add and remove versions, and end watches with the definition", async () => {
    const first = await established(definition(() => undefined));
    const object = { ...cronTab("a"), apiVersion: "changing.example.com/v1" };
    expect((await api.request("POST", where, object)).code).toBe(201);
    const watch = await fetch(`${api.url}${where}?watch=1&resourceVersion=0`);
    const ended = watch.text();
    const spec = definition((one) => {
      one.versions[0].schema.openAPIV3Schema.properties.spec.properties.added = { type: "string", default: "x" };
      one.versions.push({ ...structuredClone(one.versions[0]), name: "v2", storage: false });
    }).spec;
    const updated = await api.request("PUT", `${definitions}/${first.metadata.name}`, { ...first, spec });
    expect(updated.code, JSON.stringify(updated.body)).toBe(200);
    await eventually("v2", async () => (await api.request("GET", where.replace("/v1/", "/v2/"))).code === 200);
    expect((await api.request("GET", `${where}/a`)).body.spec.added).toBe("x");
    const held = { ...object, metadata: { name: "held", finalizers: ["example.com/hold"] } };
    await api.request("POST", where, held);
    await api.request("DELETE", `${definitions}/${first.metadata.name}`);
    const going = await eventually("the first object's end", async () => {
      if ((await api.request("GET", `${where}/a`)).code !== 404) return false;
      return (await api.request("GET", `${definitions}/${first.metadata.name}`)).body;
    });
    expect(going.status.conditions).toContainEqual(expect.objectContaining({ type: "Terminating", status: "True" }));
    expect((await api.request("POST", where, { ...object, metadata: { name: "late" } })).code).toBe(405);
    await api.request("PATCH", `${where}/held`, { metadata: { finalizers: [] } }, merge);
    await eventually("its end", async () => (await api.request("GET", where)).code === 404);
    expect(await ended).toContain('"type":"ADDED"');
    expect((await api.request("GET", "/apis/changing.example.com")).code).toBe(404);
  });

  it("give names to whoever came first", async () => {
    await established(definition(() => undefined));
    const second = definition((spec) => (spec.names.plural = "others"));
    second.metadata.name = "others.changing.example.com";
    expect((await api.request("POST", definitions, second)).code).toBe(201);
    const refused = await eventually("its conditions", async () => {
      const { body } = await api.request("GET", `${definitions}/others.changing.example.com`);
      return body.status.conditions.length === 2 && body;
    });
    expect(refused.status.conditions).toMatchObject([
      {
        type: "NamesAccepted",
        status: "False",
        reason: "ListKindConflict",
        message: '"CronTabList" is already in use',
      },
      { type: "Established", status: "False", reason: "NotAccepted" },
    ]);
    await removed("crontabs.changing.example.com");
    await eventually("the names", async () => {
      const { body } = await api.request("GET", `${definitions}/others.changing.example.com`);
      return body.status.conditions[1].status === "True";
    });
    await removed("others.changing.example.com");
  });
});

describe("another server on the same store", () => {
  it("serves what is there when it starts, and follows what comes later", async () => {
    const store = await EmbeddedStore.open({ file: path.join(folder, "shared.db") });
    const first = await startServer({ store });
    await first.request("POST", definitions, cronTabs);
    await eventually("the endpoint", async () => (await first.request("GET", cronTabPath)).code === 200);
    expect((await first.request("POST", cronTabPath, cronTab("kept"))).code).toBe(201);
    const second = await startServer({ store });
    expect((await second.request("GET", `${cronTabPath}/kept`)).body.spec.replicas).toBe(1);
    await first.request("POST", definitions, certificates);
    const beta = "/apis/certs.example.com/v1beta1/certificates";
    await eventually("the later one", async () => (await second.request("GET", beta)).code === 200);
    await second.request("DELETE", `${definitions}/crontabs.stable.example.com`);
    await eventually("its end", async () => (await first.request("GET", cronTabPath)).code === 404);
    expect([...first.internalErrors, ...second.internalErrors]).toEqual([]);
    await second.server.close(0);
    await first.stop();
  });
});

describe("hostile definitions", () => {
  const hostile = (schema: object): object => {
    const copy = structuredClone(cronTabs) as any;
    copy.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.x = schema;
    return copy;
  };
  const nested = (depth: number): object =>
    depth === 0 ? { type: "string" } : { type: "array", items: nested(depth - 1) };

  it.each([
    ["a reference", { $ref: "#/definitions/x" }, "Forbidden: $ref is not supported"],
    ["a broken pattern", { type: "string", pattern: "(" }, "must be a valid regular expression"],
    ["a pattern that needs backtracking", { type: "string", pattern: "(a)\\1" }, "must be a valid regular expression"],
    ["no type", { properties: {} }, "Required value: must not be empty for specified object fields"],
    ["a wrong default", { type: "integer", default: "x" }, "must be of type integer"],
    [
      "unique items",
      { type: "array", uniqueItems: true, items: { type: "string" } },
      "uniqueItems cannot be set to true",
    ],
    ["endless nesting", nested(150), "nested at most"],
    ["no schema at all", { type: "array", items: { type: "array", items: 5 } }, "must be an object"],
  ])("%s is refused", async (_what, schema, words) => {
    const { code, body } = await api.request("POST", definitions, hostile(schema));
    expect([code, body.message]).toEqual([422, expect.stringContaining(words)]);
  });

  it.each([{ spec: undefined }, { spec: {} }, { spec: { ...cronTabs.spec, names: {}, versions: [{}] } }])(
    "what lacks its parts is told so: %j",
    async (parts) => {
      const { code, body } = await api.request("POST", definitions, { ...cronTabs, ...parts });
      expect([code, body.message]).toEqual([422, expect.stringContaining("spec.names.plural: Required value")]);
    },
  );

  it("a definition takes no built-in resource's place", async () => {
    const name = "ingresses.networking.k8s.io";
    const metadata = { name, annotations: { "api-approved.kubernetes.io": "unapproved, a test" } };
    const spec = { ...cronTabs.spec, group: "networking.k8s.io", names: { plural: "ingresses", kind: "Other" } };
    expect((await api.request("POST", definitions, { ...cronTabs, metadata, spec })).code).toBe(201);
    const { status } = await eventually("its conditions", async () => {
      const { body } = await api.request("GET", `${definitions}/${name}`);
      return body.status.conditions.length === 2 && body;
    });
    expect(status.conditions[0]).toMatchObject({ type: "NamesAccepted", status: "False", reason: "PluralConflict" });
    expect((await api.request("GET", "/apis/networking.k8s.io/v1/ingresses")).body.kind).toBe("IngressList");
    await removed(name);
    expect((await api.request("GET", "/apis/networking.k8s.io/v1/ingresses")).code).toBe(200);
  });

  it("deep objects are refused", async () => {
    await established(cronTabs);
    const deep = `{"a":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}`;
    const text = JSON.stringify(cronTab("deep", { free: 0 })).replace('"free":0', `"free":${deep}`);
    expect((await api.request("POST", cronTabPath, text)).code).toBe(400);
    await removed("crontabs.stable.example.com");
  });
});
