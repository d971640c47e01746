/** TaintNodesByCondition: no pod goes to a new node before it has said that it is ready. */
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { isAbout } from "./refusal.ts";

const notReady = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };

export const taintNodesByCondition: AdmissionPlugin = {
  name: "TaintNodesByCondition",
  admit(request: AdmissionRequest) {
    if (request.operation !== "CREATE" || !isAbout(request, "", "nodes")) return;
    const spec = (request.object!["spec"] ??= {}) as { taints?: { key: string; effect: string }[] };
    const taints = spec.taints ?? [];
    if (taints.some(({ key, effect }) => key === notReady.key && effect === notReady.effect)) return;
    spec.taints = [...taints, { ...notReady }];
  },
};
