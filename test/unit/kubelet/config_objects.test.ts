/** ConfigMaps and Secrets that pods name: one watch an object, as long as a pod is there that names it. */
import { describe, expect, it } from "vitest";
import type { Client, ListOptions, WatchObserver, WatchOptions } from "../../../src/api/client.ts";
import { ConfigObjects, maxWatched } from "../../../src/kubelet/pods/config_objects.ts";
import type { ConfigMap } from "../../../src/model/kubernetes.ts";
import { systemClock } from "../../../src/reconcile/clock.ts";
import { eventually } from "../../fixtures/eventually.ts";

const object = (text: string, resourceVersion: string, more: object = {}): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { namespace: "shop", name: "settings", uid: "u", resourceVersion, creationTimestamp: "" },
  data: { text },
  ...more,
});

class Api {
  readonly lists: string[] = [];
  readonly gets: string[] = [];
  readonly watches = new Map<string, WatchObserver<ConfigMap>>();
  items: ConfigMap[] = [object("one", "1")];

  readonly client = {
    list: async (_: unknown, { namespace, fieldSelector }: ListOptions) => {
      this.lists.push(`${namespace} ${fieldSelector}`);
      return { items: this.items, resourceVersion: "1" };
    },
    watch: (_: unknown, { fieldSelector = "" }: WatchOptions, observer: WatchObserver<ConfigMap>) => {
      this.watches.set(fieldSelector, observer);
      return () => this.watches.delete(fieldSelector);
    },
    get: async (_: unknown, { name }: { name: string }) => {
      this.gets.push(name);
      return object("got", "1");
    },
  } as unknown as Client;

  tell(type: "MODIFIED" | "DELETED", changed: ConfigMap): void {
    this.watches.get("metadata.name=settings")?.onEvent({ type, object: changed });
  }
}

const open = (strategy: "Watch" | "Get" = "Watch") => {
  const api = new Api();
  const configs = new ConfigObjects(api.client, { strategy, clock: systemClock, onError: () => undefined });
  return { api, configs };
};
const textOf = (content: ReadonlyMap<string, Buffer> | undefined): string | undefined =>
  content?.get("text")?.toString();

describe("an object that pods name", () => {
  it("is listed and watched once for all of them, by its name alone, until the last is gone", async () => {
    const { api, configs } = open();
    const pods = [0, 1, 2].map(() => configs.open("shop", () => undefined));
    expect(await Promise.all(pods.map(async (pod) => textOf(await pod.read("configMap", "settings"))))).toEqual([
      "one",
      "one",
      "one",
    ]);
    expect(api.lists).toEqual(["shop metadata.name=settings"]);
    expect([...api.watches.keys()]).toEqual(["metadata.name=settings"]);
    pods[0]!.close();
    pods[1]!.close();
    expect(configs.watched).toBe(1);
    expect(api.watches.size).toBe(1);
    pods[2]!.close();
    expect(configs.watched).toBe(0);
    expect(api.watches.size).toBe(0);
  });

  it("tells each pod of a change, not of what it reads at first, and is gone when it is deleted", async () => {
    const { api, configs } = open();
    const told: string[] = [];
    const pods = ["a", "b"].map((name) => configs.open("shop", () => told.push(name)));
    for (const pod of pods) await pod.read("configMap", "settings");
    expect(told).toEqual([]);
    api.tell("MODIFIED", object("two", "2"));
    expect(told).toEqual(["a", "b"]);
    expect(textOf(await pods[0]!.read("configMap", "settings"))).toBe("two");
    api.tell("DELETED", object("two", "3"));
    expect(await pods[1]!.read("configMap", "settings")).toBeUndefined();
  });

  it("that is immutable is not watched once it was read", async () => {
    const { api, configs } = open();
    api.items = [object("one", "1", { immutable: true })];
    const pod = configs.open("shop", () => undefined);
    expect(textOf(await pod.read("configMap", "settings"))).toBe("one");
    await eventually("the end of the watch", () => api.watches.size === 0);
    expect(textOf(await pod.read("configMap", "settings"))).toBe("one");
  });

  it("is asked for where too many are watched, where the strategy says so, and behind a pod's end", async () => {
    const { api, configs } = open();
    const pod = configs.open("shop", () => undefined);
    for (let i = 0; i < maxWatched; i++) await pod.read("secret", `secret-${i}`);
    expect(configs.watched).toBe(maxWatched);
    expect(textOf(await pod.read("configMap", "settings"))).toBe("got");
    expect(configs.watched).toBe(maxWatched);
    pod.close();
    expect(configs.watched).toBe(0);
    await pod.read("configMap", "settings");
    expect(configs.watched).toBe(0);
    expect(api.gets).toEqual(["settings", "settings"]);
    const other = open("Get");
    await other.configs.open("shop", () => undefined).read("configMap", "settings");
    expect([other.api.gets, other.api.lists]).toEqual([["settings"], []]);
  });
});
