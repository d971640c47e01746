/** Admission of pods: what each plug-in adds, and what it refuses. */
import type { AdmissionRequest } from "../../../../src/controlplane/apiserver/admission/admission.ts";
import { LimitRanger } from "../../../../src/controlplane/apiserver/admission/limit_ranger.ts";
import { NamespaceLifecycle } from "../../../../src/controlplane/apiserver/admission/namespace_lifecycle.ts";
import { Priority } from "../../../../src/controlplane/apiserver/admission/priority.ts";
import { RuntimeClass } from "../../../../src/controlplane/apiserver/admission/runtime_class.ts";
import { ServiceAccount } from "../../../../src/controlplane/apiserver/admission/service_account.ts";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import { fakeLookup, namespaced, object } from "../../../fixtures/objects.ts";
import { describe, expect, it } from "vitest";
import { changed, container, pod, request, run } from "../../../fixtures/admission.ts";

describe("NamespaceLifecycle", () => {
  const plugin = new NamespaceLifecycle(
    fakeLookup({
      namespaces: [
        object("Namespace", "ns", { status: { phase: "Active" } }),
        object("Namespace", "ending", { status: { phase: "Terminating" } }),
        object("Namespace", "marked", {}, { deletionTimestamp: "2030-01-01T00:00:00Z" }),
      ],
    }),
  );
  const map = (namespace: string) => namespaced("ConfigMap", "m", {}, { namespace });
  it.each<[string, AdmissionRequest, string]>([
    ["an object in a namespace", request("CREATE configmaps", map("ns")), ""],
    ["one in none", request("CREATE configmaps", map("nowhere")), 'namespaces "nowhere" not found'],
    [
      "a new one in one that ends",
      request("CREATE configmaps", map("ending")),
      'configmaps "m" is forbidden: unable to create new content in namespace ending because it is being terminated',
    ],
    [
      "a new one in one that is marked",
      request("CREATE configmaps", map("marked")),
      'configmaps "m" is forbidden: unable to create new content in namespace marked because it is being terminated',
    ],
    ["a change in one that ends", request("UPDATE configmaps", map("ending"), map("ending")), ""],
    ["a deletion where none is", request("DELETE configmaps", undefined, map("nowhere")), ""],
    ["a namespace", request("CREATE namespaces", object("Namespace", "new")), ""],
    ["the end of a namespace", request("DELETE namespaces", undefined, object("Namespace", "ns")), ""],
    [
      "the end of kube-system",
      request("DELETE namespaces", undefined, object("Namespace", "kube-system")),
      'namespaces "kube-system" is forbidden: this namespace may not be deleted',
    ],
  ])("%s", async (_what, asked, expected) => {
    expect(await run(plugin, asked)).toBe(expected);
  });
});

describe("ServiceAccount", () => {
  const plugin = new ServiceAccount(
    fakeLookup({
      serviceaccounts: [
        namespaced("ServiceAccount", "default", { imagePullSecrets: [{ name: "pull" }] }),
        namespaced("ServiceAccount", "shy", { automountServiceAccountToken: false }),
      ],
    }),
    0,
  );
  const path = "/var/run/secrets/kubernetes.io/serviceaccount";

  it("gives the default account, its token and its pull secrets", async () => {
    const { spec } = await changed(
      plugin,
      "CREATE pods",
      pod({ containers: [{ name: "a" }], initContainers: [{ name: "b" }] }),
    );
    const { name } = spec.volumes![0]!;
    expect(name).toMatch(/^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(spec).toMatchObject({
      serviceAccountName: "default",
      serviceAccount: "default",
      imagePullSecrets: [{ name: "pull" }],
      containers: [{ volumeMounts: [{ name, readOnly: true, mountPath: path }] }],
      initContainers: [{ volumeMounts: [{ name, readOnly: true, mountPath: path }] }],
    });
    expect(spec.volumes![0]!.projected).toEqual({
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        {
          downwardAPI: {
            items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
          },
        },
      ],
      defaultMode: 420,
    });
  });

  it.each<[string, object]>([
    ["its account does not want it", { serviceAccountName: "shy" }],
    ["it does not want it itself", { automountServiceAccountToken: false }],
    [
      "it has something in its place",
      { containers: [{ name: "a", volumeMounts: [{ name: "own", mountPath: path }] }] },
    ],
  ])("mounts no token where %s", async (_what, spec) => {
    const made = await changed(plugin, "CREATE pods", pod({ containers: [{ name: "a" }], ...spec }));
    expect(made.spec.volumes).toBeUndefined();
  });

  it("mounts a token where the pod wants it and its account does not", async () => {
    const made = await changed(
      plugin,
      "CREATE pods",
      pod({ containers: [{ name: "a" }], serviceAccountName: "shy", automountServiceAccountToken: true }),
    );
    expect(made.spec.volumes).toHaveLength(1);
  });

  it("keeps the pod's own pull secrets", async () => {
    const made = await changed(plugin, "CREATE pods", pod({ imagePullSecrets: [{ name: "own" }] }));
    expect(made.spec.imagePullSecrets).toEqual([{ name: "own" }]);
  });

  it("refuses an account that is not there, and a mirror pod that names one", async () => {
    expect(await run(plugin, request("CREATE pods", pod({ serviceAccountName: "nobody" })))).toBe(
      'pods "p" is forbidden: error looking up service account ns/nobody: serviceaccount "nobody" not found',
    );
    const mirror = pod({ serviceAccountName: "default" }, { annotations: { "kubernetes.io/config.mirror": "x" } });
    expect(await run(plugin, request("CREATE pods", mirror))).toBe(
      'pods "p" is forbidden: a mirror pod may not reference service accounts',
    );
  });
});

