/** DefaultIngressClass: an Ingress that names no class gets the default one. */
import type { Lookup } from "../auth/lookup.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { defaultClass } from "./default_class.ts";
import { isAbout } from "./refusal.ts";

const group = "networking.k8s.io";
const defaultAnnotations = ["ingressclass.kubernetes.io/is-default-class"];
const classAnnotation = "kubernetes.io/ingress.class";

export class DefaultIngressClass implements AdmissionPlugin {
  readonly name = "DefaultIngressClass";
  readonly #lookup: Lookup;

  constructor(lookup: Lookup) {
    this.#lookup = lookup;
  }

  admit(request: AdmissionRequest): void {
    if (request.operation !== "CREATE" || !isAbout(request, group, "ingresses")) return;
    const ingress = request.object!;
    const spec = (ingress["spec"] ??= {}) as { ingressClassName?: string };
    if (spec.ingressClassName !== undefined || ingress.metadata.annotations?.[classAnnotation] !== undefined) return;
    const found = defaultClass(this.#lookup.list(`${group}/ingressclasses`), defaultAnnotations);
    if (found) spec.ingressClassName = found.metadata.name!;
  }
}
