/** The one table of built-in resources. */
import { apps, autoscaling, batch, policy } from "./apps.ts";
import * as cluster from "./cluster.ts";
import { core } from "./core.ts";
import type { Resource } from "./resource.ts";

/** Every built-in resource, in the order in which discovery lists the groups. */
export const builtIn: readonly Resource[] = [
  core,
  apps,
  cluster.events,
  cluster.authentication,
  cluster.authorization,
  autoscaling,
  batch,
  cluster.certificates,
  cluster.networking,
  policy,
  cluster.rbac,
  cluster.storage,
  cluster.apiextensions,
  cluster.scheduling,
  cluster.coordination,
  cluster.node,
  cluster.discovery,
].flat();
