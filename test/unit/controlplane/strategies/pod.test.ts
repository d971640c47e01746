import { describe, expect, it } from "vitest";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import type { PodSpec } from "../../../../src/controlplane/apiserver/strategies/pod/model.ts";
import { qosClassOf } from "../../../../src/model/qos_class.ts";
import { causes, created, object, refusals, type Fields } from "./life.ts";

const container = (more: Fields = {}): Fields => ({ name: "c", image: "nginx", ...more });
const pod = (spec: Fields = {}, metadata: Fields = {}) =>
  object("v1", "Pod", { spec: { containers: [container()], ...spec } }, metadata);
const podOf = (more: Fields, spec: Fields = {}) => pod({ ...spec, containers: [container(more)] });
const withVolume = (volume: Fields) => pod({ volumes: [{ name: "v", ...volume }] });
const specOf = (made: ApiObject) => made["spec"] as PodSpec;

describe("defaults", () => {
  it("are upstream's for a pod of one container", () => {
    const { spec, status } = created(pod());
    expect(spec).toEqual({
      containers: [
        {
          name: "c",
          image: "nginx",
          imagePullPolicy: "Always",
          resources: {},
          terminationMessagePath: "/dev/termination-log",
          terminationMessagePolicy: "File",
        },
      ],
      dnsPolicy: "ClusterFirst",
      enableServiceLinks: true,
      restartPolicy: "Always",
      schedulerName: "default-scheduler",
      securityContext: {},
      terminationGracePeriodSeconds: 30,
    });
    expect(status).toEqual({ phase: "Pending", qosClass: "BestEffort" });
  });

  it.each([
    ["nginx", "Always"],
    ["nginx:latest", "Always"],
    ["nginx:1.27", "IfNotPresent"],
    ["registry:5000/nginx", "Always"],
    ["registry:5000/nginx:1", "IfNotPresent"],
    [`nginx@sha256:${"0".repeat(64)}`, "IfNotPresent"],
  ])("pull %s %s", (image, policy) => {
    expect(specOf(created(podOf({ image }))).containers![0]!.imagePullPolicy).toBe(policy);
  });

  it("reach probes, ports, environment and hooks", () => {
    const made = podOf({
      ports: [{ containerPort: 80 }],
      livenessProbe: { httpGet: { port: 80 } },
      readinessProbe: { grpc: { port: 1 } },
      lifecycle: { preStop: { httpGet: { port: 80 } } },
      env: [
        { name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "B", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
      ],
    });
    const timing = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
    expect(specOf(created(made)).containers![0]!).toMatchObject({
      ports: [{ containerPort: 80, protocol: "TCP" }],
      livenessProbe: { httpGet: { port: 80, path: "/", scheme: "HTTP" }, ...timing },
      readinessProbe: { grpc: { port: 1, service: "" }, ...timing },
      lifecycle: { preStop: { httpGet: { path: "/", scheme: "HTTP" } } },
      env: [{ valueFrom: { fieldRef: { apiVersion: "v1" } } }, { valueFrom: { resourceFieldRef: { divisor: "0" } } }],
    });
    expect(refusals(made)).toEqual([]);
  });

  it.each([
    [{}, { emptyDir: {} }],
    [{ configMap: { name: "m" } }, { configMap: { name: "m", defaultMode: 420 } }],
    [{ secret: { secretName: "s" } }, { secret: { secretName: "s", defaultMode: 420 } }],
    [{ hostPath: { path: "/x" } }, { hostPath: { path: "/x", type: "" } }],
    [
      { projected: { sources: [{ serviceAccountToken: { path: "t" } }] } },
      { projected: { defaultMode: 420, sources: [{ serviceAccountToken: { path: "t", expirationSeconds: 3600 } }] } },
    ],
    [
      { downwardAPI: { items: [{ path: "l", fieldRef: { fieldPath: "metadata.labels" } }] } },
      {
        downwardAPI: {
          defaultMode: 420,
          items: [{ path: "l", fieldRef: { apiVersion: "v1", fieldPath: "metadata.labels" } }],
        },
      },
    ],
  ])("of the volume %j", (sent, stored) => {
    expect(specOf(created(withVolume(sent))).volumes).toEqual([{ name: "v", ...stored }]);
  });

  it("take requests from limits, and host ports from ports on the host's network", () => {
    const made = created(
      podOf(
        {
          resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } },
          ports: [{ containerPort: 80 }],
        },
        { hostNetwork: true },
      ),
    );
    expect(specOf(made).containers![0]!.resources!.requests).toEqual({ cpu: "500m", memory: "1Gi" });
    expect(specOf(made).containers![0]!.ports![0]!.hostPort).toBe(80);
  });

  it("hold a gated pod back in its first status", () => {
    expect(created(pod({ schedulingGates: [{ name: "g.example/x" }] }))["status"]).toMatchObject({
      conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }],
    });
  });
});

