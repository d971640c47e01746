/**
 * Which pods a Service selects and which Services select a pod, at the cost of what is found: pods are
 * indexed by each of their labels, Services by one pair of their selectors.
 */
import type { Informers } from "../../../api/informers.ts";
import type { Informer } from "../../../api/informer.ts";
import { keyOf, keyText } from "../../../api/client.ts";
import type { StoredIndex } from "../../../api/object_store.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import type { Pod, Service } from "../../../model/kubernetes.ts";
import { equalityMatcher, type Labels } from "../../../model/label_selector.ts";
import { endpointChanged } from "./endpoint_pod.ts";

export interface ServiceMembership {
  podsOf(service: Service): readonly Pod[];
  /** Keys of the Services that select these labels. */
  servicesOf(namespace: string, labels: Labels | undefined): readonly string[];
}

const shared = new WeakMap<Informers, ServiceMembership>();

/** One of them serves all controllers that share the informers. */
export function serviceMembership(informers: Informers): ServiceMembership {
  let found = shared.get(informers);
  if (!found) {
    found = new Membership(informers.of(resourceTypes.pods), informers.of(resourceTypes.services));
    shared.set(informers, found);
  }
  return found;
}

class Membership implements ServiceMembership {
  readonly #podsByLabel: StoredIndex<Pod>;
  readonly #servicesByPair: StoredIndex<Service>;

  constructor(pods: Informer<Pod>, services: Informer<Service>) {
    this.#podsByLabel = pods.objects.addIndex(({ metadata: { namespace = "", labels = {} } }) =>
      Object.entries(labels).map(([key, value]) => pair(namespace, key, value)),
    );
    this.#servicesByPair = services.objects.addIndex(({ metadata: { namespace = "" }, spec: { selector } }) => {
      const first = Object.entries(selector ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))[0];
      return first ? [pair(namespace, ...first)] : [];
    });
  }

  podsOf({ metadata: { namespace = "" }, spec: { selector } }: Service): readonly Pod[] {
    const rarest = Object.entries(selector ?? {})
      .map(([key, value]) => pair(namespace, key, value))
      .sort((a, b) => this.#podsByLabel.count(a) - this.#podsByLabel.count(b))[0];
    if (rarest === undefined) return [];
    const matches = equalityMatcher(selector);
    return this.#podsByLabel.get(rarest).filter(({ metadata }) => matches(metadata.labels));
  }

  servicesOf(namespace: string, labels: Labels = {}): readonly string[] {
    const pairs = Object.entries(labels).map(([key, value]) => pair(namespace, key, value));
    return pairs
      .flatMap((value) => this.#servicesByPair.get(value))
      .filter(({ spec }) => equalityMatcher(spec.selector)(labels))
      .map((service) => keyText(keyOf(service)));
  }
}

const pair = (namespace: string, key: string, value: string): string => `${namespace}/${key}=${value}`;

/** Tells of Services whose endpoints a pod's coming, change or going may change. @returns how to stop */
export function onEndpointPods(informers: Informers, changed: (serviceKey: string) => void): () => void {
  const membership = serviceMembership(informers);
  const tell = ({ metadata: { namespace = "", labels } }: Pod): void => {
    for (const key of membership.servicesOf(namespace, labels)) changed(key);
  };
  return informers.of(resourceTypes.pods).subscribe({
    onAdd: tell,
    onDelete: tell,
    onUpdate: (previous, pod) => {
      const relabelled = JSON.stringify(previous.metadata.labels) !== JSON.stringify(pod.metadata.labels);
      if (!relabelled && !endpointChanged(previous, pod)) return;
      tell(pod);
      if (relabelled) tell(previous);
    },
  });
}
