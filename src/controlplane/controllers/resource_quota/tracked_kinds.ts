/** Follows what quotas count, custom resources too, and nothing else. */
import { discover } from "../../../api/discovery.ts";
import { Informer } from "../../../api/informer.ts";
import { qualifiedName, resourceTypes, type ResourceType } from "../../../api/resource_types.ts";
import type { KubeObject } from "../../../model/kubernetes.ts";
import type { ControllerContext } from "../controller.ts";
import type { Kind } from "./plan.ts";

/** Whose objects count by what is in them. */
const whole = [
  resourceTypes.pods,
  resourceTypes.services,
  resourceTypes.persistentVolumeClaims,
] as readonly ResourceType<KubeObject>[];
const syncTimeoutMs = 10_000;

export class TrackedKinds {
  readonly #context: ControllerContext;
  /** Told of what may use less now. */
  readonly #onLess: (kind: Kind, namespace: string) => void;
  readonly #informers = new Map<string, Informer<KubeObject>>();
  readonly #own = new Set<Informer<KubeObject>>();
  readonly #unsubscribe: (() => void)[] = [];

  constructor(context: ControllerContext, onLess: (kind: Kind, namespace: string) => void) {
    this.#context = context;
    this.#onLess = onLess;
    for (const type of whole) this.#follow(type, context.informers.of(type));
  }

  /** @returns undefined where there is no such resource, or its list has not come in time */
  async objects(kind: Kind, namespace: string): Promise<readonly KubeObject[] | undefined> {
    const informer = this.#informers.get(qualifiedName(kind)) ?? (await this.#begin(kind));
    if (!informer || !(await informer.synced(syncTimeoutMs))) return undefined;
    return informer.objects.inNamespace(namespace);
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const informer of this.#own) informer.stop();
  }

  async #begin(kind: Kind): Promise<Informer<KubeObject> | undefined> {
    const { client, informers, clock, log } = this.#context;
    const { resources } = await discover(client);
    const isSame = (one: Kind): boolean => one.group === kind.group && one.plural === kind.plural;
    const type = resources.find((one) => one.isPreferred && one.namespaced && isSame(one));
    if (!type) return undefined;
    const known = this.#informers.get(qualifiedName(kind)) ?? informers.find(type);
    if (known) return this.#follow(type, known);
    const own = new Informer<KubeObject>(client, type, {
      clock,
      keep: nameAlone,
      onError: (err) => log.warn({ resource: qualifiedName(type), err }, "cannot follow; it is tried again"),
    });
    this.#own.add(own);
    own.start();
    return this.#follow(type, own);
  }

  #follow(type: ResourceType<KubeObject>, informer: Informer<KubeObject>): Informer<KubeObject> {
    const key = qualifiedName(type);
    if (this.#informers.has(key)) return this.#informers.get(key)!;
    this.#informers.set(key, informer);
    const onLess = ({ metadata }: KubeObject): void => this.#onLess(type, metadata.namespace ?? "");
    this.#unsubscribe.push(
      informer.subscribe({
        onDelete: onLess,
        onUpdate: (before, object) => mayUseLess(before, object) && onLess(object),
      }),
    );
    return informer;
  }
}

interface Changing {
  readonly spec?: { readonly type?: string };
  readonly status?: { readonly phase?: string };
}

/** A pod that ends, a Service that is of another type. */
function mayUseLess(before: KubeObject, object: KubeObject): boolean {
  const [was, is] = [before as Changing, object as Changing];
  return was.status?.phase !== is.status?.phase || was.spec?.type !== is.spec?.type;
}

function nameAlone({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const where = namespace === undefined ? {} : { namespace };
  return { apiVersion, kind, metadata: { name, ...where, uid, resourceVersion, creationTimestamp } };
}
