/** Publishes the authority's certificate in each namespace. */
import { Informer } from "../../../api/informer.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from "../../../api/status_error.ts";
import type { ConfigMap, Namespace } from "../../../model/kubernetes.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { configMapName, planPublish } from "./plan.ts";

const { configMaps, namespaces } = resourceTypes;
const name = "root-ca-certificate-publisher-controller";
/** How often it is looked whether the authority was renewed, in ms. */
const renewalMs = 60 * 60 * 1000;

export const rootCaPublisherController: ControllerRow = { name, account: "root-ca-cert-publisher", make };

function make(context: ControllerContext): Controller {
  const { client, informers, clock, log, authority } = context;
  const namespaceInformer = informers.of(namespaces);
  // Of all ConfigMaps one in each namespace: the others are not kept.
  const published = new Informer<ConfigMap>(client, configMaps, {
    clock,
    fieldSelector: `metadata.name=${configMapName}`,
    onError: (err) => log.warn({ controller: name, err }, "cannot follow ConfigMaps; it is tried again"),
  });
  const queue = controllerQueue(context, { name, workers: 1, reconcile });

  async function reconcile(key: string): Promise<{ againAfterMs: number } | undefined> {
    const namespace = namespaceInformer.objects.get(key);
    const step = planPublish(
      namespace,
      published.objects.get(`${key}/${configMapName}`),
      authority.authorityCertificate,
    );
    if (step?.type === "create") await client.create(configMaps, step.object).catch(ignoreLate);
    if (step?.type === "update") await client.update(configMaps, step.object);
    return namespace ? { againAfterMs: renewalMs } : undefined;
  }

  const onNamespace = ({ metadata }: Namespace): void => queue.add(metadata.name);
  namespaceInformer.subscribe({ onAdd: onNamespace });
  const onConfigMap = ({ metadata }: ConfigMap): void => queue.add(metadata.namespace!);
  published.subscribe({ onUpdate: (_, object) => onConfigMap(object), onDelete: onConfigMap });
  return {
    start() {
      published.start();
      void published.synced(10_000).then(() => queue.start());
    },
    async stop() {
      published.stop();
      await queue.stop();
    },
  };
}

/** Somebody else was first, or the namespace goes. */
function ignoreLate(error: unknown): void {
  if (!isAlreadyExists(error) && !isNamespaceTerminating(error) && !isNotFound(error)) throw error;
}
