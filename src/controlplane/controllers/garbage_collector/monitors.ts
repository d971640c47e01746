/** Follows every resource whose objects can be deleted, as resources come and go. */
import { discover, serves, type ServedResource } from "../../../api/discovery.ts";
import { Informer } from "../../../api/informer.ts";
import { apiVersionOf, qualifiedName } from "../../../api/resource_types.ts";
import type { KubeObject } from "../../../model/kubernetes.ts";
import type { ControllerContext } from "../controller.ts";
import type { DependencyGraph } from "./graph.ts";
import type { Identity } from "./identity.ts";

/** Events own nothing, and there are many. */
const ignored: ReadonlySet<string> = new Set(["events", "events.events.k8s.io"]);

interface Monitor {
  readonly informer: Informer<KubeObject>;
  stop(): void;
}

export class Monitors {
  readonly #context: ControllerContext;
  readonly #graph: DependencyGraph;
  readonly #monitors = new Map<string, Monitor>();
  #kinds: ReadonlyMap<string, ServedResource> = new Map();

  constructor(context: ControllerContext, graph: DependencyGraph) {
    this.#context = context;
    this.#graph = graph;
  }

  /** The resource of a kind, in any version that is served. */
  resourceOf({ apiVersion, kind }: Pick<Identity, "apiVersion" | "kind">): ServedResource | undefined {
    return this.#kinds.get(`${apiVersion}/${kind}`);
  }

  /** Looks which resources there are, and follows them from now on. @throws StatusError */
  async refresh(): Promise<void> {
    const { resources, failures } = await discover(this.#context.client);
    this.#kinds = kindsOf(resources);
    const wanted = new Map(resources.filter(isFollowed).map((type) => [keyOf(type), type]));
    for (const [key, monitor] of this.#monitors) {
      // What discovery could not tell of is still there.
      if (wanted.has(key) || failures.has(apiVersionOf(monitor.informer.type))) continue;
      monitor.stop();
      this.#monitors.delete(key);
      for (const object of monitor.informer.objects.values()) this.#graph.forget(identityOf(monitor.informer, object));
    }
    for (const [key, type] of wanted) if (!this.#monitors.has(key)) this.#monitors.set(key, this.#follow(type));
  }

  /** Waits for first lists. @returns resources whose list has not come in time */
  async synced(timeoutMs: number): Promise<readonly string[]> {
    const all = [...this.#monitors.values()];
    const came = await Promise.all(all.map(({ informer }) => informer.synced(timeoutMs)));
    return all.filter((_, i) => !came[i]).map(({ informer }) => qualifiedName(informer.type));
  }

  stop(): void {
    for (const monitor of this.#monitors.values()) monitor.stop();
    this.#monitors.clear();
  }

  /** Of what other controllers follow there is a whole copy already; of the rest only what decides is kept. */
  #follow(type: ServedResource): Monitor {
    const shared = this.#context.informers.find(type);
    const informer = shared ?? this.#ownInformer(type);
    const observe = (object: KubeObject): void => this.#graph.observe(identityOf(informer, object), object.metadata);
    const unsubscribe = informer.subscribe({
      onAdd: observe,
      onUpdate: (_, object) => observe(object),
      onDelete: (object) => this.#graph.remove(identityOf(informer, object)),
    });
    informer.start();
    return {
      informer,
      stop: () => {
        unsubscribe();
        if (!shared) informer.stop();
      },
    };
  }

  #ownInformer(type: ServedResource): Informer<KubeObject> {
    const { client, clock, log } = this.#context;
    return new Informer<KubeObject>(client, type, {
      clock,
      keep: ownedPart,
      onError: (err) => log.warn({ resource: qualifiedName(type), err }, "cannot follow; it is tried again"),
    });
  }
}

function isFollowed(type: ServedResource): boolean {
  return type.isPreferred && serves(type, "delete", "list", "watch") && !ignored.has(qualifiedName(type));
}

function keyOf(type: ServedResource): string {
  return `${apiVersionOf(type)}/${type.plural}`;
}

function kindsOf(resources: readonly ServedResource[]): ReadonlyMap<string, ServedResource> {
  const kinds = new Map<string, ServedResource>();
  for (const type of resources) {
    // Reviews and the like share no kind with anything that is stored.
    const key = `${apiVersionOf(type)}/${type.kind}`;
    if (serves(type, "get") && !kinds.has(key)) kinds.set(key, type);
  }
  return kinds;
}

function identityOf({ type }: Informer<KubeObject>, { metadata }: KubeObject): Identity {
  const { namespace = "", name, uid } = metadata;
  return { apiVersion: apiVersionOf(type), kind: type.kind, namespace, name, uid };
}

function ownedPart({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const { ownerReferences, finalizers, deletionTimestamp } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      uid,
      resourceVersion,
      creationTimestamp,
      ...(namespace === undefined ? {} : { namespace }),
      ...(ownerReferences === undefined ? {} : { ownerReferences }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
  };
}
