/** A pod's status → the patch that makes it so, and leaves what others wrote (strategic merge, meta/v1). */
import type { PodStatus } from "./input.ts";

export function statusPatch(uid: string, status: PodStatus): object {
  const { podIPs, hostIPs } = status;
  return {
    metadata: { uid },
    status: {
      ...status,
      // They are merged by address: what a sandbox before this one had would stay, and be refused as a second of its family.
      ...(podIPs ? { podIPs: replaced(podIPs) } : {}),
      ...(hostIPs ? { hostIPs: replaced(hostIPs) } : {}),
    },
  };
}

function replaced(list: readonly object[]): readonly object[] {
  return [...list, { $patch: "replace" }];
}
