/** An API that costs nothing: objects in memory, watches that are told in the next turn, bindings that always succeed. */
import type { Client, ObjectKey, WatchObserver } from "../../../src/api/client.ts";
import { keyOf, keyText } from "../../../src/api/client.ts";
import type { ResourceType } from "../../../src/api/resource_types.ts";
import type { KubeObject, Pod } from "../../../src/model/kubernetes.ts";

interface Binding {
  readonly target: { readonly name: string };
}

export class MemoryApi {
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #observers = new Map<string, Set<WatchObserver<KubeObject>>>();
  #version = 1;

  /** The part of a client that the scheduler uses. */
  readonly client = {
    list: (type: ResourceType<KubeObject>) =>
      Promise.resolve({ items: [...this.#of(type.plural).values()], resourceVersion: String(this.#version) }),
    watch: (type: ResourceType<KubeObject>, _options: unknown, observer: WatchObserver<KubeObject>) => {
      const observers = this.#observers.get(type.plural) ?? new Set();
      this.#observers.set(type.plural, observers.add(observer));
      return () => observers.delete(observer);
    },
    createSubresource: (type: ResourceType<KubeObject>, key: ObjectKey, _subresource: string, body: Binding) => {
      const pod = this.#of(type.plural).get(keyText(key)) as Pod;
      const bound: Pod = { ...pod, spec: { ...pod.spec, nodeName: body.target.name } };
      this.put(type, bound);
      return Promise.resolve({});
    },
  } as unknown as Client;

  put(type: ResourceType<KubeObject>, object: KubeObject): void {
    const key = keyText(keyOf(object));
    const objects = this.#of(type.plural);
    const event = objects.has(key) ? "MODIFIED" : "ADDED";
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    objects.set(key, stored);
    setImmediate(() => {
      for (const observer of this.#observers.get(type.plural) ?? []) observer.onEvent({ type: event, object: stored });
    });
  }

  values(type: ResourceType<KubeObject>): Iterable<KubeObject> {
    return this.#of(type.plural).values();
  }

  #of(plural: string): Map<string, KubeObject> {
    let objects = this.#objects.get(plural);
    if (!objects) this.#objects.set(plural, (objects = new Map<string, KubeObject>()));
    return objects;
  }
}
