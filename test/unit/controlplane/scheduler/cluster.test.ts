/** What the cluster keeps up while pods and nodes come and go is what it would count anew. */
import { expect, it } from "vitest";
import { feasibleNodes } from "../../../../src/controlplane/scheduler/framework/feasible.ts";
import { defaultProfile } from "../../../../src/controlplane/scheduler/framework/profile.ts";
import { totalScores } from "../../../../src/controlplane/scheduler/framework/scores.ts";
import type { PodInfo } from "../../../../src/controlplane/scheduler/model/pod_info.ts";
import { planPreemption } from "../../../../src/controlplane/scheduler/preemption/plan.ts";
import fc from "../../../fixtures/property.ts";
import { clusterOf, info, node, type PodOptions } from "./objects.ts";

const apps = ["a", "b", "c"];
const nodeNames = ["n0", "n1", "n2", "n3"];
const nodes = () =>
  nodeNames.map((name, i) => node(name, { labels: { zone: `z${i % 2}` }, allocatable: { cpu: "3" } }));

const term = fc.record({
  topologyKey: fc.constantFrom("zone", "kubernetes.io/hostname"),
  labelSelector: fc.constantFrom(...apps.map((app) => ({ matchLabels: { app } })), {
    matchExpressions: [{ key: "app", operator: "NotIn", values: ["a"] }],
  }),
});
const terms = fc.array(term, { maxLength: 1 });
const rules = fc.record({ required: terms, preferred: terms }).map(({ required, preferred }) => ({
  requiredDuringSchedulingIgnoredDuringExecution: required,
  preferredDuringSchedulingIgnoredDuringExecution: preferred.map((each) => ({ weight: 3, podAffinityTerm: each })),
}));
const options: fc.Arbitrary<PodOptions> = fc
  .record({
    app: fc.constantFrom(...apps),
    near: rules,
    far: rules,
    spread: terms,
    priority: fc.nat(3),
    isGoing: fc.boolean(),
  })
  .map(({ app, near, far, spread, priority, isGoing }) => ({
    labels: { app },
    requests: { cpu: "500m" },
    priority,
    ...(isGoing ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    spec: {
      affinity: { podAffinity: near, podAntiAffinity: far },
      topologySpreadConstraints: spread.map((each) => ({ ...each, maxSkew: 1, whenUnsatisfiable: "DoNotSchedule" })),
    },
  }));
const change = fc.oneof(
  fc.record({ pod: fc.nat(5), options, nodeName: fc.constantFrom(...nodeNames), isAssumed: fc.boolean() }),
  fc.record({ gone: fc.nat(5) }),
);

function answer(cluster: ReturnType<typeof clusterOf>, asked: PodInfo) {
  const { nodes: fit, diagnosis, filters } = feasibleNodes(asked, cluster, defaultProfile, 0);
  const rejected = [...diagnosis.rejections].map(([name, { reasons }]) => [name, ...reasons]);
  const plan = () => planPreemption(asked, { diagnosis, filters }, cluster, () => 0);
  return {
    fit: fit.map(({ name }) => name),
    scores: [...totalScores(asked, cluster, defaultProfile, fit)],
    rejected,
    plan: fit.length > 0 ? undefined : planText(plan()),
  };
}

function planText(plan: ReturnType<typeof planPreemption>): unknown {
  if (plan.type !== "Preempt") return plan;
  const { nodeName, victims, violations } = plan.candidate;
  return { nodeName, victims: victims.map(({ name }) => name), violations };
}

it("after any changes, filters, scores and victims are those of a cluster that is made at once", () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 25 }),
      fc.array(options, { minLength: 1, maxLength: 3 }),
      (changes, asked) => {
        const cluster = clusterOf(nodes());
        const placed = new Map<string, { pod: PodInfo; nodeName: string }>();
        const questions = asked.map((each, i) => info(`asked-${i}`, each));
        for (const each of changes) {
          // Asked in between, so that counts are kept from then on.
          for (const question of questions) answer(cluster, question);
          if ("gone" in each) {
            cluster.removePod(`uid-p${each.gone}`);
            placed.delete(`p${each.gone}`);
            continue;
          }
          const name = `p${each.pod}`;
          const before = placed.get(name);
          // Affinity does not change in a pod's life; its labels, its end and its node (when it is made anew) may.
          const spec = before ? { spec: before.pod.pod.spec } : {};
          const status = { startTime: `2026-01-01T00:0${each.pod}:00Z` };
          const pod = info(name, { ...each.options, ...spec, status });
          const nodeName = before?.nodeName ?? each.nodeName;
          if (each.isAssumed) cluster.assume(pod, nodeName);
          else cluster.setPod(pod, nodeName);
          placed.set(name, { pod, nodeName });
        }
        const fresh = clusterOf(nodes());
        for (const { pod, nodeName } of placed.values()) fresh.setPod(pod, nodeName);
        for (const question of questions) expect(answer(cluster, question)).toEqual(answer(fresh, question));
      },
    ),
    { numRuns: 60 },
  );
});
