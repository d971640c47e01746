/** What every client of the API does, whatever carries its requests; all run on the real API server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Client, StopWatch, WatchEvent, WatchOptions } from "../../src/api/client.ts";
import { Informer } from "../../src/api/informer.ts";
import { resourceTypes, type ResourceType } from "../../src/api/resource_types.ts";
import {
  isAlreadyExists,
  isConflict,
  isExpired,
  isInvalid,
  isNotFound,
  isTooManyRequests,
  type StatusError,
} from "../../src/api/status_error.ts";
import type { ConfigMap, KubeObject } from "../../src/model/kubernetes.ts";
import { eventually } from "../fixtures/eventually.ts";

export interface ClientUnderTest {
  readonly client: Client;
  stop(): Promise<void>;
}

const { configMaps, namespaces, nodes, pods, serviceAccounts, podDisruptionBudgets } = resourceTypes;
const namespace = "contract";
const key = (name: string) => ({ namespace, name });
const map = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}) => ({
  metadata: { namespace, name, labels },
  data,
});
const podNamed = (name: string, labels: Record<string, string> = {}) => ({
  metadata: { namespace, name, labels },
  spec: { nodeName: "node-1", containers: [{ name: "c", image: "i" }] },
});

/** A watch that keeps what it saw. */
class Watched<T extends KubeObject> {
  readonly seen: string[] = [];
  readonly objects: T[] = [];
  ended: { error: StatusError | undefined } | undefined;
  readonly stop: StopWatch;

  constructor(client: Client, type: ResourceType<T>, options: WatchOptions) {
    this.stop = client.watch(type, options, {
      onEvent: (event: WatchEvent<T>) => {
        if (event.type === "BOOKMARK") return;
        this.seen.push(`${event.type} ${event.object.metadata.name}`);
        this.objects.push(event.object);
      },
      onEnd: (error) => (this.ended = { error }),
    });
  }
}

