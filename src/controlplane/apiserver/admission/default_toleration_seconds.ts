/** DefaultTolerationSeconds: a pod stays five minutes on a node that does not answer. */
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { specOf, type Toleration } from "./pod_spec.ts";
import { isAbout } from "./refusal.ts";

const tolerationSeconds = 300;
const keys = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: "DefaultTolerationSeconds",
  admit(request: AdmissionRequest) {
    if (request.operation === "DELETE" || !request.object || !isAbout(request, "", "pods")) return;
    const spec = specOf(request.object);
    for (const key of keys) {
      if ((spec.tolerations ?? []).some((toleration) => speaksOf(toleration, key))) continue;
      const added = { key, operator: "Exists", effect: "NoExecute", tolerationSeconds };
      spec.tolerations = [...(spec.tolerations ?? []), added];
    }
  },
};

/** Whether the pod has decided for itself. */
function speaksOf({ key = "", effect = "" }: Toleration, wanted: string): boolean {
  return (key === wanted || key === "") && (effect === "NoExecute" || effect === "");
}
