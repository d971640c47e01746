/** The pods that are started, as the API takes them. */
import type { New, Pod } from "../../../src/model/kubernetes.ts";

export function benchPod(name: string, image: string): New<Pod> {
  const container = { name: "main", image, imagePullPolicy: "IfNotPresent", command: ["/bin/sleep", "100000"] };
  return {
    metadata: { name, namespace: "default" },
    spec: { terminationGracePeriodSeconds: 0, containers: [container] },
  };
}

const port = 8080;
const every = { periodSeconds: 10, timeoutSeconds: 5 };
const readiness = { httpGet: { path: "/passwd", port }, ...every };
const livenesses = [
  { httpGet: { path: "/passwd", port }, ...every },
  { tcpSocket: { port }, ...every },
  { exec: { command: ["true"] }, ...every },
] as const;

/**
 * As users have them: each is asked over HTTP whether it is ready, and every ten seconds whether it lives: a third of them
 * over HTTP, a third by a connection, a third by a command.
 *
 * @param i which of them it is
 */
export function probedPod(name: string, image: string, i: number): New<Pod> {
  const pod = benchPod(name, image);
  const [container] = pod.spec.containers;
  const command = ["/bin/httpd", "-f", "-p", String(port), "-h", "/etc"];
  const probes = { readinessProbe: readiness, livenessProbe: livenesses[i % livenesses.length]! };
  return { ...pod, spec: { ...pod.spec, containers: [{ ...container!, command, ...probes }] } };
}
