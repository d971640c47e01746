/** Keeps aggregated ClusterRoles up to date with what they are made of. */
import { apiVersionOf, resourceTypes } from "../../../api/resource_types.ts";
import type { Outcome } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { aggregated, isAggregated } from "./plan.ts";

const { clusterRoles } = resourceTypes;
const name = "clusterrole-aggregation-controller";
const account = "clusterrole-aggregation-controller";

export const clusterRoleAggregationController: ControllerRow = { name, account, make };

function make(context: ControllerContext): Controller {
  const { client, informers } = context;
  const roles = informers.of(clusterRoles);
  const queue = controllerQueue(context, { name, reconcile });

  async function reconcile(key: string): Promise<Outcome> {
    const role = roles.objects.get(key);
    if (!role || !isAggregated(role)) return undefined;
    const rules = aggregated(role, [...roles.objects.values()]);
    if (!rules) return undefined;
    // By server-side apply, as upstream: the rules are the controller's, whoever wrote them before.
    const body = { apiVersion: apiVersionOf(clusterRoles), kind: clusterRoles.kind, metadata: { name: key }, rules };
    const patch = { type: "apply", body, force: true } as const;
    await roles.saw(await client.patch(clusterRoles, { name: key }, patch, { fieldManager: account }));
    return undefined;
  }

  /** Any role may be a part of any that is aggregated; there are few. */
  const onChange = (): void => {
    for (const role of roles.objects.values()) if (isAggregated(role)) queue.add(role.metadata.name);
  };
  roles.subscribe({ onAdd: onChange, onUpdate: onChange, onDelete: onChange });
  return { start: () => queue.start(), stop: () => queue.stop() };
}
