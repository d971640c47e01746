/** What only Services of type LoadBalancer have, and annotations that came before fields (core/validation, ValidateService). */
import type { V1ServiceSpec } from "@kubernetes/client-node";
import type { Causes } from "../validation/causes.ts";
import { validateCidr } from "../validation/ip.ts";
import type { Json } from "../validation/json.ts";
import type { Labels } from "../validation/labels.ts";
import { qualifiedName } from "../validation/names.ts";

type ServiceSpec = Json<V1ServiceSpec>;

const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";

const sourceRangesAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges";

/** In their field, or else in the annotation that came before it. */
function validateSourceRanges(spec: ServiceSpec, annotations: Labels | undefined, out: Causes): void {
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const isOne = spec.type === "LoadBalancer";
  if (ranges.length > 0) {
    // Upstream's own spelling of the field.
    const path = "spec.LoadBalancerSourceRanges";
    if (!isOne) out.forbidden(path, onlyLoadBalancer);
    for (const [i, range] of ranges.entries()) validateCidr(range.trim(), `${path}[${i}]`, out);
    return;
  }
  const annotation = annotations?.[sourceRangesAnnotation];
  if (annotation === undefined) return;
  const path = `metadata.annotations[${sourceRangesAnnotation}]`;
  if (!isOne) out.forbidden(path, onlyLoadBalancer);
  for (const range of annotation.trim() === "" ? [] : annotation.split(",")) validateCidr(range.trim(), path, out);
}

const topologyMode = "service.kubernetes.io/topology-mode";
const topologyHints = "service.kubernetes.io/topology-aware-hints";

/** The newer annotation and the older one say the same. */
export function validateTopology(annotations: Labels | undefined, out: Causes): void {
  const mode = annotations?.[topologyMode];
  const hints = annotations?.[topologyHints];
  if (mode === undefined || hints === undefined || mode === hints) return;
  out.invalid(
    `metadata.annotations[${topologyMode}]`,
    mode,
    `must match annotations[${topologyHints}] when both are specified`,
  );
}

export function validateLoadBalancer(spec: ServiceSpec, annotations: Labels | undefined, out: Causes): void {
  const isOne = spec.type === "LoadBalancer";
  validateSourceRanges(spec, annotations, out);
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isOne) {
    out.forbidden("spec.allocateLoadBalancerNodePorts", onlyLoadBalancer);
  }
  if (spec.allocateLoadBalancerNodePorts === undefined && isOne) out.required("allocateLoadBalancerNodePorts");
  const name = spec.loadBalancerClass;
  if (name === undefined) return;
  if (isOne) out.invalidEach("spec.loadBalancerClass", name, qualifiedName(name));
  else out.forbidden("spec.loadBalancerClass", onlyLoadBalancer);
}
