/** /metrics/probes (pkg/kubelet/prober): counted by container, and forgotten with the pod. */
import type { ProbedContainer } from "../../pods/metrics.ts";
import type { Family, Sample } from "./text.ts";

type Labels = Readonly<Record<string, string>>;

interface Counted {
  readonly labels: Labels;
  readonly results: Map<string, number>;
  readonly buckets: number[];
  seconds: number;
  count: number;
}

/** Prometheus's default buckets, in s. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class ProbeMetrics {
  /** By the pod's uid, then by container and kind. */
  readonly #pods = new Map<string, Map<string, Counted>>();

  probed({ kind, container, pod, namespace, uid }: ProbedContainer, result: string, seconds: number): void {
    const own = this.#pods.get(uid) ?? new Map<string, Counted>();
    this.#pods.set(uid, own);
    const key = `${kind} ${container}`;
    const probeType = `${kind[0]!.toUpperCase()}${kind.slice(1)}`;
    const labels = { container, namespace, pod, pod_uid: uid, probe_type: probeType };
    const counted = own.get(key) ?? {
      labels,
      results: new Map<string, number>(),
      buckets: bounds.map(() => 0),
      seconds: 0,
      count: 0,
    };
    own.set(key, counted);
    counted.results.set(result, (counted.results.get(result) ?? 0) + 1);
    counted.seconds += seconds;
    counted.count++;
    for (const [at, bound] of bounds.entries()) if (seconds <= bound) counted.buckets[at]!++;
  }

  forgotten(uid: string): void {
    this.#pods.delete(uid);
  }

  families(): readonly Family[] {
    const all = [...this.#pods.values()].flatMap((own) => [...own.values()]);
    const totals = all.flatMap(({ labels, results }) =>
      [...results].map(([result, value]) => ({ labels: { ...labels, result }, value })),
    );
    const help = "[BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.";
    return [{ name: "prober_probe_total", help, type: "counter", samples: totals }, durations(all)];
  }
}

function durations(all: readonly Counted[]): Family {
  const samples = all.flatMap(({ labels: { pod_uid: _, ...labels }, buckets, seconds, count }): Sample[] => [
    ...[...bounds, Infinity].map((bound, at) => ({
      suffix: "_bucket",
      labels: { ...labels, le: bound === Infinity ? "+Inf" : String(bound) },
      value: buckets[at] ?? count,
    })),
    { suffix: "_sum", labels, value: seconds },
    { suffix: "_count", labels, value: count },
  ]);
  const help = "[ALPHA] Duration in seconds for a probe response.";
  return { name: "prober_probe_duration_seconds", help, type: "histogram", samples };
}
