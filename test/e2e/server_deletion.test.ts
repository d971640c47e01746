/** What a deletion leaves behind: finalizers, grace periods, namespaces that wait, options in every encoding. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type RunningServer } from "../fixtures/api_server.ts";
import { startSecureServer, type SecureServer } from "../fixtures/secure_server.ts";

let api: RunningServer;
beforeAll(async () => {
  api = await startServer();
});
afterAll(async () => {
  expect(api.internalErrors).toEqual([]);
  await api.stop();
});

const maps = "/api/v1/namespaces/default/configmaps";
const pods = "/api/v1/namespaces/default/pods";

async function make(name: string, metadata: object = {}): Promise<any> {
  const { code, body } = await api.request("POST", maps, { metadata: { name, ...metadata } });
  expect(code).toBe(201);
  return body;
}

async function makePod(name: string, nodeName?: string): Promise<void> {
  const spec = { containers: [{ name: "c", image: "i" }], terminationGracePeriodSeconds: 40 };
  const pod = { metadata: { name }, spec: nodeName === undefined ? spec : { ...spec, nodeName } };
  expect((await api.request("POST", pods, pod)).code).toBe(201);
}

describe("propagation", () => {
  it.each([
    ["Foreground", ["foregroundDeletion"]],
    ["Orphan", ["orphan"]],
  ])("%s leaves its finalizer to the garbage collector", async (propagationPolicy, finalizers) => {
    const name = propagationPolicy.toLowerCase();
    await make(name);
    const { code, body } = await api.request("DELETE", `${maps}/${name}`, { propagationPolicy });
    expect(code).toBe(200);
    expect(body.metadata).toMatchObject({ finalizers, deletionGracePeriodSeconds: 0 });
    expect(body.metadata.deletionTimestamp).toMatch(/Z$/);
    const patch = await api.request(
      "PATCH",
      `${maps}/${name}`,
      { metadata: { finalizers: null } },
      {
        "Content-Type": "application/merge-patch+json",
      },
    );
    expect(patch.code).toBe(200);
    expect((await api.request("GET", `${maps}/${name}`)).code).toBe(404);
  });

  it("Background takes a finalizer of the other policies away, and the object goes", async () => {
    await make("background");
    await api.request("DELETE", `${maps}/background`, { propagationPolicy: "Foreground" });
    const { body } = await api.request("DELETE", `${maps}/background`, { propagationPolicy: "Background" });
    expect(body).toMatchObject({
      kind: "Status",
      status: "Success",
      details: { name: "background", kind: "configmaps" },
    });
  });

  it("answers 202 where dependents were to go first and the object stays", async () => {
    await make("accepted", { finalizers: ["example.com/held"] });
    expect((await api.request("DELETE", `${maps}/accepted`, { orphanDependents: false })).code).toBe(202);
  });
});

describe("options", () => {
  it("are taken from YAML and the query as well", async () => {
    await make("yaml");
    const yaml = "kind: DeleteOptions\napiVersion: v1\npropagationPolicy: Orphan\n";
    const answer = await api.request("DELETE", `${maps}/yaml`, yaml, { "Content-Type": "application/yaml" });
    expect(answer.body.metadata.finalizers).toEqual(["orphan"]);
    await make("query");
    const queried = await api.request("DELETE", `${maps}/query?propagationPolicy=Foreground`);
    expect(queried.body.metadata.finalizers).toEqual(["foregroundDeletion"]);
  });

  it.each([
    [
      { kind: "ConfigMap", apiVersion: "v1" },
      400,
      "decoded object cannot be converted to DeleteOptions: it is ConfigMap of v1",
    ],
    [{ gracePeriodSeconds: "soon" }, 400, "DeleteOptions.gracePeriodSeconds is of a wrong type"],
    [
      { propagationPolicy: "Sideways" },
      422,
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sideways": supported values: "Background", "Foreground", "Orphan", "nil"',
    ],
    [
      { propagationPolicy: "Orphan", orphanDependents: true },
      422,
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
    ],
    [
      { dryRun: ["Some"] },
      422,
      'DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    ],
  ])("%j is refused", async (options, code, message) => {
    const answer = await api.request("DELETE", `${maps}/whatever`, options);
    expect([answer.code, answer.body.message]).toEqual([code, message]);
  });

  it("preconditions must hold", async () => {
    const { metadata } = await make("exact");
    const wrong = await api.request("DELETE", `${maps}/exact`, { preconditions: { uid: "another" } });
    expect(wrong.code).toBe(409);
    expect(wrong.body.message).toContain("the UID in the precondition (another) does not match the UID in record");
    const dry = await api.request("DELETE", `${maps}/exact`, { preconditions: { uid: metadata.uid }, dryRun: ["All"] });
    expect(dry.code).toBe(200);
    const right = await api.request("DELETE", `${maps}/exact`, { preconditions: { uid: metadata.uid } });
    expect(right.code).toBe(200);
    expect((await api.request("GET", `${maps}/exact`)).code).toBe(404);
  });
});

describe("pods", () => {
  it("without a node go at once, and come back as they were", async () => {
    await makePod("waiting");
    const { body } = await api.request("DELETE", `${pods}/waiting`);
    expect(body).toMatchObject({ kind: "Pod", metadata: { name: "waiting" } });
    expect((await api.request("GET", `${pods}/waiting`)).code).toBe(404);
  });

  it("on a node have their grace period, which only gets shorter, from when they were deleted", async () => {
    await makePod("running", "node-1");
    const grace = async (options: object): Promise<any> => {
      const { body } = await api.request("DELETE", `${pods}/running`, options);
      return body.metadata;
    };
    const first = await grace({});
    expect(first.deletionGracePeriodSeconds).toBe(40);
    const at = Date.parse(first.deletionTimestamp);
    expect(await grace({ gracePeriodSeconds: 60 })).toMatchObject({ deletionTimestamp: first.deletionTimestamp });
    const shorter = await grace({ gracePeriodSeconds: 10 });
    expect(shorter.deletionGracePeriodSeconds).toBe(10);
    expect(Date.parse(shorter.deletionTimestamp)).toBe(at - 30_000);
    expect((await grace({ gracePeriodSeconds: -1 })).deletionGracePeriodSeconds).toBe(1);
    await grace({ gracePeriodSeconds: 0 });
    expect((await api.request("GET", `${pods}/running`)).code).toBe(404);
  });
});

describe("collections", () => {
  it("go in parallel and come back as a list; what is held stays", async () => {
    const selector = "labelSelector=group%3Dmany";
    for (let i = 0; i < 100; i++) await make(`many-${i}`, { labels: { group: "many" } });
    await make("many-held", { labels: { group: "many" }, finalizers: ["example.com/held"] });
    const { code, body } = await api.request("DELETE", `${maps}?${selector}`);
    expect(code).toBe(200);
    expect(body).toMatchObject({ kind: "ConfigMapList", apiVersion: "v1" });
    expect(body.items).toHaveLength(101);
    const left = await api.request("GET", `${maps}?${selector}`);
    expect(left.body.items.map((item: any) => item.metadata.name)).toEqual(["many-held"]);
  });
});

describe("with kubectl", () => {
  let server: SecureServer;
  beforeAll(async () => {
    server = await startSecureServer();
  });
  afterAll(() => server.stop());

  it.each([
    ["foreground", ["foregroundDeletion"]],
    ["orphan", ["orphan"]],
    ["background", undefined],
  ])("delete --cascade=%s", async (cascade, finalizers) => {
    await server.run(["create", "deployment", cascade, "--image=i"]);
    await server.run(["delete", "deployment", cascade, `--cascade=${cascade}`, "--wait=false"]);
    const left = JSON.parse(await server.run(["get", "deployments", "-o", "json"])).items;
    const found = left.find((item: any) => item.metadata.name === cascade);
    expect(found?.metadata.finalizers).toEqual(finalizers);
  });

  it("a namespace is terminating until its content is gone and its finalizer with it", async () => {
    await server.run(["create", "namespace", "leaving"]);
    await server.run(["create", "configmap", "in-it", "-n", "leaving"]);
    await server.run(["delete", "namespace", "leaving", "--wait=false"]);
    const namespace = JSON.parse(await server.run(["get", "namespace", "leaving", "-o", "json"]));
    expect(namespace).toMatchObject({ status: { phase: "Terminating" }, spec: { finalizers: ["kubernetes"] } });
    expect(namespace.metadata.deletionTimestamp).toMatch(/Z$/);
    // Nothing new comes into it.
    const { code, stderr } = await server.kubectl(["create", "configmap", "late", "-n", "leaving"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("because it is being terminated")]);
    const finalized = { ...namespace, spec: { finalizers: [] } };
    await server.run(["replace", "--raw", "/api/v1/namespaces/leaving/finalize", "-f", "-"], finalized);
    expect((await server.kubectl(["get", "namespace", "leaving"])).stderr).toContain("NotFound");
  });
});
