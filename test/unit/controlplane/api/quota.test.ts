/** Quotas of custom resources: what was there before the quota counts too. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../../../fixtures/eventually.ts";
import { startSecureServer, type SecureServer } from "../../../fixtures/secure_server.ts";

let server: SecureServer;
beforeAll(async () => void (server = await startSecureServer()));
afterAll(() => server.stop());

const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "widgets", kind: "Widget" },
    versions: [{ name: "v1", served: true, storage: true, schema }],
  },
};
const widget = (name: string) => ({ apiVersion: "example.com/v1", kind: "Widget", metadata: { name } });
const quota = {
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "q" },
  spec: { hard: { "count/widgets.example.com": "2" } },
};

describe("a quota of a custom resource", () => {
  it("counts what there was, and refuses more", async () => {
    await server.run(["create", "-f", "-"], definition);
    await eventually("the resource", async () => (await server.kubectl(["create", "-f", "-"], widget("a"))).code === 0);
    await server.run(["create", "-f", "-"], quota);
    await server.run(["create", "-f", "-"], widget("b"));
    const { code, stderr } = await server.kubectl(["create", "-f", "-"], widget("c"));
    expect(code).toBe(1);
    expect(stderr).toContain(
      "exceeded quota: q, requested: count/widgets.example.com=1, used: count/widgets.example.com=2, limited: count/widgets.example.com=2",
    );
    await server.run(["delete", "widget", "a"]);
    await server.run(["create", "-f", "-"], widget("c"));
  });
});
