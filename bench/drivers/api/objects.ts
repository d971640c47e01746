/** What is created: as clusters have it, the same for every system. */

export const namespace = "/api/v1/namespaces/default";

export type ObjectKind = "configmap" | "pod" | "service" | "endpointslice";

export const collections: Readonly<Record<ObjectKind, string>> = {
  configmap: `${namespace}/configmaps`,
  pod: `${namespace}/pods`,
  service: `${namespace}/services`,
  endpointslice: "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
};

/** @param bytes about the size of what a ConfigMap holds */
export function objectText(kind: ObjectKind, name: string, bytes: number): string {
  switch (kind) {
    case "configmap":
      return JSON.stringify({ kind: "ConfigMap", apiVersion: "v1", metadata: { name }, data: { text: filler(bytes) } });
    case "pod":
      return JSON.stringify(pod(name));
    case "service":
      return JSON.stringify(service(name));
    case "endpointslice":
      return JSON.stringify(endpointSlice(name));
  }
}

function filler(bytes: number): string {
  return "the quick brown fox jumps over the lazy dog ".repeat(Math.ceil(bytes / 44)).slice(0, bytes);
}

function pod(name: string): object {
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
      nodeName: `node-${name.length % 10}`,
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
