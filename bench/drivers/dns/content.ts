/** The cluster that DNS is asked about: every tenth Service is headless, so that its endpoints are its answer. */

const zone = "default.svc.cluster.local";

export function addressOf(a: number, b: number): string {
  return `10.244.${a}.${b}`;
}

export function isHeadless(i: number): boolean {
  return i % 10 === 0;
}

export function nameOf(i: number): string {
  return `svc-${i}.${zone}`;
}

export function serviceOf(i: number): object {
  const ports = [{ name: "http", port: 80 }];
  const spec = isHeadless(i) ? { clusterIP: "None", ports } : { ports };
  return { apiVersion: "v1", kind: "Service", metadata: { name: `svc-${i}` }, spec };
}

export function sliceOf(i: number): object {
  const endpoints = [1, 2, 3, 4].map((last) => ({
    addresses: [addressOf(i % 200, last + 4 * (Math.floor(i / 200) % 40))],
    conditions: { ready: true },
  }));
  const labels = { "kubernetes.io/service-name": `svc-${i}` };
  const ports = [{ name: "http", port: 8080, protocol: "TCP" }];
  const about = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata: { name: `svc-${i}`, labels } };
  return { ...about, addressType: "IPv4", endpoints, ports };
}
