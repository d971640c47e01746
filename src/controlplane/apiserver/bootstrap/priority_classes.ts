/** The two priorities above everything that users make (pkg/apis/scheduling/v1/helpers.go). */
import type { Loopback } from "../loopback/loopback.ts";

const apiVersion = "scheduling.k8s.io/v1";
const kind = "PriorityClass";

/** The built-in classes; their values may not be changed and they may not be deleted. */
export const systemPriorityClasses = [
  {
    apiVersion,
    kind,
    metadata: { name: "system-node-critical" },
    value: 2_000_001_000,
    globalDefault: false,
    description: "Used for system critical pods that must not be moved from their current node.",
    preemptionPolicy: "PreemptLowerPriority",
  },
  {
    apiVersion,
    kind,
    metadata: { name: "system-cluster-critical" },
    value: 2_000_000_000,
    globalDefault: false,
    description:
      "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    preemptionPolicy: "PreemptLowerPriority",
  },
] as const;

/** Makes those that are missing. */
export async function ensurePriorityClasses(api: Loopback): Promise<void> {
  const path = "/apis/scheduling.k8s.io/v1/priorityclasses";
  await Promise.all(
    systemPriorityClasses.map(async (object) => {
      if (!(await api.get(`${path}/${object.metadata.name}`))) await api.create(path, object);
    }),
  );
}
