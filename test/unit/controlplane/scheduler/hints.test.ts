/** Which events wake a pod, by the plugin that rejected it (upstream: each plugin's EventsToRegister and hints). */
import { describe, expect, it } from "vitest";
import type { ClusterEvent } from "../../../../src/controlplane/scheduler/framework/events.ts";
import { defaultProfile } from "../../../../src/controlplane/scheduler/framework/profile.ts";
import type { PodInfo } from "../../../../src/controlplane/scheduler/model/pod_info.ts";
import { clusterOf, info, node, type NodeOptions, type PodOptions } from "./objects.ts";

const cluster = clusterOf([]);
const helps = (plugin: string, event: ClusterEvent, pod: PodInfo): boolean =>
  defaultProfile.find(({ name }) => name === plugin)!.helps?.(event, pod, cluster) ?? false;

const added = (options: NodeOptions): ClusterEvent => ({ type: "NodeAdd", node: node("n", options) });
const changed = (before: NodeOptions, after: NodeOptions): ClusterEvent => ({
  type: "NodeUpdate",
  previous: node("n", before),
  node: node("n", after),
});
const came = (options: PodOptions): ClusterEvent => ({ type: "PodAdd", pod: info("other", options) });
const went = (options: PodOptions): ClusterEvent => ({ type: "PodDelete", pod: info("other", options) });
const cpu = (cores: string): NodeOptions => ({ allocatable: { cpu: cores } });
const taint = { taints: [{ key: "t", effect: "NoSchedule" }] };
const port: PodOptions = { spec: { containers: [{ name: "c", ports: [{ containerPort: 1, hostPort: 80 }] }] } };
const web = { labels: { app: "web" } };
const term = { labelSelector: { matchLabels: { app: "web" } }, topologyKey: "zone" };
const required = { requiredDuringSchedulingIgnoredDuringExecution: [term] };
const near: PodOptions = { spec: { affinity: { podAffinity: required } } };
const far: PodOptions = { spec: { affinity: { podAntiAffinity: required } } };
const constraint = { ...term, maxSkew: 1, whenUnsatisfiable: "DoNotSchedule" };
const spread: PodOptions = { spec: { topologySpreadConstraints: [constraint] } };

describe("events that help", () => {
  it.each<[string, string, ClusterEvent, PodOptions, boolean]>([
    ["NodeResourcesFit", "a node with room", added(cpu("4")), { requests: { cpu: "2" } }, true],
    ["NodeResourcesFit", "a node that is too small", added(cpu("1")), { requests: { cpu: "2" } }, false],
    ["NodeResourcesFit", "a node that grew", changed(cpu("2"), cpu("4")), { requests: { cpu: "2" } }, true],
    ["NodeResourcesFit", "a node that shrank", changed(cpu("4"), cpu("2")), { requests: { cpu: "2" } }, false],
    ["NodeResourcesFit", "a label", changed({}, { labels: { a: "b" } }), { requests: { cpu: "2" } }, false],
    ["NodeResourcesFit", "a pod that went", went({}), { requests: { cpu: "2" } }, true],
    ["NodeResourcesFit", "a pod that came", came({}), { requests: { cpu: "2" } }, false],
    ["TaintToleration", "a taint that went", changed(taint, {}), {}, true],
    ["TaintToleration", "another taint in its place", changed(taint, taint), {}, false],
    ["TaintToleration", "a tainted node", added(taint), {}, false],
    ["TaintToleration", "a pod that went", went({}), {}, false],
    ["NodeUnschedulable", "an uncordoned node", changed({ unschedulable: true }, {}), {}, true],
    ["NodeUnschedulable", "a cordoned node", added({ unschedulable: true }), {}, false],
    ["NodeAffinity", "the label", changed({}, { labels: { a: "b" } }), { spec: { nodeSelector: { a: "b" } } }, true],
    [
      "NodeAffinity",
      "another label",
      changed({}, { labels: { a: "c" } }),
      { spec: { nodeSelector: { a: "b" } } },
      false,
    ],
    ["NodePorts", "the port's owner went", went(port), port, true],
    ["NodePorts", "another pod went", went({}), port, false],
    ["InterPodAffinity", "the pod that it wants near", came(web), near, true],
    ["InterPodAffinity", "another pod", came({ labels: { app: "db" } }), near, false],
    ["InterPodAffinity", "the pod that was in the way went", went(web), far, true],
    ["InterPodAffinity", "a pod that kept it away went", went(far), web, true],
    ["InterPodAffinity", "another pod went", went({}), far, false],
    ["InterPodAffinity", "a node in a zone", added({ labels: { zone: "1" } }), near, true],
    ["InterPodAffinity", "a node in none", added({}), near, false],
    ["PodTopologySpread", "one of its kind went", went(web), spread, true],
    ["PodTopologySpread", "one of another namespace", went({ ...web, namespace: "x" }), spread, false],
    ["PodTopologySpread", "a node in a zone", added({ labels: { zone: "1" } }), spread, true],
    ["PodTopologySpread", "a node that changed its zone", changed({}, { labels: { zone: "1" } }), spread, true],
    ["PodTopologySpread", "a node that grew", changed(cpu("1"), cpu("2")), spread, false],
  ])("%s: %s", (plugin, _, event, pod, expected) => {
    expect(helps(plugin, event, info("p", pod))).toBe(expected);
  });
});
