/** What is created: as clusters have it, the same for every system. */

export const namespace = "/api/v1/namespaces/default";

export type ObjectKind = "configmap" | "pod" | "unbound-pod" | "node" | "lease" | "service" | "endpointslice";

/** Where kubelets renew theirs. */
export const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

export const collections: Readonly<Record<ObjectKind, string>> = {
  configmap: `${namespace}/configmaps`,
  pod: `${namespace}/pods`,
  "unbound-pod": `${namespace}/pods`,
  node: "/api/v1/nodes",
  lease: leases,
  service: `${namespace}/services`,
  endpointslice: "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
};

/** @param bytes about the size of what a ConfigMap holds */
export function objectText(kind: ObjectKind, name: string, bytes: number): string {
  switch (kind) {
    case "configmap":
      return JSON.stringify({ kind: "ConfigMap", apiVersion: "v1", metadata: { name }, data: { text: filler(bytes) } });
    case "pod":
      return JSON.stringify(pod(name, { nodeName: `node-${name.length % 10}` }));
    case "unbound-pod":
      // The scheduler of the server that is measured leaves it alone: the load binds it.
      return JSON.stringify(pod(name, { schedulerName: "bench" }));
    case "node":
      return JSON.stringify({ kind: "Node", apiVersion: "v1", metadata: { name }, status: { capacity: { cpu: "8" } } });
    case "lease":
      return JSON.stringify(lease(name));
    case "service":
      return JSON.stringify(service(name));
    case "endpointslice":
      return JSON.stringify(endpointSlice(name));
  }
}

function filler(bytes: number): string {
  return "the quick brown fox jumps over the lazy dog ".repeat(Math.ceil(bytes / 44)).slice(0, bytes);
}

export const nodeName = (i: number): string => `node-${i}`;

/** What a kubelet reports of a pod, as a strategic merge patch. */
export function podStatus(i: number): string {
  const at = new Date(1_700_000_000_000 + i * 1000).toISOString().replace(/\.\d+/, "");
  const ready = i % 2 === 0;
  const condition = (type: string): object => ({ type, status: ready ? "True" : "False", lastTransitionTime: at });
  const state = { running: { startedAt: at } };
  const status = {
    phase: "Running",
    podIP: `10.64.${(i >> 8) & 255}.${i & 255}`,
    startTime: at,
    conditions: ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map(condition),
    containerStatuses: [
      {
        name: "app",
        ready,
        restartCount: i % 5,
        image: "i",
        imageID: "d",
        containerID: `c://${i}`,
        started: true,
        state,
      },
    ],
  };
  return JSON.stringify({ status });
}

function lease(name: string): object {
  const spec = {
    holderIdentity: name,
    leaseDurationSeconds: 40,
    renewTime: new Date().toISOString().replace("Z", "000Z"),
  };
  return { kind: "Lease", apiVersion: "coordination.k8s.io/v1", metadata: { name }, spec };
}

/** @param placed where it runs, or who is to say so */
function pod(name: string, placed: object): object {
  const labels = { app: name.replace(/-\d+$/, ""), "pod-template-hash": "6d4b75cb6d" };
  const probe = { httpGet: { path: "/healthz", port: 8080 }, initialDelaySeconds: 5, periodSeconds: 10 };
  return {
    kind: "Pod",
    apiVersion: "v1",
    metadata: { name, labels, annotations: { "prometheus.io/scrape": "true" } },
    spec: {
      containers: [
        {
          name: "app",
          image: "registry.example/app:1.2.3",
          ports: [{ containerPort: 8080, name: "http" }],
          env: [{ name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }],
          resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
          livenessProbe: probe,
          readinessProbe: probe,
          volumeMounts: [{ name: "config", mountPath: "/etc/app" }],
        },
      ],
      volumes: [{ name: "config", configMap: { name: "app" } }],
      ...placed,
    },
  };
}

function service(name: string): object {
  const ports = [{ name: "http", port: 80, targetPort: 8080, protocol: "TCP" }];
  return { kind: "Service", apiVersion: "v1", metadata: { name }, spec: { selector: { app: name }, ports } };
}

function endpointSlice(name: string): object {
  const index = Number(/\d+$/.exec(name)?.[0] ?? 0);
  const endpoints = [0, 1, 2, 3].map((i) => ({
    addresses: [`10.${64 + i}.${(index >> 8) & 255}.${index & 255}`],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node-${i}`,
    targetRef: { kind: "Pod", namespace: "default", name: `${name}-${i}` },
  }));
  return {
    kind: "EndpointSlice",
    apiVersion: "discovery.k8s.io/v1",
    metadata: { name: `${name}-x7k2p`, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints,
  };
}
