/** Quotas: what counts, what is refused, and a count that stays right when many write. */
import { describe, expect, it } from "vitest";
import type { AdmissionRequest } from "../../../../src/controlplane/apiserver/admission/admission.ts";
import { podAmounts } from "../../../../src/controlplane/apiserver/admission/limits.ts";
import { matchesScopes } from "../../../../src/controlplane/apiserver/admission/quota/scopes.ts";
import { usageOf } from "../../../../src/controlplane/apiserver/admission/quota/usage.ts";
import { ResourceQuota } from "../../../../src/controlplane/apiserver/admission/resource_quota.ts";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import { builtIn } from "../../../../src/controlplane/apiserver/resources/table.ts";
import { fakeLookup, namespaced } from "../../../fixtures/objects.ts";

const one = 1_000_000_000n;
const container = (requests: object = {}, limits: object = {}, rest: object = {}) => ({
  name: "c",
  resources: { requests, limits },
  ...rest,
});
const pod = (name: string, spec: object = {}, rest: object = {}) => namespaced("Pod", name, { spec, ...rest });
const plain = (amounts: ReadonlyMap<string, bigint>) =>
  Object.fromEntries([...amounts].map(([name, amount]) => [name, Number(amount) / 1e9]));

describe("what a pod asks for", () => {
  it.each<[string, object, object]>([
    [
      "is the sum of its containers",
      { containers: [container({ cpu: "1" }), container({ cpu: "500m" })] },
      { cpu: 1.5 },
    ],
    [
      "is its largest init container",
      { containers: [container({ cpu: "1" })], initContainers: [container({ cpu: "3" }), container({ cpu: "2" })] },
      { cpu: 3 },
    ],
    [
      "has its sidecars beside",
      {
        containers: [container({ cpu: "1" })],
        initContainers: [container({ cpu: "1" }, {}, { restartPolicy: "Always" }), container({ cpu: "2" })],
      },
      { cpu: 3 },
    ],
    [
      "has its overhead on top",
      { containers: [container({ cpu: "1" })], overhead: { cpu: "250m", memory: "1" } },
      { cpu: 1.25, memory: 1 },
    ],
    [
      "is what it says as a whole",
      { containers: [container({ cpu: "1" })], resources: { requests: { cpu: "4" } } },
      { cpu: 4 },
    ],
  ])("%s", (_what, spec, expected) => {
    expect(plain(podAmounts(spec, "requests"))).toEqual(expected);
  });
});

describe("what an object counts for", () => {
  const kind = (plural: string, group = "") => ({ group, plural });
  it.each<[string, Parameters<typeof usageOf>[0], ApiObject, object]>([
    [
      "a pod",
      kind("pods"),
      pod("p", { containers: [container({ cpu: "1", "x.com/gpu": "2" }, { memory: "1k" })] }),
      { "count/pods": 1, pods: 1, cpu: 1, "requests.cpu": 1, "requests.x.com/gpu": 2, "limits.memory": 1000 },
    ],
    [
      "a pod that has ended",
      kind("pods"),
      pod("p", { containers: [container({ cpu: "1" })] }, { status: { phase: "Failed" } }),
      { "count/pods": 1 },
    ],
    [
      "a Service with node ports",
      kind("services"),
      namespaced("Service", "s", { spec: { type: "LoadBalancer", ports: [{}, {}] } }),
      { "count/services": 1, services: 1, "services.loadbalancers": 1, "services.nodeports": 2 },
    ],
    [
      "a claim",
      kind("persistentvolumeclaims"),
      namespaced("PersistentVolumeClaim", "c", {
        spec: { storageClassName: "fast", resources: { requests: { storage: "2k" } } },
      }),
      {
        "count/persistentvolumeclaims": 1,
        persistentvolumeclaims: 1,
        "requests.storage": 2000,
        "fast.storageclass.storage.k8s.io/requests.storage": 2000,
        "fast.storageclass.storage.k8s.io/persistentvolumeclaims": 1,
      },
    ],
    ["a Deployment", kind("deployments", "apps"), namespaced("Deployment", "d"), { "count/deployments.apps": 1 }],
  ])("%s", (_what, of, counted, expected) => {
    expect(plain(usageOf(of, counted))).toEqual(expected);
  });
});

