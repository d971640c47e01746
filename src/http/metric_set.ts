/** Metrics by a table of what they are: names, labels and buckets stand in one place, as data. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

export interface MetricDefinition {
  readonly type: "counter" | "gauge" | "histogram";
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly buckets?: readonly number[];
}

export type MetricLabels = Readonly<Record<string, string>>;

export class MetricSet<Name extends string> {
  readonly #counters = new Map<Name, Counter>();
  readonly #gauges = new Map<Name, Gauge>();
  readonly #histograms = new Map<Name, Histogram>();

  /**
   * @param definitions what has a name and is not among them is counted nowhere
   * @param readers of counters and gauges that are told when somebody asks
   */
  constructor(
    registry: Registry,
    definitions: Readonly<Partial<Record<Name, MetricDefinition>>>,
    readers: Partial<Readonly<Record<Name, () => void>>> = {},
  ) {
    for (const [name, definition] of Object.entries(definitions) as [Name, MetricDefinition][]) {
      this.#register(registry, name, definition, readers[name]);
    }
  }

  count(name: Name, labels: MetricLabels = {}, by = 1): void {
    this.#counters.get(name)?.inc(labels, by);
  }

  set(name: Name, value: number, labels: MetricLabels = {}): void {
    this.#gauges.get(name)?.set(labels, value);
  }

  add(name: Name, by: number, labels: MetricLabels = {}): void {
    this.#gauges.get(name)?.inc(labels, by);
  }

  /** Of a gauge: labels that are not set anew are gone. */
  clear(name: Name): void {
    this.#gauges.get(name)?.reset();
  }

  observe(name: Name, value: number, labels: MetricLabels = {}): void {
    this.#histograms.get(name)?.observe(labels, value);
  }

  #register(registry: Registry, name: Name, definition: MetricDefinition, collect: (() => void) | undefined): void {
    const { type, labels = [], buckets = [] } = definition;
    // Upstream's help begins with the stability.
    const help = `[ALPHA] ${definition.help}`;
    const shared = { name: definition.name, help, labelNames: [...labels], registers: [registry] };
    const told = { ...shared, ...(collect ? { collect } : {}) };
    if (type === "counter") this.#counters.set(name, new Counter(told));
    else if (type === "gauge") this.#gauges.set(name, new Gauge(told));
    else this.#histograms.set(name, new Histogram({ ...shared, buckets: [...buckets] }));
  }
}
