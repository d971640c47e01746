/** Clients of the control plane's own parts: each acts as upstream's service account of the same work. */
import type { Client } from "../../../api/client.ts";
import type { Routes } from "../routes.ts";
import { LoopbackClient } from "./client.ts";

/** A controller's client: system:serviceaccount:kube-system:<account>. */
export function controllerClient(routes: Routes, account: string): Client {
  const groups = ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"];
  const user = { name: `system:serviceaccount:kube-system:${account}`, groups };
  return new LoopbackClient(routes, { user, userAgent: "kube-controller-manager" });
}

export function schedulerClient(routes: Routes): Client {
  const user = { name: "system:kube-scheduler", groups: ["system:authenticated"] };
  return new LoopbackClient(routes, { user, userAgent: "kube-scheduler" });
}
