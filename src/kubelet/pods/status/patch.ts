/** A pod's status → the patch that makes it so, and leaves what others wrote (strategic merge, core/v1 PodStatus). */
import { replacement } from "../../../api/patch_list.ts";
import type { PodStatus } from "./input.ts";

/** Merged by their address: of a sandbox that was made anew, the old one's would stay beside its own. */
const addressLists = ["podIPs", "hostIPs"] as const;
/** What tells why, of a status and of its conditions: where there is nothing to tell, nothing is left. */
const reasons = ["reason", "message"] as const;

/** @param before what the API has: a list that is there is replaced whole, and in the order that it is given in */
export function statusPatch(status: PodStatus, before: PodStatus | undefined): object {
  const replaced: Record<string, readonly object[]> = {};
  for (const name of addressLists) {
    const now = status[name];
    if (now && before?.[name]?.length) replaced[name] = replacement(now);
  }
  // Merged by their type, field by field.
  const conditions = status.conditions?.map((now) => ({
    ...withoutGone(
      now,
      before?.conditions?.find(({ type }) => type === now.type),
    ),
    ...now,
  }));
  return {
    ...withoutGone(status, before),
    ...status,
    ...(conditions ? { conditions } : {}),
    ...replaced,
  };
}

type Reasons = { readonly [name in (typeof reasons)[number]]?: string };

function withoutGone(now: Reasons, before: Reasons | undefined): Readonly<Record<string, null>> {
  const gone: Record<string, null> = {};
  for (const name of reasons) if (before?.[name] !== undefined && now[name] === undefined) gone[name] = null;
  return gone;
}
