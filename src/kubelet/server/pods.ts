/** /pods and /runningpods: what the node is to run, and what the runtime runs. */
import type { Pod } from "../../model/kubernetes.ts";
import { sendJson, type Endpoint } from "./endpoint.ts";
import type { PodIndex, PodView } from "./pod_index.ts";

export function podEndpoints(pods: PodIndex): readonly Endpoint[] {
  return [
    {
      path: "/pods",
      isReadOnly: true,
      answer: (_asked, response) => sendJson(response, podList(pods.all().map(({ current }) => plain(current)))),
    },
    {
      path: "/runningpods",
      answer: (_asked, response) =>
        sendJson(response, podList(pods.all().flatMap((view) => (isRunning(view) ? [running(view)] : [])))),
    },
  ];
}

function podList(items: readonly object[]): object {
  return { kind: "PodList", apiVersion: "v1", metadata: {}, items };
}

/** Items of a list do not say what they are. */
function plain({ metadata, spec, status }: Pod): object {
  return { metadata, spec, status };
}

function isRunning({ observed }: PodView): boolean {
  return observed.containers.some(({ state }) => state === "running");
}

/** As much as the runtime knows (kubecontainer.Pod.ToAPIPod). */
function running({ current: { metadata }, observed }: PodView): object {
  const { name, namespace, uid } = metadata;
  const containers = observed.containers
    .filter(({ state }) => state === "running")
    .map((container) => ({ name: container.name, image: container.imageId, resources: {} }));
  return { metadata: { name, namespace, uid, creationTimestamp: null }, spec: { containers }, status: {} };
}
