/** A runtime whose every call is counted (pkg/kubelet/kuberuntime/instrumented_services.go). */
import type { Runtime } from "../../cri/runtime.ts";
import type { KubeletMetrics } from "./kubelet_metrics.ts";

/** upstream's names of what is not the method's name in small letters. */
const names: Readonly<Record<string, string>> = {
  runPodSandbox: "run_podsandbox",
  stopPodSandbox: "stop_podsandbox",
  removePodSandbox: "remove_podsandbox",
  podSandboxStatus: "podsandbox_status",
  listPodSandboxes: "list_podsandbox",
  imageFilesystems: "image_fs_info",
};

type Call = (...args: unknown[]) => unknown;

/** @param now in ms, of a clock that only goes on */
export function measuredRuntime<T extends Runtime>(
  runtime: T,
  metrics: KubeletMetrics,
  now = () => performance.now(),
): T {
  const calls = new Map<string, Call>();
  return new Proxy(runtime, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      // What goes on until it is stopped has no duration.
      if (typeof method !== "function" || typeof name !== "string" || name === "watchContainers" || name === "close") {
        return method;
      }
      const known = calls.get(name) ?? measured(target, name, method as Call, metrics, now);
      calls.set(name, known);
      return known;
    },
  });
}

function measured(target: object, name: string, method: Call, metrics: KubeletMetrics, now: () => number): Call {
  const operation = names[name] ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return async (...args) => {
    const beganMs = now();
    const over = (error?: unknown): void => {
      const seconds = (now() - beganMs) / 1000;
      metrics.operation(operation, seconds, error !== undefined);
      if (name === "runPodSandbox")
        metrics.sandboxRun((args[1] as string | undefined) ?? "", seconds, error !== undefined);
    };
    try {
      const answer = await method.apply(target, args);
      over();
      return answer;
    } catch (error) {
      over(error);
      throw error;
    }
  };
}