export function describeClient(name: string, open: () => Promise<ClientUnderTest>): void {
  describe(`the ${name} client`, () => {
    let client: Client;
    let underTest: ClientUnderTest;
    beforeAll(async () => {
      underTest = await open();
      ({ client } = underTest);
      await client.create(namespaces, { metadata: { name: namespace }, spec: {} });
      await client.create(serviceAccounts, { metadata: key("default") });
    });
    afterAll(() => underTest.stop());

    describe("writes", () => {
      it("create, and refuse what is there", async () => {
        const made = await client.create(configMaps, map("life", { a: "1" }));
        expect(made).toMatchObject({ apiVersion: "v1", kind: "ConfigMap", data: { a: "1" } });
        expect(await client.get(configMaps, key("life"))).toEqual(made);
        await expect(client.create(configMaps, map("life"))).rejects.toSatisfy(isAlreadyExists);
        await expect(client.create(configMaps, map("No Name"))).rejects.toSatisfy(isInvalid);
        const refused = await client.get(configMaps, key("nobody")).catch((error: unknown) => error as StatusError);
        expect(refused).toMatchObject({
          code: 404,
          reason: "NotFound",
          message: 'configmaps "nobody" not found',
          details: { name: "nobody", kind: "configmaps" },
        });
      });

      it("update the version that they name, or whatever there is", async () => {
        const made = await client.create(configMaps, map("updated", { a: "1" }));
        const second = await client.update(configMaps, { ...made, data: { a: "2" } });
        await expect(client.update(configMaps, { ...made, data: { a: "3" } })).rejects.toSatisfy(isConflict);
        const { resourceVersion: _, ...metadata } = second.metadata;
        const unconditional = { ...second, metadata, data: { a: "4" } } as unknown as ConfigMap;
        expect((await client.update(configMaps, unconditional)).data).toEqual({ a: "4" });
      });

      it("patch by JSON, merge, strategic merge and apply", async () => {
        await client.create(pods, podNamed("patched"));
        const annotated = await client.patch(pods, key("patched"), {
          type: "json",
          body: [{ op: "add", path: "/metadata/annotations", value: { a: "1" } }],
        });
        expect(annotated.metadata.annotations).toEqual({ a: "1" });
        const merged = await client.patch(pods, key("patched"), {
          type: "merge",
          body: { metadata: { annotations: { a: null, b: "2" } } },
        });
        expect(merged.metadata.annotations).toEqual({ b: "2" });
        const strategic = await client.patch(pods, key("patched"), {
          type: "strategic",
          body: { spec: { containers: [{ name: "c", image: "other" }] } },
        });
        expect(strategic.spec.containers).toMatchObject([{ name: "c", image: "other" }]);
        const apply = (value: string, fieldManager: string, force = false) => {
          const about = { apiVersion: "v1", kind: "ConfigMap", metadata: key("applied") };
          const body = { ...about, data: { a: value } };
          return client.patch(configMaps, key("applied"), { type: "apply", body, force }, { fieldManager });
        };
        expect((await apply("1", "one")).data).toEqual({ a: "1" });
        await expect(apply("2", "two")).rejects.toSatisfy(isConflict);
        expect((await apply("2", "two", true)).data).toEqual({ a: "2" });
      });

      it("write a status and no more by its subresource", async () => {
        const pod = await client.create(pods, podNamed("status"));
        const spec = { ...pod.spec, activeDeadlineSeconds: 7 };
        const changed = { ...pod, spec, status: { phase: "Running" } };
        const written = await client.update(pods, changed, { subresource: "status" });
        expect(written.status).toMatchObject({ phase: "Running" });
        expect(written.spec.activeDeadlineSeconds).toBeUndefined();
        const body = { status: { podIP: "10.0.0.1" } };
        const patched = await client.patch(pods, key("status"), { type: "strategic", body }, { subresource: "status" });
        expect(patched.status).toMatchObject({ phase: "Running", podIP: "10.0.0.1" });
      });

      it("bind pods, evict them and make tokens", async () => {
        await client.create(pods, {
          metadata: { ...key("bound"), labels: { app: "bound" } },
          spec: { containers: [{ name: "c", image: "i" }] },
        });
        const target = { apiVersion: "v1", kind: "Node", name: "node-1" };
        await client.createSubresource(pods, key("bound"), "binding", { metadata: key("bound"), target });
        expect((await client.get(pods, key("bound"))).spec.nodeName).toBe("node-1");
        await client.patch(
          pods,
          key("bound"),
          { type: "merge", body: { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } } },
          { subresource: "status" },
        );
        await client.create(podDisruptionBudgets, {
          metadata: key("bound"),
          spec: { minAvailable: 1, selector: { matchLabels: { app: "bound" } } },
        });
        const evicted = client.createSubresource(pods, key("bound"), "eviction", { metadata: key("bound") });
        await expect(evicted).rejects.toSatisfy(isTooManyRequests);
        const about = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { audiences: [] } };
        const token = await client.createSubresource<{ status: { token: string } }>(
          serviceAccounts,
          key("default"),
          "token",
          about,
        );
        expect(token.status.token.split(".")).toHaveLength(3);
      }, 40_000);

      it("delete under their options", async () => {
        const made = await client.create(configMaps, map("deleted"));
        const wrong = { preconditions: { uid: "another" } };
        await expect(client.delete(configMaps, key("deleted"), wrong)).rejects.toSatisfy(isConflict);
        const right = { preconditions: { uid: made.metadata.uid, resourceVersion: made.metadata.resourceVersion } };
        expect(await client.delete(configMaps, key("deleted"), right)).toBeUndefined();
        await expect(client.delete(configMaps, key("deleted"))).rejects.toSatisfy(isNotFound);

        await client.create(pods, podNamed("graceful"));
        const leaving = await client.delete(pods, key("graceful"), { gracePeriodSeconds: 7 });
        expect(leaving?.metadata).toMatchObject({ deletionGracePeriodSeconds: 7 });
        expect(await client.delete(pods, key("graceful"), { gracePeriodSeconds: 0 })).toBeUndefined();

        await client.create(configMaps, { metadata: { ...key("held"), finalizers: ["example.com/hold"] } });
        const held = await client.delete(configMaps, key("held"), { propagationPolicy: "Foreground" });
        expect(held?.metadata.finalizers).toEqual(["example.com/hold", "foregroundDeletion"]);
      });

      it("delete a collection by selector", async () => {
        for (const name of ["many-1", "many-2", "many-3"]) {
          await client.create(configMaps, map(name, {}, { many: name === "many-3" ? "no" : "yes" }));
        }
        await client.deleteCollection(configMaps, { namespace, labelSelector: "many=yes" });
        const left = await client.list(configMaps, { namespace, labelSelector: "many" });
        expect(left.items.map(({ metadata }) => metadata.name)).toEqual(["many-3"]);
      });
    });

    describe("reads", () => {
      it("list whole, in pages, and by selectors", async () => {
        for (const name of ["page-1", "page-2", "page-3"])
          await client.create(configMaps, map(name, {}, { paged: "" }));
        const selected = { namespace, labelSelector: "paged" };
        const whole = await client.list(configMaps, selected);
        expect(whole.items.map(({ metadata }) => metadata.name)).toEqual(["page-1", "page-2", "page-3"]);
        expect(whole.items[0]).toMatchObject({ apiVersion: "v1", kind: "ConfigMap" });
        expect(whole.items[0]!.metadata).not.toHaveProperty("managedFields");
        expect(whole.continue).toBeUndefined();
        const first = await client.list(configMaps, { ...selected, limit: 2 });
        expect(first.items).toHaveLength(2);
        const second = await client.list(configMaps, { ...selected, limit: 2, continue: first.continue! });
        expect(second.items.map(({ metadata }) => metadata.name)).toEqual(["page-3"]);
        expect(second.continue).toBeUndefined();
        await client.create(pods, podNamed("on-node-1"));
        const byField = await client.list(pods, { fieldSelector: "spec.nodeName=node-1,metadata.name=on-node-1" });
        expect(byField.items).toHaveLength(1);
        expect((await client.list(nodes)).items).toEqual([]);
      });

      it("list more than a page whole", async () => {
        const made = Array.from({ length: 1103 }, (_, i) =>
          client.create(configMaps, map(`whole-${i}`, {}, { w: "" })),
        );
        await Promise.all(made);
        const { items } = await client.list(configMaps, { namespace, labelSelector: "w" });
        expect(new Set(items.map(({ metadata }) => metadata.name)).size).toBe(1103);
        await client.deleteCollection(configMaps, { namespace, labelSelector: "w" });
      }, 60_000);

      it("any path", async () => {
        expect(await client.read("/api/v1")).toMatchObject({ kind: "APIResourceList", groupVersion: "v1" });
        await expect(client.read("/apis/nothing.example.com/v1")).rejects.toSatisfy(isNotFound);
      });
    });

    describe("watches", () => {
      it("go on from a version, by selector, and end silently where they are stopped", async () => {
        const { resourceVersion } = await client.list(configMaps, { namespace });
        const all = new Watched(client, configMaps, { namespace, resourceVersion });
        const red = new Watched(client, configMaps, { namespace, resourceVersion, labelSelector: "colour=red" });
        const made = await client.create(configMaps, map("seen", {}, { colour: "red" }));
        await client.update(configMaps, { ...made, data: { a: "1" } });
        await client.patch(configMaps, key("seen"), {
          type: "merge",
          body: { metadata: { labels: { colour: "blue" } } },
        });
        await client.delete(configMaps, key("seen"));
        await eventually("all events", () => all.seen.length === 4);
        expect(all.seen).toEqual(["ADDED seen", "MODIFIED seen", "MODIFIED seen", "DELETED seen"]);
        await eventually("the selected events", () => red.seen.length === 3);
        // It left what is selected before it was deleted.
        expect(red.seen).toEqual(["ADDED seen", "MODIFIED seen", "DELETED seen"]);
        expect(all.objects[0]!.metadata).not.toHaveProperty("managedFields");
        all.stop();
        red.stop();
        const late = await client.create(configMaps, map("late"));
        const witness = new Watched(client, configMaps, { namespace, resourceVersion });
        await eventually("a later watch's events", () =>
          witness.objects.some((o) => o.metadata.uid === late.metadata.uid),
        );
        witness.stop();
        expect([all.seen.length, red.seen.length, all.ended, red.ended]).toEqual([4, 3, undefined, undefined]);
      });
    });

    it("a watch whose version is forgotten ends, and an informer lists again", async () => {
      const outage = new Outage(client);
      const failures: unknown[] = [];
      const informer = new Informer(outage.client, configMaps, { namespace, onError: (error) => failures.push(error) });
      const seen: string[] = [];
      const old = await client.create(configMaps, map("leaves"));
      informer.start();
      expect(await informer.synced(5000)).toBe(true);
      const told = ({ metadata }: ConfigMap) => metadata.name;
      informer.subscribe({ onDelete: (object) => seen.push(`delete ${told(object)}`) });
      outage.begin();
      await client.create(configMaps, map("comes"));
      await client.delete(configMaps, key("leaves"));
      // More than what the server remembers of its events: 32 MiB.
      const filler = "x".repeat(1_000_000);
      for (let i = 0; i < 40; i++) {
        const body = { metadata: key("filler"), data: { i: String(i), filler } };
        if (i === 0) await client.create(configMaps, body);
        else await client.patch(configMaps, key("filler"), { type: "merge", body: { data: { i: String(i) } } });
      }
      const watched = new Watched(client, configMaps, { namespace, resourceVersion: old.metadata.resourceVersion });
      const { error } = await eventually("the watch's end", () => watched.ended);
      expect(error).toSatisfy(isExpired);
      expect(watched.seen).toEqual([]);
      outage.end();
      await eventually("what came meanwhile", () => informer.objects.get(`${namespace}/comes`), 20_000);
      expect(outage.expired).toBe(1);
      expect(outage.lists).toBe(2);
      expect(seen).toEqual(["delete leaves"]);
      const after = await client.create(configMaps, map("after"));
      expect(await informer.saw(after)).toBe(true);
      informer.stop();
    }, 60_000);
  });
}

/** Cuts watches off for a while; everything else is the real client's. */
class Outage {
  readonly client: Client;
  lists = 0;
  expired = 0;
  #isDown = false;
  readonly #cut: (() => void)[] = [];

  constructor(real: Client) {
    this.client = Object.create(real, {
      list: {
        value: (...args: Parameters<Client["list"]>) => {
          this.lists++;
          return real.list(...args);
        },
      },
      watch: {
        value: ((type, options, observer) => {
          if (this.#isDown) {
            const wait = setTimeout(() => observer.onEnd(), 50);
            return () => clearTimeout(wait);
          }
          const onEnd = (error?: StatusError): void => {
            if (isExpired(error)) this.expired++;
            observer.onEnd(error);
          };
          const stop = real.watch(type, options, { onEvent: (event) => observer.onEvent(event), onEnd });
          this.#cut.push(() => {
            stop();
            observer.onEnd();
          });
          return stop;
        }) as Client["watch"],
      },
    }) as Client;
  }

  begin(): void {
    this.#isDown = true;
    for (const cut of this.#cut.splice(0)) cut();
  }

  end(): void {
    this.#isDown = false;
  }
}
