/** What can be done for a pod. A step is data; src/kubelet/pods/apply carries it out. */
import type { ContainerKind } from "./containers.ts";

export type PodStep =
  | { readonly do: "prepareVolumes" }
  | { readonly do: "createSandbox"; readonly attempt: number; readonly replaces?: string }
  | { readonly do: "ensureImage"; readonly container: string }
  | {
      readonly do: "startContainer";
      readonly container: string;
      readonly kind: ContainerKind;
      readonly sandboxId: string;
      readonly restartCount: number;
    }
  | {
      readonly do: "stopContainer";
      readonly id: string;
      readonly container: string;
      readonly graceSeconds: number;
      /** For the Event; absent: upstream's "Stopping container NAME". */
      readonly message?: string;
      /** Its preStop hook is run first. */
      readonly runsHook: boolean;
    }
  | { readonly do: "removeContainer"; readonly id: string; readonly container: string }
  | { readonly do: "stopSandbox"; readonly id: string }
  | { readonly do: "removeSandbox"; readonly id: string }
  /** Volumes, control groups, the pod's folder. */
  | { readonly do: "cleanUp" }
  /** The API object goes. */
  | { readonly do: "release" };

/** Of two steps with one key, the second waits for the first. */
export function keyOfStep(step: PodStep): string {
  switch (step.do) {
    case "startContainer":
    case "ensureImage":
      return `${step.do} ${step.container}`;
    case "stopContainer":
    case "removeContainer":
    case "stopSandbox":
    case "removeSandbox":
      return `${step.do} ${step.id}`;
    case "prepareVolumes":
    case "createSandbox":
    case "cleanUp":
    case "release":
      return step.do;
  }
}
