/** What a step is carried out with. */
import type { NodeFacts } from "../render/field_ref.ts";
import type { PodDeps } from "../deps.ts";
import { currentSandbox } from "../observed.ts";
import type { PodSources } from "../sources.ts";
import type { PodState } from "../pod_state.ts";
import type { PodStep } from "../steps.ts";

export interface StepRun {
  readonly deps: PodDeps;
  readonly state: PodState;
  readonly sources: PodSources;
  /** Something is to be planned anew, although the step goes on. */
  readonly changed: () => void;
  /** The status that is known now is in the API. */
  readonly reported: () => Promise<void>;
}

export type StepOf<Name extends PodStep["do"]> = Extract<PodStep, { readonly do: Name }>;

export type Executors = {
  readonly [Name in PodStep["do"]]: (run: StepRun, step: StepOf<Name>) => Promise<void>;
};

export function nodeFacts({ deps, state }: StepRun): NodeFacts {
  const sandbox = currentSandbox(state.observed);
  const isHost = state.pod.spec.hostNetwork === true;
  return {
    nodeName: deps.settings.nodeName,
    nodeIps: deps.nodeIps(),
    podIps: isHost ? deps.nodeIps() : (sandbox?.ips ?? []),
    allocatable: deps.allocatable(),
  };
}
