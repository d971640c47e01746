/** Discovery as clients see it; what kubectl makes of it is in kubectl/discovery.test.ts. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type RunningServer } from "../fixtures/api_server.ts";

let api: RunningServer;
beforeAll(async () => {
  api = await startServer();
});
afterAll(async () => {
  expect(api.internalErrors).toEqual([]);
  await api.stop();
});

const v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const v2beta1 = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
const accept = (value: string): Record<string, string> => ({ Accept: value });

describe("lists of one group and version", () => {
  it("names the versions of the core group", async () => {
    const { body } = await api.request("GET", "/api");
    expect(body).toEqual({ kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] });
  });

  it("has groups in upstream's order, the preferred version first", async () => {
    const { body } = await api.request("GET", "/apis");
    expect(body.kind).toBe("APIGroupList");
    const names = body.groups.map((group: any) => group.name);
    expect(names.slice(0, 5)).toEqual([
      "apps",
      "events.k8s.io",
      "authentication.k8s.io",
      "authorization.k8s.io",
      "autoscaling",
    ]);
    expect((await api.request("GET", "/apis/autoscaling")).body).toEqual({
      kind: "APIGroup",
      apiVersion: "v1",
      name: "autoscaling",
      versions: [
        { groupVersion: "autoscaling/v2", version: "v2" },
        { groupVersion: "autoscaling/v1", version: "v1" },
      ],
      preferredVersion: { groupVersion: "autoscaling/v2", version: "v2" },
    });
  });

  it("lists resources by name with their subresources", async () => {
    const { body } = await api.request("GET", "/api/v1");
    const names = body.resources.map((resource: any) => resource.name);
    expect(names).toEqual([...names].sort());
    const find = (name: string): unknown => body.resources.find((resource: any) => resource.name === name);
    expect(find("pods")).toEqual({
      name: "pods",
      singularName: "pod",
      namespaced: true,
      kind: "Pod",
      verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
      shortNames: ["po"],
      categories: ["all"],
      storageVersionHash: "xPOwRZ+Yhw8=",
    });
    expect(find("pods/eviction")).toEqual({
      name: "pods/eviction",
      singularName: "",
      namespaced: true,
      group: "policy",
      version: "v1",
      kind: "Eviction",
      verbs: ["create"],
    });
    expect(find("pods/exec")).toMatchObject({ kind: "PodExecOptions", verbs: ["create", "get"] });
    expect(find("services/proxy")).toMatchObject({ kind: "ServiceProxyOptions" });
    expect(find("bindings")).not.toHaveProperty("storageVersionHash");
  });

  it("has the reviews, which can only be created", async () => {
    const { body } = await api.request("GET", "/apis/authorization.k8s.io/v1");
    expect(body.resources.map((resource: any) => [resource.name, resource.verbs])).toEqual([
      ["localsubjectaccessreviews", ["create"]],
      ["selfsubjectaccessreviews", ["create"]],
      ["selfsubjectrulesreviews", ["create"]],
      ["subjectaccessreviews", ["create"]],
    ]);
  });

  it.each(["/apis/nothing.example.com", "/apis/apps/v9", "/api/v2", "/apis/apps/v1/a/b/c/d/e"])(
    "answers 404 for %s",
    async (where) => {
      expect((await api.request("GET", where)).code).toBe(404);
    },
  );
});

describe("aggregated discovery", () => {
  it.each([
    [v2, "v2"],
    [v2beta1, "v2beta1"],
    [`${v2beta1},application/json`, "v2beta1"],
    [`${v2},${v2beta1},application/json`, "v2"],
  ])("is given to who asks with %s", async (wanted, version) => {
    const { headers, body } = await api.request("GET", "/apis", undefined, accept(wanted));
    expect(headers.get("content-type")).toBe(
      `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
    );
    expect(headers.get("vary")).toBe("Accept");
    expect(body).toMatchObject({ kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${version}` });
    const apps = body.items[0];
    expect(apps.metadata.name).toBe("apps");
    expect(apps.versions[0].freshness).toBe("Current");
    expect(apps.versions[0].resources.find((one: any) => one.resource === "deployments")).toEqual({
      resource: "deployments",
      responseKind: { group: "apps", version: "v1", kind: "Deployment" },
      scope: "Namespaced",
      singularResource: "deployment",
      verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
      shortNames: ["deploy"],
      categories: ["all"],
      subresources: [
        {
          subresource: "scale",
          responseKind: { group: "autoscaling", version: "v1", kind: "Scale" },
          verbs: ["get", "patch", "update"],
        },
        {
          subresource: "status",
          responseKind: { group: "apps", version: "v1", kind: "Deployment" },
          verbs: ["get", "patch", "update"],
        },
      ],
    });
  });

  it("has the core group under /api alone", async () => {
    const { body } = await api.request("GET", "/api", undefined, accept(v2));
    expect(body.items.map((item: any) => item.metadata)).toEqual([{}]);
    expect(body.items[0].versions[0].version).toBe("v1");
  });

  it("is not sent again to who has it", async () => {
    const first = await api.request("GET", "/apis", undefined, accept(v2));
    const tag = first.headers.get("etag")!;
    expect(tag).toMatch(/^"[0-9A-F]{128}"$/);
    const again = await fetch(`${api.url}/apis`, { headers: { ...accept(v2), "If-None-Match": tag } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    const other = await api.request("GET", "/apis", undefined, { ...accept(v2), "If-None-Match": '"x"' });
    expect(other.code).toBe(200);
  });

  it("refuses forms that it does not have", async () => {
    const unknown = "application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList";
    expect((await api.request("GET", "/apis", undefined, accept(unknown))).code).toBe(406);
    expect((await api.request("GET", "/apis", undefined, accept("text/html"))).code).toBe(406);
  });
});