describe("LimitRanger", () => {
  const plugin = (...limits: object[]) =>
    new LimitRanger(fakeLookup({ limitranges: [namespaced("LimitRange", "l", { spec: { limits } })] }));

  it("gives defaults and says so", async () => {
    const limited = plugin({
      type: "Container",
      default: { cpu: "1", memory: "1Gi" },
      defaultRequest: { cpu: "100m" },
    });
    const made = await changed(
      limited,
      "CREATE pods",
      pod({ containers: [container("a", {}, { cpu: "2" }), { name: "b" }] }),
    );
    expect(made.spec.containers).toEqual([
      container("a", { cpu: "100m" }, { cpu: "2", memory: "1Gi" }),
      container("b", { cpu: "100m" }, { cpu: "1", memory: "1Gi" }),
    ]);
    expect(made.metadata.annotations!["kubernetes.io/limit-ranger"]).toBe(
      "LimitRanger plugin set: cpu request for container a; memory limit for container a; cpu request for container b; cpu, memory limit for container b",
    );
  });

  const forbidden = 'pods "p" is forbidden: ';
  it.each<[string, object, object[], string]>([
    [
      "below the least",
      { type: "Container", min: { cpu: "100m" } },
      [container("a", { cpu: "50m" })],
      `${forbidden}minimum cpu usage per Container is 100m, but request is 50m`,
    ],
    [
      "without a request",
      { type: "Container", min: { cpu: "100m" } },
      [container("a")],
      `${forbidden}minimum cpu usage per Container is 100m.  No request is specified`,
    ],
    [
      "above the most",
      { type: "Container", max: { memory: "1Gi" } },
      [container("a", {}, { memory: "2Gi" })],
      `${forbidden}maximum memory usage per Container is 1Gi, but limit is 2Gi`,
    ],
    [
      "without a limit",
      { type: "Container", max: { memory: "1Gi" } },
      [container("a")],
      `${forbidden}maximum memory usage per Container is 1Gi.  No limit is specified`,
    ],
    [
      "of an equal amount in other words",
      { type: "Container", max: { memory: "1Gi" } },
      [container("a", {}, { memory: "1024Mi" })],
      "",
    ],
    [
      "of too much together",
      { type: "Pod", max: { cpu: "2" } },
      [container("a", {}, { cpu: "1500m" }), container("b", {}, { cpu: "1" })],
      `${forbidden}maximum cpu usage per Pod is 2, but limit is 2500m`,
    ],
    [
      "too far apart",
      { type: "Container", maxLimitRequestRatio: { cpu: "2" } },
      [container("a", { cpu: "1" }, { cpu: "3" })],
      `${forbidden}cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000`,
    ],
    [
      "wrong in two ways",
      { type: "Container", min: { cpu: "1" }, max: { cpu: "2" } },
      [container("a", { cpu: "500m" }, { cpu: "3" })],
      `${forbidden}[minimum cpu usage per Container is 1, but request is 500m, maximum cpu usage per Container is 2, but limit is 3]`,
    ],
  ])("judges a pod %s", async (_what, limit, containers, expected) => {
    expect(await run(plugin(limit), request("CREATE pods", pod({ containers })))).toBe(expected);
  });

  it("bounds claims", async () => {
    const claim = (storage: string) =>
      namespaced("PersistentVolumeClaim", "c", { spec: { resources: { requests: { storage } } } });
    const limited = plugin({ type: "PersistentVolumeClaim", min: { storage: "1Gi" }, max: { storage: "2Gi" } });
    expect(await run(limited, request("CREATE persistentvolumeclaims", claim("2Gi")))).toBe("");
    expect(await run(limited, request("CREATE persistentvolumeclaims", claim("3Gi")))).toContain(
      "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi",
    );
    expect(await run(limited, request("CREATE persistentvolumeclaims", claim("1Mi")))).toContain(
      "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi",
    );
  });
});

