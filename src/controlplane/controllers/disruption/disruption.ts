/** Tells each PodDisruptionBudget how many of its pods may go. */
import { keyOf, keyText } from "../../../api/client.ts";
import type { Informer } from "../../../api/informer.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isConflict, isNotFound } from "../../../api/status_error.ts";
import { labelMatcher, type LabelMatcher } from "../../../model/label_selector.ts";
import type { Pod, PodDisruptionBudget } from "../../../model/kubernetes.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { conditionPatch } from "../pods/conditions.ts";
import { controllerQueue } from "../queue.ts";
import { expectedOf, failedStatus, needsScale, planBudget, staleDisruptionInMs, type BudgetStatus } from "./plan.ts";
import { Scales } from "./scales.ts";

const { pods, podDisruptionBudgets } = resourceTypes;
const name = "disruption-controller";

export const disruptionController: ControllerRow = {
  name,
  account: "disruption-controller",
  component: "controllermanager",
  make: (context) => new Disruption(context),
};

class Disruption implements Controller {
  readonly #context: ControllerContext;
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #pods: Informer<Pod>;
  readonly #scales: Scales;
  readonly #queue: WorkQueue;
  readonly #stale: WorkQueue;
  readonly #matchers = new WeakMap<PodDisruptionBudget, LabelMatcher>();

  constructor(context: ControllerContext) {
    this.#context = context;
    const { client, informers, clock } = context;
    this.#budgets = informers.of(podDisruptionBudgets);
    this.#pods = informers.of(pods);
    this.#scales = new Scales(client, informers, clock);
    this.#queue = controllerQueue(context, { name, reconcile: (key) => this.#reconcile(key) });
    this.#stale = controllerQueue(context, { name, reconcile: (key) => this.#clean(key) });
    const onBudget = (budget: PodDisruptionBudget): void => this.#queue.add(keyText(keyOf(budget)));
    this.#budgets.subscribe({ onAdd: onBudget, onUpdate: (_, budget) => onBudget(budget) });
    this.#pods.subscribe({
      onAdd: (pod) => this.#onPod(pod),
      onUpdate: (before, pod) => {
        if (before.metadata.labels !== pod.metadata.labels) this.#onPod(before);
        this.#onPod(pod);
      },
      onDelete: (pod) => this.#onPod(pod),
    });
  }

  start(): void {
    this.#queue.start();
    this.#stale.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#queue.stop(), this.#stale.stop()]);
  }

  #onPod(pod: Pod): void {
    const { namespace = "", labels } = pod.metadata;
    for (const budget of this.#budgets.objects.inNamespace(namespace)) {
      if (this.#matcher(budget)(labels)) this.#queue.add(keyText(keyOf(budget)));
    }
    const staleMs = staleDisruptionInMs(pod, this.#context.clock.now());
    if (staleMs !== undefined) this.#stale.addAfter(keyText(keyOf(pod)), staleMs);
  }

  #matcher(budget: PodDisruptionBudget): LabelMatcher {
    let matcher = this.#matchers.get(budget);
    if (!matcher) this.#matchers.set(budget, (matcher = labelMatcher(budget.spec.selector)));
    return matcher;
  }

  async #reconcile(key: string): Promise<Outcome> {
    const budget = this.#budgets.objects.get(key);
    if (!budget) return undefined;
    try {
      return await this.#sync(budget);
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) throw error;
      // What cannot be counted allows nothing; the next change of a pod counts anew.
      const status = failedStatus(budget, (error as Error).message, this.#context.clock.now());
      await this.#write(budget, status);
      this.#context.log.warn({ controller: name, key, err: error }, "cannot count a budget's pods");
      return undefined;
    }
  }

  async #sync(budget: PodDisruptionBudget): Promise<Outcome> {
    const { events, clock } = this.#context;
    const { namespace = "" } = budget.metadata;
    const matches = this.#matcher(budget);
    const own = this.#pods.objects.inNamespace(namespace).filter(({ metadata }) => matches(metadata.labels));
    if (own.length === 0) events.event(budget, "Normal", "NoPods", "No matching pods found");
    const plan = planBudget(budget, own, expectedOf(budget, own.length, await this.#scale(budget, own)), clock.now());
    for (const pod of plan.notDeleted) {
      const message = `Pod was expected by PDB ${namespace}/${budget.metadata.name} to be deleted but it wasn't`;
      events.event(pod, "Warning", "NotDeleted", message);
    }
    if (plan.status) await this.#write(budget, plan.status);
    return plan.againAfterMs === undefined ? undefined : { againAfterMs: plan.againAfterMs };
  }

  async #scale(budget: PodDisruptionBudget, own: readonly Pod[]): Promise<number> {
    if (!needsScale(budget)) return 0;
    const { events } = this.#context;
    try {
      const { replicas, unmanaged } = await this.#scales.of(own);
      if (unmanaged.length > 0) events.event(budget, "Warning", "UnmanagedPods", unmanagedText(budget));
      return replicas;
    } catch (error) {
      const message = `Failed to calculate the number of expected pods: ${(error as Error).message}`;
      events.event(budget, "Warning", "CalculateExpectedPodCountFailed", message);
      throw error;
    }
  }

  async #write(budget: PodDisruptionBudget, status: BudgetStatus): Promise<void> {
    const { client } = this.#context;
    const object = { ...budget, status };
    await this.#budgets.saw(await client.update(podDisruptionBudgets, object, { subresource: "status" }));
  }

  /** A pod that was to go and did not says so no more. */
  async #clean(key: string): Promise<Outcome> {
    const { client, clock } = this.#context;
    const pod = this.#pods.objects.get(key);
    const staleMs = pod && staleDisruptionInMs(pod, clock.now());
    if (!pod || staleMs === undefined) return undefined;
    if (staleMs > 0) return { againAfterMs: staleMs };
    const body = conditionPatch(pod, { type: "DisruptionTarget", status: "False" }, clock.now());
    if (body) await client.patch(pods, keyOf(pod), { type: "strategic", body }, { subresource: "status" });
    return undefined;
  }
}

/** The selector as Go prints it. */
function unmanagedText({ spec }: PodDisruptionBudget): string {
  const { matchLabels = {} } = spec.selector ?? {};
  const labels = Object.entries(matchLabels)
    .sort()
    .map(([key, value]) => `${key}: ${value},`);
  const selector = `&LabelSelector{MatchLabels:map[string]string{${labels.join("")}},MatchExpressions:[]LabelSelectorRequirement{},}`;
  return `Pods selected by this PodDisruptionBudget (selector: ${selector}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`;
}
