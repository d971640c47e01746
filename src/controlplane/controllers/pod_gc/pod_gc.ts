/** Deletes pods of nodes that are gone, and the oldest of those that have ended. */
import { keyOf } from "../../../api/client.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNotFound } from "../../../api/status_error.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { conditionPatch } from "../pods/conditions.ts";
import { planPodGc, type PodRemoval } from "./plan.ts";

const { nodes, pods } = resourceTypes;
const name = "pod-garbage-collector-controller";
/** Between two looks, in ms. */
const checkMs = 20_000;
/** How long a node has to be missing, in ms: a cache may tell of a pod before it tells of its new node. */
const quarantineMs = 40_000;
const parallel = 16;

export const podGcController: ControllerRow = {
  name,
  account: "pod-garbage-collector",
  make: (context) => new PodGc(context),
};

class PodGc implements Controller {
  readonly #context: ControllerContext;
  /** Nodes that pods name and that are not there, since when. */
  readonly #missing = new Map<string, number>();
  #cancel: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(context: ControllerContext) {
    this.#context = context;
    context.informers.of(nodes);
    context.informers.of(pods);
  }

  start(): void {
    this.#running = this.#pass()
      .catch((err: unknown) => this.#context.log.warn({ controller: name, err }, "a look failed; it is tried again"))
      .then(() => {
        if (!this.#stopped) this.#cancel = this.#context.clock.after(checkMs, () => this.start());
      });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#running;
  }

  async #pass(): Promise<void> {
    const { informers, options } = this.#context;
    const all = [...informers.of(pods).objects.values()];
    const gone = await this.#goneNodes(new Set(all.map(({ spec }) => spec.nodeName ?? "")));
    const removals = planPodGc(all, {
      threshold: options.terminatedPodGcThreshold,
      nodeOf: (node) => informers.of(nodes).objects.get(node),
      isGone: (node) => gone.has(node),
    });
    for (let i = 0; i < removals.length && !this.#stopped; i += parallel) {
      await Promise.all(removals.slice(i, i + parallel).map((removal) => this.#remove(removal)));
    }
  }

  /** Those that were missing for long, and that the server does not know either. */
  async #goneNodes(named: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const { informers, client, clock } = this.#context;
    const known = informers.of(nodes).objects;
    for (const node of this.#missing.keys()) if (!named.has(node) || known.get(node)) this.#missing.delete(node);
    const gone = new Set<string>();
    for (const node of named) {
      if (node === "" || known.get(node)) continue;
      const since = this.#missing.get(node);
      if (since === undefined) this.#missing.set(node, clock.now());
      else if (clock.now() - since >= quarantineMs && !(await this.#isThere(node, client))) gone.add(node);
    }
    return gone;
  }

  async #isThere(node: string, client: ControllerContext["client"]): Promise<boolean> {
    try {
      await client.get(nodes, { name: node });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async #remove({ pod, condition, fails }: PodRemoval): Promise<void> {
    const { client, log, clock } = this.#context;
    const { uid, namespace } = pod.metadata;
    try {
      const withCondition = condition && conditionPatch(pod, condition, clock.now());
      if (fails || withCondition) {
        const body = {
          metadata: { uid },
          status: { ...statusOf(withCondition), ...(fails ? { phase: "Failed" } : {}) },
        };
        await client.patch(pods, keyOf(pod), { type: "strategic", body }, { subresource: "status" });
      }
      await client.delete(pods, keyOf(pod), { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (err) {
      if (!isNotFound(err))
        log.warn({ controller: name, namespace, pod: pod.metadata.name, err }, "cannot delete a pod");
    }
  }
}

function statusOf(patch: object | undefined): object {
  return (patch as { status?: object } | undefined)?.status ?? {};
}
