/** What a probe's answers add up to (pkg/kubelet/prober/worker.go). */

export interface ProbeAnswer {
  readonly isGood: boolean;
  /** The question could not be asked. */
  readonly isUnknown?: true;
  /** Of an answer over HTTP. */
  readonly code?: number;
  /** Asked by HTTPS, it answered without TLS. */
  readonly isPlainHttp?: true;
  readonly message: string;
}

export interface Thresholds {
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

export interface ProbeState {
  /** Undefined: no threshold was reached yet. */
  readonly result: "success" | "failure" | undefined;
  readonly isLastGood: boolean;
  readonly inARow: number;
}

export const unprobed: ProbeState = { result: undefined, isLastGood: false, inARow: 0 };

export function afterAnswer(state: ProbeState, isGood: boolean, thresholds: Thresholds): ProbeState {
  const inARow = state.inARow > 0 && state.isLastGood === isGood ? state.inARow + 1 : 1;
  const needed = isGood ? thresholds.successThreshold : thresholds.failureThreshold;
  const result = inARow >= needed ? (isGood ? "success" : "failure") : state.result;
  return { result, isLastGood: isGood, inARow };
}