describe("Priority", () => {
  const priorityClass = (name: string, value: number, rest: object = {}) =>
    object("PriorityClass", name, { value, ...rest });
  const plugin = (...classes: ApiObject[]) =>
    new Priority(fakeLookup({ "scheduling.k8s.io/priorityclasses": classes }));
  const high = priorityClass("high", 1000, { preemptionPolicy: "Never" });

  it.each<[string, ApiObject[], object, object]>([
    ["of its class", [high], { priorityClassName: "high" }, { priority: 1000, preemptionPolicy: "Never" }],
    ["of none", [high], {}, { priority: 0, preemptionPolicy: "PreemptLowerPriority" }],
    [
      "of the lowest default",
      [priorityClass("b", 7, { globalDefault: true }), priorityClass("a", 5, { globalDefault: true })],
      {},
      { priority: 5, priorityClassName: "a" },
    ],
    ["that it says itself", [high], { priorityClassName: "high", priority: 1000 }, { priority: 1000 }],
  ])("gives a pod the number %s", async (_what, classes, spec, expected) => {
    expect((await changed(plugin(...classes), "CREATE pods", pod(spec))).spec).toMatchObject(expected);
  });

  it.each<[object, string]>([
    [{ priorityClassName: "low" }, "no PriorityClass with name low was found"],
    [
      { priority: 5 },
      "the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name",
    ],
    [
      { priorityClassName: "high", preemptionPolicy: "PreemptLowerPriority" },
      "the string value of PreemptionPolicy (PreemptLowerPriority) must not be provided in pod spec; priority admission controller computed Never from the given PriorityClass name",
    ],
  ])("refuses %j", async (spec, why) => {
    expect(await run(plugin(high), request("CREATE pods", pod(spec)))).toBe(`pods "p" is forbidden: ${why}`);
  });

  it("lets one class be the default", async () => {
    const both = plugin(priorityClass("a", 1, { globalDefault: true }));
    const second = priorityClass("b", 2, { globalDefault: true });
    expect(await run(both, request("CREATE priorityclasses", second))).toBe(
      'priorityclasses.scheduling.k8s.io "b" is forbidden: PriorityClass a is already marked as default. Only one default can exist',
    );
  });
});

describe("RuntimeClass", () => {
  const scheduling = { nodeSelector: { kind: "vm" }, tolerations: [{ key: "vm", operator: "Exists" }] };
  const plugin = new RuntimeClass(
    fakeLookup({
      "node.k8s.io/runtimeclasses": [
        object("RuntimeClass", "vm", { overhead: { podFixed: { cpu: "250m" } }, scheduling }),
        object("RuntimeClass", "plain"),
      ],
    }),
  );

  it("adds what a sandbox costs and where it runs", async () => {
    const made = await changed(plugin, "CREATE pods", pod({ runtimeClassName: "vm" }));
    expect(made.spec).toMatchObject({ overhead: { cpu: "250m" }, ...scheduling });
  });

  it.each<[object, string]>([
    [{ runtimeClassName: "none" }, 'pod rejected: RuntimeClass "none" not found'],
    [
      { runtimeClassName: "vm", overhead: { cpu: "1" } },
      "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    ],
    [
      { runtimeClassName: "plain", overhead: { cpu: "1" } },
      "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
    ],
    [
      { runtimeClassName: "vm", nodeSelector: { kind: "x" } },
      "conflict: runtimeClass.scheduling.nodeSelector[kind] = vm; pod.spec.nodeSelector[kind] = x",
    ],
  ])("refuses %j", async (spec, why) => {
    expect(await run(plugin, request("CREATE pods", pod(spec)))).toBe(`pods "p" is forbidden: ${why}`);
  });
});