describe("class of service", () => {
  const of = (...resources: Fields[]) => qosClassOf({ containers: resources.map((one) => ({ resources: one })) });
  const whole = { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1", memory: "1Gi" } };
  it("is of all containers", () => {
    expect(of({}, {})).toBe("BestEffort");
    expect(of(whole, whole)).toBe("Guaranteed");
    expect(of(whole, {})).toBe("Burstable");
    expect(of({ ...whole, requests: { cpu: "1", memory: "1Mi" } })).toBe("Burstable");
    expect(of({ limits: { "example.com/gpu": "1" } })).toBe("BestEffort");
  });
});

describe("a pod is refused", () => {
  it.each<[string, ReturnType<typeof pod>, string[]]>([
    ["no containers", pod({ containers: [] }), ["Required spec.containers"]],
    ["no image", podOf({ image: undefined }), ["Required spec.containers[0].image"]],
    ["a padded image", podOf({ image: " nginx" }), ["Invalid spec.containers[0].image"]],
    [
      "a bad name and a bad policy",
      podOf({ name: "A", imagePullPolicy: "Now" }),
      ["Invalid spec.containers[0].name", "NotSupported spec.containers[0].imagePullPolicy"],
    ],
    ["a name twice", pod({ containers: [container(), container()] }), ["Duplicate spec.containers[1].name"]],
    ["a restart policy", pod({ restartPolicy: "Sometimes" }), ["NotSupported spec.restartPolicy"]],
    [
      "a port",
      podOf({ ports: [{ containerPort: 0 }, { containerPort: 70000, protocol: "ICMP" }] }),
      [
        "Required spec.containers[0].ports[0].containerPort",
        "Invalid spec.containers[0].ports[1].containerPort",
        "NotSupported spec.containers[0].ports[1].protocol",
      ],
    ],
    [
      "a port's name",
      podOf({ ports: [{ containerPort: 1, name: "much-too-long-a-name" }] }),
      ["Invalid spec.containers[0].ports[0].name"],
    ],
    [
      "a host port twice",
      podOf({
        ports: [
          { containerPort: 1, hostPort: 1 },
          { containerPort: 2, hostPort: 1 },
        ],
      }),
      ["Duplicate spec.containers[0].ports[1].hostPort"],
    ],
    [
      "a host port beside the port",
      podOf({ ports: [{ containerPort: 1, hostPort: 2 }] }, { hostNetwork: true }),
      ["Invalid spec.containers[0].ports[0].hostPort"],
    ],
    [
      "a variable without a name",
      podOf({ env: [{ name: "" }, { name: "a=b" }] }),
      ["Required spec.containers[0].env[0].name", "Invalid spec.containers[0].env[1].name"],
    ],
    [
      "a variable from nothing",
      podOf({ env: [{ name: "A", valueFrom: {} }] }),
      ["Invalid spec.containers[0].env[0].valueFrom"],
    ],
    [
      "a field that is none",
      podOf({ env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "spec.x" } } }] }),
      ["Invalid spec.containers[0].env[0].valueFrom.fieldRef.fieldPath"],
    ],
    [
      "labels in the environment",
      podOf({ env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.labels" } } }] }),
      ["NotSupported spec.containers[0].env[0].valueFrom.fieldRef.fieldPath"],
    ],
    [
      "a mount of nothing",
      podOf({ volumeMounts: [{ name: "n", mountPath: "/m" }] }),
      ["NotFound spec.containers[0].volumeMounts[0].name"],
    ],
    [
      "a mount twice",
      podOf(
        {
          volumeMounts: [
            { name: "v", mountPath: "/m" },
            { name: "v", mountPath: "/m" },
          ],
        },
        { volumes: [{ name: "v" }] },
      ),
      ["Invalid spec.containers[0].volumeMounts[1].mountPath"],
    ],
    [
      "a sub path that leaves",
      podOf({ volumeMounts: [{ name: "v", mountPath: "/m", subPath: "../x" }] }, { volumes: [{ name: "v" }] }),
      ["Invalid spec.containers[0].volumeMounts.subPath"],
    ],
    [
      "two sources of a volume",
      withVolume({ emptyDir: {}, hostPath: { path: "/x" } }),
      ["Forbidden spec.volumes[0].hostPath"],
    ],
    ["a volume twice", pod({ volumes: [{ name: "v" }, { name: "v" }] }), ["Duplicate spec.volumes[1].name"]],
    [
      "a volume's fields",
      pod({
        volumes: [
          { name: "a", nfs: { server: "s", path: "x" } },
          { name: "b", hostPath: {} },
          { name: "c", configMap: { defaultMode: 512 } },
        ],
      }),
      [
        "Invalid spec.volumes[0].nfs.path",
        "Required spec.volumes[1].hostPath.path",
        "Required spec.volumes[2].configMap.name",
        "Invalid spec.volumes[2].configMap.defaultMode",
      ],
    ],
    [
      "a key's path",
      withVolume({ secret: { secretName: "s", items: [{ key: "k", path: "/abs" }] } }),
      ["Invalid spec.volumes[0].secret.items[0].path"],
    ],
    [
      "a request above its limit",
      podOf({ resources: { limits: { cpu: "1" }, requests: { cpu: "2" } } }),
      ["Invalid spec.containers[0].resources.requests"],
    ],
    [
      "an unknown resource",
      podOf({ resources: { limits: { pods: "1", gpu: "1" } } }),
      [
        "Invalid spec.containers[0].resources.limits[pods]",
        "Invalid spec.containers[0].resources.limits[gpu]",
        "Invalid spec.containers[0].resources.limits[gpu]",
        "Invalid spec.containers[0].resources.requests[pods]",
        "Invalid spec.containers[0].resources.requests[gpu]",
        "Invalid spec.containers[0].resources.requests[gpu]",
      ],
    ],
    [
      "half a device",
      podOf({ resources: { limits: { "example.com/gpu": "500m" }, requests: { "example.com/gpu": "500m" } } }),
      [
        "Invalid spec.containers[0].resources.limits[example.com/gpu]",
        "Invalid spec.containers[0].resources.requests[example.com/gpu]",
      ],
    ],
    [
      "huge pages alone",
      podOf({ resources: { limits: { "hugepages-2Mi": "3Mi" } } }),
      [
        "Invalid spec.containers[0].resources.limits[hugepages-2Mi]",
        "Invalid spec.containers[0].resources.requests[hugepages-2Mi]",
        "Forbidden spec.containers[0].resources",
      ],
    ],
    ["a probe of nothing", podOf({ livenessProbe: {} }), ["Required spec.containers[0].livenessProbe"]],
    [
      "a liveness probe that succeeds twice",
      podOf({ livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } }),
      ["Invalid spec.containers[0].livenessProbe.successThreshold"],
    ],
    [
      "two handlers",
      podOf({ livenessProbe: { tcpSocket: { port: 1 }, exec: { command: ["x"] } } }),
      ["Forbidden spec.containers[0].livenessProbe.tcpSocket"],
    ],
    [
      "a sleep beyond the grace period",
      podOf({ lifecycle: { preStop: { sleep: { seconds: 31 } } } }),
      ["Invalid spec.containers[0].lifecycle.preStop.sleep"],
    ],
    [
      "a probe of an init container",
      pod({ initContainers: [container({ name: "i", livenessProbe: { tcpSocket: { port: 1 } } })] }),
      ["Forbidden spec.initContainers[0].livenessProbe"],
    ],
    [
      "an init container's policy",
      pod({ initContainers: [container({ name: "i", restartPolicy: "Never" })] }),
      ["NotSupported spec.initContainers[0].restartPolicy"],
    ],
    ["a container's policy", podOf({ restartPolicy: "Always" }), ["Forbidden spec.containers[0].restartPolicy"]],
    [
      "containers to look inside",
      pod({ ephemeralContainers: [container({ name: "e" })] }),
      ["Forbidden spec.ephemeralContainers"],
    ],
    [
      "a toleration",
      pod({ tolerations: [{ operator: "Equal" }, { key: "k", operator: "Exists", value: "v", effect: "Never" }] }),
      [
        "Invalid spec.tolerations[0].operator",
        "Invalid spec.tolerations[1].operator",
        "NotSupported spec.tolerations[1].effect",
      ],
    ],
    [
      "an affinity",
      pod({
        affinity: {
          nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } },
          podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: {} }] },
        },
      }),
      [
        "Required spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms",
        "Required spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey",
        "Invalid spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey",
        "Invalid spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey",
      ],
    ],
    [
      "a spread",
      pod({ topologySpreadConstraints: [{ maxSkew: 0, topologyKey: "zone", whenUnsatisfiable: "Maybe" }] }),
      [
        "Invalid spec.topologySpreadConstraints[0].maxSkew",
        "NotSupported spec.topologySpreadConstraints[0].whenUnsatisfiable",
      ],
    ],
    [
      "privileges and none",
      podOf({ securityContext: { privileged: true, allowPrivilegeEscalation: false } }),
      ["Invalid spec.containers[0].securityContext"],
    ],
    [
      "a user id",
      pod({ securityContext: { runAsUser: -1, sysctls: [{ name: "Bad" }] } }),
      ["Invalid spec.securityContext.runAsUser", "Invalid spec.securityContext.sysctls[0].name"],
    ],
    [
      "a profile without its file",
      podOf({ securityContext: { seccompProfile: { type: "Localhost" } } }),
      ["Required spec.containers[0].securityContext.seccompProfile.localhostProfile"],
    ],
    ["no resolver", pod({ dnsPolicy: "None" }), ["Required spec.dnsConfig"]],
    [
      "a resolver that is no address",
      pod({ dnsConfig: { nameservers: ["dns"] } }),
      ["Invalid spec.dnsConfig.nameservers[0]"],
    ],
    [
      "a host alias",
      pod({ hostAliases: [{ ip: "1.2.3", hostnames: ["a_b"] }] }),
      ["Invalid spec.hostAliases[0].ip", "Invalid spec.hostAliases[0].hostnames[0]"],
    ],
    ["a gate twice", pod({ schedulingGates: [{ name: "a" }, { name: "a" }] }), ["Duplicate spec.schedulingGates[1]"]],
    ["a node behind a gate", pod({ nodeName: "n", schedulingGates: [{ name: "a" }] }), ["Forbidden spec.nodeName"]],
    ["a deadline", pod({ activeDeadlineSeconds: 0 }), ["Invalid spec.activeDeadlineSeconds"]],
    [
      "user namespaces on the host's network",
      pod({ hostUsers: false, hostNetwork: true }),
      ["Forbidden spec.hostNetwork"],
    ],
    ["another system", pod({ os: { name: "plan9" } }), ["NotSupported spec.os"]],
    [
      "Linux's fields on Windows",
      podOf({ securityContext: { privileged: true } }, { os: { name: "windows" } }),
      ["Forbidden spec.containers[0].securityContext.privileged"],
    ],
    [
      "less for the pod than for its containers",
      pod({
        containers: [container({ resources: { requests: { cpu: "2" } } })],
        resources: { requests: { cpu: "1" } },
      }),
      ["Invalid spec.resources.requests[cpu]"],
    ],
    [
      "a token without an account",
      withVolume({ projected: { sources: [{ serviceAccountToken: { path: "t", expirationSeconds: 60 } }] } }),
      [
        "Invalid spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds",
        "Forbidden spec.volumes[0].projected.sources[0].serviceAccountToken",
      ],
    ],
    [
      "a name, and what is inside",
      pod({ containers: [] }, { name: "A_b", labels: { "a/b/c": "-" } }),
      ["Invalid metadata.name", "Invalid metadata.labels", "Invalid metadata.labels", "Required spec.containers"],
    ],
  ])("for %s", (_what, sent, expected) => {
    expect(refusals(sent)).toEqual(expected);
  });

  it("in upstream's words", () => {
    expect(causes(pod({ restartPolicy: "Sometimes" }))).toEqual([
      {
        reason: "FieldValueNotSupported",
        message: 'Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
        field: "spec.restartPolicy",
      },
    ]);
  });
});
