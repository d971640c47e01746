/** What each namespace is given: its default account, and the certificate that the API server is trusted by. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import { isNotFound } from "../../../../../src/api/status_error.ts";
import { planPublish } from "../../../../../src/controlplane/controllers/root_ca_publisher/plan.ts";
import { rootCaPublisherController } from "../../../../../src/controlplane/controllers/root_ca_publisher/root_ca_publisher.ts";
import { missingAccounts } from "../../../../../src/controlplane/controllers/service_account/plan.ts";
import { serviceAccountController } from "../../../../../src/controlplane/controllers/service_account/service_account.ts";
import type { ConfigMap, KubeObject, Namespace } from "../../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { eventually } from "../../../../fixtures/eventually.ts";

const { namespaces, serviceAccounts, configMaps } = resourceTypes;
let plane: TestControlPlane;
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [serviceAccountController, rootCaPublisherController] });
});
afterAll(() => plane.stop());

const found = <T extends KubeObject>(got: Promise<T>): Promise<T | undefined> =>
  got.catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
const account = (namespace: string) => found(plane.client.get(serviceAccounts, { namespace, name: "default" }));
const certificate = (namespace: string) => found(plane.client.get(configMaps, { namespace, name: "kube-root-ca.crt" }));

describe("each namespace", () => {
  it("has both, those of the start and those that come", async () => {
    await plane.client.create(namespaces, { metadata: { name: "new" }, spec: {} });
    for (const namespace of ["default", "kube-system", "new"]) {
      await eventually(`account of ${namespace}`, () => account(namespace));
      const map = await eventually(`certificate of ${namespace}`, () => certificate(namespace));
      expect(map.data).toEqual({ "ca.crt": plane.api.pki.authorityCertificate });
      expect(map.metadata.annotations?.["kubernetes.io/description"]).toContain("verify the kube-apiserver");
    }
  });

  it("gets them back where they were changed or deleted", async () => {
    const was = await eventually("the account", () => account("default"));
    const before = await eventually("the certificate", () => certificate("default"));
    await plane.client.delete(serviceAccounts, was.metadata);
    await plane.client.update(configMaps, { ...before, data: { "ca.crt": "x", other: "y" } });
    await eventually("the account again", async () => {
      const now = await account("default");
      return now && now.metadata.uid !== was.metadata.uid;
    });
    const isRight = async (): Promise<boolean> => {
      const now = await certificate("default");
      return JSON.stringify(now?.data) === JSON.stringify({ "ca.crt": plane.api.pki.authorityCertificate });
    };
    await eventually("the certificate again", isRight);
    await plane.client.delete(configMaps, before.metadata);
    await eventually("the certificate once more", isRight);
    expect(plane.complaints).toEqual([]);
  });
});

describe("plans", () => {
  const namespace = (phase: string, deletionTimestamp?: string): Namespace => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: "n",
      uid: "u",
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T00:00:00Z",
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
    spec: {},
    status: { phase },
  });
  const leaving = namespace("Terminating", "2026-01-01T00:00:00Z");

  it("of accounts leave namespaces alone that go", () => {
    expect(missingAccounts(namespace("Active"), [])).toEqual(["default"]);
    expect(missingAccounts(namespace("Active"), ["other", "default"])).toEqual([]);
    expect(missingAccounts(leaving, [])).toEqual([]);
    expect(missingAccounts(undefined, [])).toEqual([]);
  });

  it("of the certificate write nothing that is right", () => {
    const made = planPublish(namespace("Active"), undefined, "PEM");
    expect(made).toMatchObject({ type: "create", object: { data: { "ca.crt": "PEM" } } });
    const map = { ...made!.object, apiVersion: "v1", kind: "ConfigMap" } as ConfigMap;
    expect(planPublish(namespace("Active"), map, "PEM")).toBeUndefined();
    expect(planPublish(namespace("Active"), map, "NEW")).toMatchObject({
      type: "update",
      object: { data: { "ca.crt": "NEW" } },
    });
    expect(planPublish(leaving, undefined, "PEM")).toBeUndefined();
    const { annotations: _, ...bare } = map.metadata;
    expect(planPublish(namespace("Active"), { ...map, metadata: bare }, "PEM")?.type).toBe("update");
  });
});
