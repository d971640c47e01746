/** NamespaceLifecycle: nothing is made where no namespace is, or where one is going away. */
import type { Lookup } from "../auth/lookup.ts";
import type { ApiObject } from "../resources/resource.ts";
import { notFound } from "../status.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { isAbout, refused } from "./refusal.ts";

const immortal: readonly string[] = ["default", "kube-system", "kube-public"];
const namespaces = { group: "", plural: "namespaces", kind: "Namespace" };

export class NamespaceLifecycle implements AdmissionPlugin {
  readonly name = "NamespaceLifecycle";
  readonly #lookup: Lookup;

  constructor(lookup: Lookup) {
    this.#lookup = lookup;
  }

  async admit(request: AdmissionRequest): Promise<void> {
    const { operation, resource, namespace } = request;
    if (!resource.namespaced || operation === "DELETE" || operation === "CONNECT") return;
    const found = await this.#namespace(namespace);
    if (!found) throw notFound(namespaces, namespace);
    if (operation !== "CREATE" || !isTerminating(found)) return;
    throw refused(request, `unable to create new content in namespace ${namespace} because it is being terminated`, [
      {
        reason: "NamespaceTerminating",
        message: `namespace ${namespace} is being terminated`,
        field: "metadata.namespace",
      },
    ]);
  }

  validate(request: AdmissionRequest): void {
    if (request.operation === "DELETE" && isAbout(request, "", "namespaces") && immortal.includes(request.name)) {
      throw refused(request, "this namespace may not be deleted");
    }
  }

  /** It may have been made a moment ago. */
  async #namespace(name: string): Promise<ApiObject | undefined> {
    const found = this.#lookup.get("namespaces", "", name);
    if (found) return found;
    await this.#lookup.fresh("namespaces");
    return this.#lookup.get("namespaces", "", name);
  }
}

function isTerminating({ metadata, ...rest }: ApiObject): boolean {
  const phase = (rest["status"] as { phase?: string } | undefined)?.phase;
  return metadata.deletionTimestamp !== undefined || phase === "Terminating";
}