describe("a quota's scopes", () => {
  const selector = (operator: string, values?: string[]) => ({
    scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator, ...(values ? { values } : {}) }] },
  });
  it.each<[string, object, object, boolean]>([
    ["none", {}, {}, true],
    ["Terminating", { scopes: ["Terminating"] }, { activeDeadlineSeconds: 5 }, true],
    ["NotTerminating", { scopes: ["NotTerminating"] }, { activeDeadlineSeconds: 5 }, false],
    ["BestEffort", { scopes: ["BestEffort"] }, { containers: [container()] }, true],
    ["NotBestEffort", { scopes: ["NotBestEffort"] }, { containers: [container({ cpu: "1" })] }, true],
    ["all of several", { scopes: ["NotBestEffort", "Terminating"] }, { containers: [container({ cpu: "1" })] }, false],
    ["a class", selector("In", ["high"]), { priorityClassName: "high" }, true],
    ["another class", selector("NotIn", ["high"]), { priorityClassName: "high" }, false],
    [
      "CrossNamespacePodAffinity",
      { scopes: ["CrossNamespacePodAffinity"] },
      { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ namespaces: ["x"] }] } } },
      true,
    ],
  ])("%s", (_what, spec, podSpec, expected) => {
    expect(matchesScopes(spec, "pods", pod("p", podSpec))).toBe(expected);
  });

  it.each<[string, { operator: string; values?: string[] }, Record<string, unknown>, boolean]>([
    ["a class", { operator: "Exists" }, { spec: { volumeAttributesClassName: "gold" } }, true],
    ["no class", { operator: "Exists" }, { spec: {} }, false],
    ["this class", { operator: "In", values: ["gold"] }, { spec: { volumeAttributesClassName: "gold" } }, true],
    ["another class", { operator: "In", values: ["gold"] }, { spec: { volumeAttributesClassName: "iron" } }, false],
    [
      "a class that it still has",
      { operator: "In", values: ["gold"] },
      { spec: { volumeAttributesClassName: "iron" }, status: { currentVolumeAttributesClassName: "gold" } },
      true,
    ],
    [
      "a class that it is to have",
      { operator: "In", values: ["gold"] },
      { spec: {}, status: { modifyVolumeStatus: { targetVolumeAttributesClassName: "gold", status: "Pending" } } },
      true,
    ],
    ["none, of claims without", { operator: "NotIn", values: ["gold"] }, { spec: {} }, true],
  ])("are about a claim's class: %s", (_what, expression, claim, expected) => {
    const spec = { scopeSelector: { matchExpressions: [{ scopeName: "VolumeAttributesClass", ...expression }] } };
    const made = namespaced("PersistentVolumeClaim", "c", claim);
    expect(matchesScopes(spec, "persistentvolumeclaims", made)).toBe(expected);
    expect(matchesScopes(spec, "pods", made)).toBe(false);
  });

  it("are none of a quota without a spec", () => {
    expect(matchesScopes(undefined, "pods", pod("p"))).toBe(true);
  });

  it("are about pods alone", () => {
    expect(matchesScopes({ scopes: ["NotTerminating"] }, "services", namespaced("Service", "s"))).toBe(false);
  });
});

/** Quotas whose status is written as the API does it, but for conflicts: another writer comes between now and then. */
function cluster(hard: object, objects: Record<string, ApiObject[]> = {}, spec: object = {}) {
  const quota = namespaced("ResourceQuota", "q", { spec: { hard, ...spec } });
  const lookup = fakeLookup({ resourcequotas: [quota], ...objects });
  let writes = 0;
  const plugin = new ResourceQuota({
    lookup,
    objects: (group, plural, namespace) => lookup.list(group === "" ? plural : `${group}/${plural}`, namespace),
    updateStatus: async (namespace, name, change) => {
      writes++;
      const changed = await change(lookup.get("resourcequotas", namespace, name)!);
      await Promise.resolve();
      lookup.put("resourcequotas", changed);
    },
  });
  const status = () =>
    lookup.get("resourcequotas", "ns", "q")!["status"] as { used?: object; hard?: object } | undefined;
  const request = (
    operation: AdmissionRequest["operation"],
    plural: string,
    now?: ApiObject,
    old?: ApiObject,
    dryRun = false,
  ): AdmissionRequest => ({
    operation,
    resource: builtIn.find((row) => row.plural === plural)!,
    subresource: "",
    namespace: "ns",
    name: (now ?? old)!.metadata.name!,
    object: now,
    old,
    user: { name: "jane", groups: [] },
    dryRun,
    warnings: [],
  });
  return { plugin, status, request, writes: () => writes };
}

