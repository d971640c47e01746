/** Joins the search for abandoned attachments with this node's kernel and runtime. */
import type { CniServer } from "../../cni/server.ts";
import type { NetworkConfiguration } from "../config/network.ts";
import { messageOf } from "../errors/message.ts";
import type { RoutingPort } from "../kernel/ports.ts";
import { openRuntime } from "../kubelet/cri/grpc_runtime.ts";
import type { ProgramLog } from "../log/log.ts";
import { Abandoned } from "../network/abandoned/abandoned.ts";
import type { NodePodNetwork } from "../network/pod_network.ts";
import type { PrometheusMetrics } from "../network/prometheus.ts";
import type { Closes } from "./part.ts";

interface OpenAbandoned {
  readonly config: NetworkConfiguration;
  readonly network: NodePodNetwork;
  readonly cni: CniServer;
  readonly routing: RoutingPort;
  readonly closes: Closes;
  readonly metrics: PrometheusMetrics;
  readonly log: ProgramLog["log"];
}

/** A list of a node's sandboxes: ms. KubeletConfiguration's runtimeRequestTimeout is made for pulls. */
const timeoutMs = 30_000;

export function openAbandoned({ config, network, cni, routing, closes, metrics, log }: OpenAbandoned): Abandoned {
  const { containerRuntimeEndpoint: endpoint } = config;
  const runtime = endpoint === "" ? undefined : closes.own(openRuntime({ endpoint, timeoutMs }));
  return new Abandoned({
    attached: () => network.attached(),
    links: () => routing.links({ kind: "veth" }),
    sandboxes: runtime && (async () => (await runtime.listPodSandboxes()).map(({ id }) => id)),
    release: (attachment) => network.release(attachment),
    inTurn: (containerId, work) => cni.inTurn(containerId, work),
    onReleased: ({ containerId, ifName, detail: { pod } }, why) => {
      metrics.released();
      log.info({ containerId, ifName, pod: `${pod.namespace}/${pod.name}`, why }, "took an abandoned interface away");
    },
    onError: (error) => {
      metrics.failed("abandoned");
      log.warn({ error: messageOf(error) }, "cannot look for abandoned interfaces; it is tried again");
    },
  });
}
