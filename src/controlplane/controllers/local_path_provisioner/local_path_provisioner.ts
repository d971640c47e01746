/** The built-in provisioner of folders on nodes, and its StorageClass, the cluster's default. */
import { keyOf, keyText } from "../../../api/client.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isAlreadyExists, isNotFound } from "../../../api/status_error.ts";
import type { Node, PersistentVolume, PersistentVolumeClaim } from "../../../model/kubernetes.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { classOf, defaultClass, selectedNode } from "../persistent_volume_binder/volumes.ts";
import { controllerQueue } from "../queue.ts";
import { className, defaultClassOf, planClaim, planVolume } from "./plan.ts";
import { localPathProvisioner as provisionerName } from "../../../model/local_path.ts";

export const localPathProvisionerController: ControllerRow = {
  name: "local-path-provisioner-controller",
  account: "persistent-volume-binder",
  make: (context) => new LocalPathProvisioner(context),
};

const hostnameLabel = "kubernetes.io/hostname";
/** The key that stands for the class among the claims' keys. */
const classKey = "";

class LocalPathProvisioner implements Controller {
  readonly #context: ControllerContext;
  readonly #claimQueue: WorkQueue;
  readonly #volumeQueue: WorkQueue;
  readonly #nodesByHost;
  readonly #volumesByHost;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { informers } = context;
    const { name } = localPathProvisionerController;
    this.#claimQueue = controllerQueue(context, { name, reconcile: (key) => this.#provision(key) });
    this.#volumeQueue = controllerQueue(context, { name, reconcile: (key) => this.#remove(key) });
    const hostOf = ({ metadata }: Node): string => metadata.labels?.[hostnameLabel] ?? metadata.name;
    this.#nodesByHost = informers.of(resourceTypes.nodes).objects.addIndex((node) => [hostOf(node)]);
    const volumes = informers.of(resourceTypes.persistentVolumes);
    this.#volumesByHost = volumes.objects.addIndex((volume) => {
      const planned = planVolume(volume, () => [{} as Node]);
      return planned?.kind === "wait" ? [planned.node] : [];
    });
    informers.of(resourceTypes.storageClasses);
    const onClaim = (claim: PersistentVolumeClaim): void => this.#claimQueue.add(keyText(keyOf(claim)));
    informers
      .of(resourceTypes.persistentVolumeClaims)
      .subscribe({ onAdd: onClaim, onUpdate: (_, one) => onClaim(one) });
    const onVolume = ({ metadata }: PersistentVolume): void => this.#volumeQueue.add(metadata.name);
    volumes.subscribe({ onAdd: onVolume, onUpdate: (_, volume) => onVolume(volume) });
    informers.of(resourceTypes.nodes).subscribe({
      onDelete: (node) => this.#volumesByHost.get(hostOf(node)).forEach(onVolume),
    });
  }

  start(): void {
    this.#claimQueue.add(classKey);
    this.#claimQueue.start();
    this.#volumeQueue.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#claimQueue.stop(), this.#volumeQueue.stop()]);
  }

  async #makeClass(): Promise<Outcome> {
    const { client, informers } = this.#context;
    const classes = informers.of(resourceTypes.storageClasses).objects;
    if (classes.get(className)) return undefined;
    try {
      await client.create(resourceTypes.storageClasses, defaultClassOf(defaultClass(classes.values()) !== undefined));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    return undefined;
  }

  async #provision(key: string): Promise<Outcome> {
    if (key === classKey) return this.#makeClass();
    const { client, informers, events, options } = this.#context;
    const claim = informers.of(resourceTypes.persistentVolumeClaims).objects.get(key);
    const storageClass = claim && informers.of(resourceTypes.storageClasses).objects.get(classOf(claim));
    const nodes = informers.of(resourceTypes.nodes).objects;
    const planned = claim && planClaim(claim, storageClass, (name) => nodes.get(name), options.localPathFolder);
    if (!claim || !planned) return undefined;
    const volumes = informers.of(resourceTypes.persistentVolumes);
    if (planned.create && volumes.objects.get(planned.create.metadata.name!)) return undefined;
    if (planned.event) events.event(claim, planned.event.type, planned.event.reason, planned.event.message);
    if (planned.isRescheduled) {
      const body = { metadata: { annotations: { [selectedNode]: null } } };
      await client.patch(resourceTypes.persistentVolumeClaims, keyOf(claim), { type: "merge", body });
    }
    if (!planned.create) return undefined;
    try {
      const made = await client.create(resourceTypes.persistentVolumes, planned.create);
      const message = `Successfully provisioned volume ${made.metadata.name}`;
      events.event(claim, "Normal", "ProvisioningSucceeded", message);
      await volumes.saw(made);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    return undefined;
  }

  async #remove(name: string): Promise<Outcome> {
    const { client, informers, events } = this.#context;
    const volume = informers.of(resourceTypes.persistentVolumes).objects.get(name);
    const planned = volume && planVolume(volume, (host) => this.#nodesByHost.get(host));
    if (!volume || !planned) return undefined;
    try {
      if (planned.kind === "delete") {
        const preconditions = { uid: volume.metadata.uid };
        await client.delete(resourceTypes.persistentVolumes, { name }, { preconditions });
      } else if (planned.kind === "forget") {
        const metadata = { ...volume.metadata, finalizers: planned.finalizers };
        await client.update(resourceTypes.persistentVolumes, { ...volume, metadata });
      } else {
        const message = `${provisionerName} waits for node ${planned.node} to remove ${volume.spec.hostPath?.path ?? ""}`;
        events.event(volume, "Normal", "WaitingForNode", message);
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return undefined;
  }
}
