/** Clients of the control plane's own parts: each acts as upstream's service account of the same work. */
import type { Client } from "../../../api/client.ts";
import type { Fence } from "../../store/store.ts";
import type { Routes } from "../routes.ts";
import { LoopbackClient } from "./client.ts";

/** A controller's client: system:serviceaccount:kube-system:<account>. */
export function controllerClient(routes: Routes, account: string, fence?: Fence): Client {
  const groups = ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"];
  const user = { name: `system:serviceaccount:kube-system:${account}`, groups };
  return new LoopbackClient(routes, { user, userAgent: "kube-controller-manager", fence });
}

export function schedulerClient(routes: Routes, fence?: Fence): Client {
  return componentClient(routes, "kube-scheduler", fence);
}

/** The client of a whole program of upstream's: system:<name>. */
export function componentClient(routes: Routes, name: string, fence?: Fence): Client {
  const user = { name: `system:${name}`, groups: ["system:authenticated"] };
  return new LoopbackClient(routes, { user, userAgent: name, fence });
}
