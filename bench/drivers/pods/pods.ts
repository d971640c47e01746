/** The pod that is started, as the API takes it. */
import type { New, Pod } from "../../../src/model/kubernetes.ts";

export function benchPod(name: string, image: string): New<Pod> {
  const container = { name: "main", image, imagePullPolicy: "IfNotPresent", command: ["/bin/sleep", "100000"] };
  return {
    metadata: { name, namespace: "default" },
    spec: { terminationGracePeriodSeconds: 0, containers: [container] },
  };
}
