/** Pods that make room for one that the node cannot do without. */
import { describe, expect, it } from "vitest";
import type { Client } from "../../../src/api/client.ts";
import { openAdmission } from "../../../src/kubelet/admission/admission.ts";
import type { Evictable } from "../../../src/kubelet/eviction/manager.ts";
import { planPreemption } from "../../../src/kubelet/preemption/plan.ts";
import { preemption } from "../../../src/kubelet/preemption/preempt.ts";
import type { Pod } from "../../../src/model/kubernetes.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { podOf } from "../../fixtures/kubelet_objects.ts";

const critical = { priority: 2_000_001_000 };

function pod(name: string, cpu?: string, memory?: string, spec: object = {}, qosClass?: string): Pod {
  const requests = { ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}) };
  const resources = { requests, ...(qosClass === "Guaranteed" ? { limits: requests } : {}) };
  return podOf({ containers: [{ name: "main", resources }], metadata: { name, uid: `uid-${name}` }, spec });
}

const names = (pods: readonly Pod[] | undefined) => pods?.map(({ metadata }) => metadata.name);
const cpu = (amount: number) => [{ name: "cpu", amount }];
const wanted = pod("critical", "500m", undefined, critical);

describe("who makes room", () => {
  const small = pod("small", "100m", "10Mi");
  const large = pod("large", "600m", "10Mi");
  const larger = pod("larger", "600m", "20Mi");
  const sure = pod("sure", "600m", "10Mi", {}, "Guaranteed");
  const idle = pod("idle");

  it("is as few as may be, and of those who asks for least", () => {
    expect(names(planPreemption(wanted, [larger, small, large], cpu(500)))).toEqual(["large"]);
    expect(names(planPreemption(wanted, [small, larger, large], cpu(700)))).toEqual(["large", "small"]);
  });

  it("is of the lowest class that can", () => {
    expect(names(planPreemption(wanted, [sure, idle, large], cpu(500)))).toEqual(["large"]);
    expect(names(planPreemption(wanted, [sure, idle, small], cpu(500)))).toEqual(["sure"]);
    expect(names(planPreemption(wanted, [sure, large, idle], [{ name: "pods", amount: 1 }]))).toEqual(["idle"]);
  });

  it("is no other critical pod, but one of a lower priority, and nobody where all would not do", () => {
    const peer = pod("peer", "900m", "10Mi", critical);
    const lower = pod("lower", "900m", "10Mi", { priority: 2_000_000_500 });
    expect(planPreemption(wanted, [peer], cpu(500))).toBeUndefined();
    expect(names(planPreemption(wanted, [peer, lower], cpu(500)))).toEqual(["lower"]);
    expect(planPreemption(wanted, [small, idle], cpu(500))).toBeUndefined();
  });
});

describe("a node that is full", () => {
  class Scene {
    readonly clock = new FakeClock();
    readonly said: string[] = [];
    readonly counted: string[] = [];
    readonly ended = new Set<string>();
    readonly pods: Pod[];

    constructor(...pods: Pod[]) {
      this.pods = pods;
    }

    decide(one: Pod) {
      const events = {
        event: (about: { metadata: { name: string } }, type: string, reason: string, message: string) =>
          void this.said.push(`${type} ${reason} ${about.metadata.name} ${message}`),
      };
      const admission = openAdmission({
        client: {} as Client,
        node: () => undefined,
        allocatable: () => ({ cpu: "1", memory: "1Gi", pods: "10" }),
        pressures: { current: [] },
        unsafeSysctls: [],
        hasAppArmor: false,
        preempt: preemption({
          pods: () => this.pods.map((other) => this.#evictable(other)),
          events,
          metrics: { preempted: (resource) => void this.counted.push(resource) },
          clock: this.clock,
        }),
      });
      return admission.decide(one, this.pods);
    }

    #evictable(one: Pod): Evictable {
      const { ended, said } = this;
      const { name } = one.metadata;
      return {
        pod: one,
        isActive: true,
        get hasEnded() {
          return ended.has(name);
        },
        evict: ({ reason, disruption }, grace) => void said.push(`${name}: ${reason}, ${disruption}, ${grace} s`),
      };
    }
  }

  it("ends a pod for a critical one, and lets that in once it has ended", async () => {
    const scene = new Scene(pod("web", "800m"));
    let verdict: unknown = "waits";
    void Promise.resolve(scene.decide(wanted)).then((rejection) => (verdict = rejection));
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const message = "Preempted in order to admit critical pod";
    await turn();
    expect(scene.said).toEqual([`Warning Preempting web ${message}`, `web: Preempting, ${message}, 30 s`]);
    expect(scene.counted).toEqual(["cpu"]);
    scene.clock.advance(1000);
    await turn();
    expect(verdict).toBe("waits");
    scene.ended.add("web");
    scene.clock.advance(100);
    await turn();
    expect(verdict).toBeUndefined();
  });

  it("waits no longer for one that does not end than killing it may take", async () => {
    const scene = new Scene(pod("web", "800m"));
    const verdict = scene.decide(wanted);
    for (let second = 0; second < 46; second++) {
      scene.clock.advance(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(scene.clock.waiting).toBe(0);
    expect(await verdict).toBeUndefined();
  });

  it("ends nobody for a pod like others, or for one against which something else speaks", () => {
    const scene = new Scene(pod("web", "800m"));
    expect(scene.decide(pod("other", "500m"))).toMatchObject({ reason: "OutOfcpu" });
    const tuned = { ...critical, securityContext: { sysctls: [{ name: "kernel.msgmax", value: "1" }] } };
    expect(scene.decide(pod("tuned", "500m", undefined, tuned))).toMatchObject({ reason: "SysctlForbidden" });
    expect(scene.said).toEqual([]);
  });

  it("says what is missing where nobody could make room", async () => {
    const scene = new Scene(pod("peer", "800m", undefined, critical));
    expect(await scene.decide(wanted)).toEqual({
      reason: "UnexpectedAdmissionError",
      message:
        "Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: " +
        "no set of running pods found to reclaim resources: [(res: cpu, q: 300), ]",
    });
    expect(scene.said).toEqual([]);
  });
});
