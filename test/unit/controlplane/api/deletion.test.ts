/** What becomes of an object and its dependents where a deletion says little: each kind's own way. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type RunningServer } from "../../../fixtures/api_server.ts";

let server: RunningServer;
beforeAll(async () => void (server = await startServer()));
afterAll(() => server.stop());

const inDefault = "/api/v1/namespaces/default";
const spec = { containers: [{ name: "c", image: "i" }] };
const template = { metadata: { labels: { a: "1" } }, spec };

async function make(path: string, object: object): Promise<void> {
  const made = await server.request("POST", path, object);
  expect(made.code, JSON.stringify(made.body)).toBe(201);
}

describe("dependents, where nothing is said of them,", () => {
  const jobs = "/apis/batch/v1/namespaces/default/jobs";
  const job = { spec: { template: { spec: { ...spec, restartPolicy: "Never" } } } };
  const controllers = `${inDefault}/replicationcontrollers`;

  it("of Jobs are orphaned, with a warning", async () => {
    await make(jobs, { metadata: { name: "kept" }, ...job });
    const { body, headers } = await server.request("DELETE", `${jobs}/kept`);
    expect(body.metadata.finalizers).toEqual(["orphan"]);
    expect(headers.get("warning")).toContain("child pods are preserved by default when jobs are deleted;");
  });

  it("of ReplicationControllers are orphaned", async () => {
    await make(controllers, { metadata: { name: "kept" }, spec: { selector: { a: "1" }, template } });
    const { body, headers } = await server.request("DELETE", `${controllers}/kept`);
    expect([body.metadata.finalizers, headers.get("warning")]).toEqual([["orphan"], null]);
  });

  it("are not, where it is said: what is said goes before the kind's own", async () => {
    for (const options of [{ propagationPolicy: "Background" }, { orphanDependents: false }]) {
      await make(jobs, { metadata: { name: "gone" }, ...job });
      const { body, headers } = await server.request("DELETE", `${jobs}/gone`, options);
      expect([body.kind, headers.get("warning")]).toEqual(["Status", null]);
    }
  });

  it("follow the finalizer that the object has", async () => {
    await make(`${inDefault}/configmaps`, { metadata: { name: "held", finalizers: ["foregroundDeletion"] } });
    const { body } = await server.request("DELETE", `${inDefault}/configmaps/held`);
    expect(body.metadata.finalizers).toEqual(["foregroundDeletion"]);
    await make(jobs, { metadata: { name: "foreground", finalizers: ["foregroundDeletion"] }, ...job });
    const answer = await server.request("DELETE", `${jobs}/foreground`);
    expect(answer.body.metadata.finalizers).toEqual(["foregroundDeletion"]);
  });

  it("of Events there are none, whatever is asked", async () => {
    const involvedObject = { kind: "Pod", name: "p", namespace: "default" };
    await make(`${inDefault}/events`, { metadata: { name: "e" }, involvedObject, reason: "R", type: "Normal" });
    const { body } = await server.request("DELETE", `${inDefault}/events/e`, { propagationPolicy: "Foreground" });
    expect(body).toMatchObject({ kind: "Status", status: "Success" });
  });
});

describe("a pod's grace period", () => {
  const pods = `${inDefault}/pods`;
  const remove = (name: string, options?: object) => server.request("DELETE", `${pods}/${name}`, options);
  const end = (name: string, phase: string) =>
    server.request("PATCH", `${pods}/${name}/status`, { status: { phase } }, mergePatch);
  const mergePatch = { "Content-Type": "application/merge-patch+json" };

  it.each(["Succeeded", "Failed"])("is none once it has %s", async (phase) => {
    await make(pods, { metadata: { name: "over" }, spec: { ...spec, nodeName: "n" } });
    await end("over", phase);
    expect((await remove("over", { gracePeriodSeconds: 60 })).body.kind).toBe("Pod");
    expect((await server.request("GET", `${pods}/over`)).code).toBe(404);
  });

  it("runs on where the pod ended while it was going; only what is asked shortens it", async () => {
    await make(pods, { metadata: { name: "going" }, spec: { ...spec, nodeName: "n" } });
    const first = (await remove("going")).body.metadata;
    expect(first.deletionGracePeriodSeconds).toBe(30);
    await end("going", "Succeeded");
    expect((await remove("going")).body.metadata.deletionGracePeriodSeconds).toBe(30);
    const shorter = (await remove("going", { gracePeriodSeconds: 10 })).body.metadata;
    expect(shorter.deletionGracePeriodSeconds).toBe(10);
    expect(Date.parse(first.deletionTimestamp) - Date.parse(shorter.deletionTimestamp)).toBe(20_000);
    expect(shorter.generation).toBe(2);
    await remove("going", { gracePeriodSeconds: 0 });
    expect((await server.request("GET", `${pods}/going`)).code).toBe(404);
  });
});

describe("a collection", () => {
  it("goes in the pages that are asked for, in the order of its names", async () => {
    const maps = `${inDefault}/configmaps`;
    for (const name of ["c", "a", "b"]) await make(maps, { metadata: { name, labels: { paged: "1" } } });
    const first = await server.request("DELETE", `${maps}?labelSelector=paged&limit=2`);
    const names = (list: { items: { metadata: { name: string } }[] }) =>
      list.items.map(({ metadata }) => metadata.name);
    expect(names(first.body)).toEqual(["a", "b"]);
    expect(first.body.metadata.continue).toEqual(expect.any(String));
    const left = await server.request("GET", `${maps}?labelSelector=paged`);
    expect(names(left.body)).toEqual(["c"]);
  });
});
