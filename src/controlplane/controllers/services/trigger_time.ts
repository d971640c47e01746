/**
 * When the change happened that endpoints are rewritten for, for programming-latency metrics
 * (staging/src/k8s.io/endpointslice/util/trigger_time_tracker.go).
 */
import type { Pod, Service } from "../../../model/kubernetes.ts";
import { timestamp } from "../../../model/timestamp.ts";

export const triggerTimeAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";

export class TriggerTimes {
  readonly #podsOfService = new Map<string, ReadonlyMap<string, number>>();

  /** @returns the earliest change since the last call for this Service, as RFC 3339, or undefined */
  next(key: string, service: Service, pods: readonly Pod[]): string | undefined {
    const known = this.#podsOfService.get(key);
    const now = new Map<string, number>();
    let earliest = Infinity;
    for (const pod of pods) {
      const at = readyChangedAt(pod);
      if (at === undefined) continue;
      now.set(pod.metadata.name, at);
      if (at > (known?.get(pod.metadata.name) ?? 0)) earliest = Math.min(earliest, at);
    }
    this.#podsOfService.set(key, now);
    if (!known) return service.metadata.creationTimestamp;
    return earliest === Infinity ? undefined : timestamp(earliest);
  }

  forget(key: string): void {
    this.#podsOfService.delete(key);
  }
}

function readyChangedAt({ status }: Pod): number | undefined {
  const text = status?.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime;
  const at = text === undefined || text === null ? NaN : Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

/** Annotations with the trigger time, or without where there is none. */
export function withTriggerTime(
  annotations: Readonly<Record<string, string>> = {},
  at: string | undefined,
): Readonly<Record<string, string>> {
  const { [triggerTimeAnnotation]: _, ...rest } = annotations;
  return at === undefined ? rest : { ...rest, [triggerTimeAnnotation]: at };
}
