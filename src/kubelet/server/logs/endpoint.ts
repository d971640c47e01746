/** /containerLogs/{namespace}/{pod}/{container} */
import { FairleadError } from "../../../errors/catalogue.ts";
import type { RuntimeService } from "../../cri/runtime.ts";
import { allContainers } from "../../pods/containers.ts";
import { sendParts, type Asked, type Endpoint } from "../endpoint.ts";
import type { PodIndex, PodView } from "../pod_index.ts";
import { Refusal } from "../refusal.ts";
import { loggedContainer } from "./container_logs.ts";
import { logOptions } from "./options.ts";
import { LogReader } from "./read.ts";

export interface LogHost {
  readonly pods: PodIndex;
  readonly runtime: Pick<RuntimeService, "containerStatus">;
  readonly now: () => number;
}

export function logEndpoint(host: LogHost): Endpoint {
  return {
    path: "/containerLogs/{namespace}/{pod}/{container}",
    async answer(asked, response) {
      const reader = await openLog(host, asked);
      try {
        response.setHeader("Content-Type", "text/plain");
        // A client that follows is to know that it may, before anything is said.
        response.flushHeaders();
        await sendParts(response, reader.chunks());
        response.end();
      } finally {
        await reader.close();
      }
    },
  };
}

async function openLog({ pods, runtime, now }: LogHost, { params, query, signal }: Asked): Promise<LogReader> {
  const options = logOptions(query, now());
  const { namespace = "", pod = "", container = "" } = params;
  const view = pods.find(namespace, pod);
  if (!view) throw new Refusal(404, `pod "${pod}" does not exist`);
  if (!allContainers(view.current).some(({ spec }) => spec.name === container)) {
    throw new Refusal(404, `container "${container}" not found in pod "${pod}"`);
  }
  const id = loggedContainer(view.current, container, options.previous);
  const file = await logPath(runtime, view, id);
  const isRunning = (): boolean =>
    (pods.find(namespace, pod) ?? view).observed.containers.some((one) => one.id === id && one.state === "running");
  return LogReader.open({ file, options, isRunning, signal }).catch((error: Error) => {
    throw new Refusal(400, error.message);
  });
}

async function logPath(runtime: LogHost["runtime"], { observed }: PodView, id: string): Promise<string> {
  const known = observed.containers.find((one) => one.id === id)?.logPath;
  if (known) return known;
  try {
    return (await runtime.containerStatus(id)).logPath;
  } catch (error) {
    if (!(error instanceof FairleadError)) throw error;
    throw new Refusal(400, `unable to retrieve container logs for containerd://${id}`);
  }
}
