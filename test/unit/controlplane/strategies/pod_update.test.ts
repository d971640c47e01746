import { describe, expect, it } from "vitest";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import type { PodSpec } from "../../../../src/controlplane/apiserver/strategies/pod/model.ts";
import { object, updateCauses, updateRefusals, type Fields } from "./life.ts";

const container = (more: Fields = {}): Fields => ({ name: "c", image: "nginx", ...more });
const pod = (spec: Fields = {}, metadata: Fields = {}) =>
  object("v1", "Pod", { spec: { containers: [container()], ...spec } }, metadata);
const podOf = (more: Fields, spec: Fields = {}) => pod({ ...spec, containers: [container(more)] });
type Amounts = Record<string, string>;
const specOf = (made: ApiObject) => made["spec"] as PodSpec;

describe("a pod's update", () => {
  const old = pod({
    containers: [container({ env: [{ name: "A", value: "1" }] })],
    tolerations: [{ key: "k", operator: "Exists" }],
  });
  it("may change images, tolerations that are added and the deadline", () => {
    const refused = updateRefusals(old, (next) => {
      const spec = specOf(next);
      spec.containers![0]!.image = "nginx:2";
      spec.tolerations!.push({ key: "l", operator: "Exists" });
      spec.activeDeadlineSeconds = 5;
    });
    expect(refused).toEqual([]);
  });

  it("may write what is the default, or empty", () => {
    expect(
      updateRefusals(old, (next) => Object.assign(specOf(next), { hostNetwork: false, nodeSelector: {} })),
    ).toEqual([]);
  });

  it.each<[string, (spec: PodSpec) => unknown, string[]]>([
    ["its environment", (spec) => (spec.containers![0]!.env![0]!.value = "2"), ["Forbidden spec"]],
    ["its node", (spec) => (spec.nodeName = "n"), ["Forbidden spec"]],
    ["its user to root", (spec) => (spec.securityContext = { runAsUser: 0 }), ["Forbidden spec"]],
    [
      "its number of containers",
      (spec) => spec.containers!.push(container({ name: "d" })),
      ["Forbidden spec.containers"],
    ],
    ["a toleration", (spec) => (spec.tolerations = []), ["Forbidden spec.tolerations"]],
    ["its resources", (spec) => (spec.containers![0]!.resources = { requests: { cpu: "1" } }), ["Forbidden spec"]],
    ["its gates", (spec) => (spec.schedulingGates = [{ name: "g" }]), ["Forbidden spec.schedulingGates[0].name"]],
  ])("may not change %s", (_what, change, expected) => {
    expect(updateRefusals(old, (next) => change(specOf(next)))).toEqual(expected);
  });

  it("says what may change, and what did", () => {
    const [cause] = updateCauses(old, (next) => (specOf(next).containers![0]!.env![0]!.value = "2"));
    expect(cause?.message).toBe(
      'Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n  spec.containers[0].env[0].value: "1" → "2"',
    );
  });

  it("of its status keeps the class of service, and what has ended", () => {
    const done = pod({ restartPolicy: "Never" });
    const ended = (next: ApiObject) => (next["status"] = { phase: "Running", qosClass: "Guaranteed" });
    expect(updateRefusals(done, ended, "status")).toEqual(["Invalid status.qosClass"]);
    expect(updateRefusals(done, (next) => (next["status"] = { phase: "Running" }), "status")).toEqual([]);
  });

  it("adds containers to look inside through their subresource, and never takes one back", () => {
    const debug = { name: "d", image: "busybox", terminationMessagePolicy: "File", imagePullPolicy: "Always" };
    const add = (next: ApiObject) => (specOf(next).ephemeralContainers = [debug]);
    expect(updateRefusals(old, add, "ephemeralcontainers")).toEqual([]);
    const wrong = (next: ApiObject) =>
      (specOf(next).ephemeralContainers = [{ ...debug, ports: [{ containerPort: 1, protocol: "TCP" }] }]);
    expect(updateRefusals(old, wrong, "ephemeralcontainers")).toEqual(["Forbidden spec.ephemeralContainers[0].ports"]);
    expect(updateRefusals(old, add)).toEqual(["Forbidden spec"]);
  });

  it("resizes cpu and memory alone", () => {
    const sized = podOf({ resources: { requests: { cpu: "1", memory: "1Gi" }, limits: { memory: "2Gi" } } });
    const resize = (requests: Amounts, limits: Amounts) => (next: ApiObject) => {
      specOf(next).containers![0]!.resources = { requests, limits };
    };
    expect(updateRefusals(sized, resize({ cpu: "2", memory: "1Gi" }, { memory: "3Gi" }), "resize")).toEqual([]);
    expect(updateRefusals(sized, resize({ cpu: "2", memory: "1Gi" }, { memory: "1Gi" }), "resize")).toEqual([
      "Forbidden spec.containers[0].resources.limits[memory]",
    ]);
    expect(updateRefusals(sized, resize({ cpu: "2" }, { memory: "2Gi" }), "resize")).toEqual([
      "Forbidden spec.containers[0].resources.requests",
    ]);
  });
});
