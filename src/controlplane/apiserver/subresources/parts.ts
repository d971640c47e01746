/** Subresources that are a part of the object itself: their verbs are the object's own, and strategies say what changes. */
import type { SubresourceHandlers } from "../routes.ts";
import { get } from "../verbs/read.ts";
import { patch, update } from "../verbs/write.ts";

export const partHandlers: SubresourceHandlers = new Map<string, object>([
  ["pods/ephemeralcontainers", { get, update, patch }],
  ["pods/resize", { get, update, patch }],
  ["certificatesigningrequests.certificates.k8s.io/approval", { get, update, patch }],
  ["namespaces/finalize", { update }],
]) as SubresourceHandlers;
