/** Gives each namespace its `default` ServiceAccount (upstream: pkg/controller/serviceaccount/serviceaccounts_controller.go). */
import { resourceTypes } from "../../../api/resource_types.ts";
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from "../../../api/status_error.ts";
import type { Namespace } from "../../../model/kubernetes.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { missingAccounts } from "./plan.ts";

const { namespaces, serviceAccounts } = resourceTypes;
const name = "serviceaccount-controller";

export const serviceAccountController: ControllerRow = { name, account: "service-account-controller", make };

function make(context: ControllerContext): Controller {
  const { client, informers } = context;
  const namespaceInformer = informers.of(namespaces);
  const accounts = informers.of(serviceAccounts);
  const queue = controllerQueue(context, { name, workers: 1, reconcile });

  async function reconcile(key: string): Promise<undefined> {
    const here = accounts.objects.inNamespace(key).map(({ metadata }) => metadata.name);
    for (const missing of missingAccounts(namespaceInformer.objects.get(key), here)) {
      const account = { metadata: { namespace: key, name: missing } };
      await client.create(serviceAccounts, account).catch(ignoreLate);
    }
  }

  const onNamespace = ({ metadata }: Namespace): void => queue.add(metadata.name);
  namespaceInformer.subscribe({ onAdd: onNamespace, onUpdate: (_, namespace) => onNamespace(namespace) });
  accounts.subscribe({ onDelete: ({ metadata }) => queue.add(metadata.namespace!) });
  return { start: () => queue.start(), stop: () => queue.stop() };
}

/** Somebody else was first, or the namespace goes. */
function ignoreLate(error: unknown): void {
  if (!isAlreadyExists(error) && !isNamespaceTerminating(error) && !isNotFound(error)) throw error;
}