describe("ResourceQuota", () => {
  it("counts up before a write, and down behind a deletion", async () => {
    const { plugin, status, request } = cluster({ pods: "2", "requests.cpu": "2" });
    const web = pod("web", { containers: [container({ cpu: "1500m" })] });
    await (await plugin.reserve(request("CREATE", "pods", web)))!.keep();
    expect(status()).toEqual({
      hard: { pods: "2", "requests.cpu": "2" },
      used: { pods: "1", "requests.cpu": "1500m" },
    });
    const gone = (await plugin.reserve(request("DELETE", "pods", undefined, web)))!;
    expect(status()!.used).toEqual({ pods: "1", "requests.cpu": "1500m" });
    await gone.keep();
    expect(status()!.used).toEqual({ pods: "0", "requests.cpu": "0" });
  });

  it("refuses what is too much, in upstream's words", async () => {
    const { plugin, request, status } = cluster({ pods: "1", "requests.memory": "1Gi" }, { pods: [pod("old")] });
    const asked = request("CREATE", "pods", pod("web", { containers: [container({ memory: "2Gi" })] }));
    await expect(plugin.reserve(asked)).rejects.toThrow(
      'pods "web" is forbidden: exceeded quota: q, requested: pods=1,requests.memory=2Gi, used: pods=1,requests.memory=0, limited: pods=1,requests.memory=1Gi',
    );
    expect(status()).toBeUndefined();
  });

  it("counts what is there already where nobody has", async () => {
    const { plugin, request, status } = cluster(
      { configmaps: "3", "count/deployments.apps": "5" },
      { configmaps: [namespaced("ConfigMap", "a")], "apps/deployments": [namespaced("Deployment", "d")] },
    );
    await plugin.reserve(request("CREATE", "configmaps", namespaced("ConfigMap", "b")));
    expect(status()!.used).toEqual({ configmaps: "2", "count/deployments.apps": "1" });
  });

  it("gives back where the write did not happen", async () => {
    const { plugin, request, status } = cluster({ configmaps: "1" });
    const asked = request("CREATE", "configmaps", namespaced("ConfigMap", "a"));
    await (await plugin.reserve(asked))!.release();
    expect(status()!.used).toEqual({ configmaps: "0" });
    await plugin.reserve(asked);
    expect(status()!.used).toEqual({ configmaps: "1" });
  });

  it("lets of fifty at once exactly as many in as there is room", async () => {
    const { plugin, request, status } = cluster({ configmaps: "7" });
    const asked = Array.from({ length: 50 }, (_, i) =>
      plugin.reserve(request("CREATE", "configmaps", namespaced("ConfigMap", `m${i}`))),
    );
    const results = await Promise.allSettled(asked);
    expect(results.filter(({ status: outcome }) => outcome === "fulfilled")).toHaveLength(7);
    expect(status()!.used).toEqual({ configmaps: "7" });
  });

  it("moves by what an update changes", async () => {
    const { plugin, request, status } = cluster({ "services.nodeports": "2" });
    const service = (type: string) => namespaced("Service", "s", { spec: { type, ports: [{}] } });
    await (await plugin.reserve(request("UPDATE", "services", service("NodePort"), service("ClusterIP"))))!.keep();
    expect(status()!.used).toEqual({ "services.nodeports": "1" });
    await (await plugin.reserve(request("UPDATE", "services", service("ClusterIP"), service("NodePort"))))!.keep();
    expect(status()!.used).toEqual({ "services.nodeports": "0" });
  });

  it("asks in a dry run, and writes nothing", async () => {
    const { plugin, request, writes } = cluster({ configmaps: "1" }, { configmaps: [namespaced("ConfigMap", "a")] });
    await expect(
      plugin.reserve(request("CREATE", "configmaps", namespaced("ConfigMap", "b"), undefined, true)),
    ).rejects.toThrow("exceeded quota");
    expect(writes()).toBe(0);
  });

  it("writes nothing for what it does not bound", async () => {
    const { plugin, request, writes } = cluster({ pods: "1" });
    expect(await plugin.reserve(request("CREATE", "configmaps", namespaced("ConfigMap", "b")))).toBeUndefined();
    expect(writes()).toBe(0);
  });

  it("wants pods to say what it bounds", () => {
    const { plugin, request } = cluster({ "limits.cpu": "1", memory: "1Gi" });
    expect(() =>
      plugin.validate(
        request(
          "CREATE",
          "pods",
          pod("web", { containers: [container({ memory: "1" }), { ...container(), name: "d" }] }),
        ),
      ),
    ).toThrow('pods "web" is forbidden: failed quota: q: must specify limits.cpu for: c,d; memory for: d');
  });

  it("counts in whole nanos", () => {
    expect(usageOf({ group: "", plural: "configmaps" }, namespaced("ConfigMap", "a")).get("configmaps")).toBe(one);
  });
});
