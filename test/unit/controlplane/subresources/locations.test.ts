/** Where subresources lead: names of proxies, containers, scales of custom resources. */
import { describe, expect, it } from "vitest";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";

import { containerOf, type Pod } from "../../../../src/controlplane/apiserver/subresources/kubelet_location.ts";
import { proxyName } from "../../../../src/controlplane/apiserver/subresources/proxy_location.ts";
import { customShape, scaleOf } from "../../../../src/controlplane/apiserver/subresources/scale.ts";
import { selects } from "../../../../src/controlplane/apiserver/validation/labels.ts";

describe("names of proxies", () => {
  it.each<[string, object]>([
    ["web", { secure: false, name: "web", port: "" }],
    ["web:80", { secure: false, name: "web", port: "80" }],
    ["https:web:", { secure: true, name: "web", port: "" }],
    ["http:web:admin", { secure: false, name: "web", port: "admin" }],
    [":web:1", { secure: false, name: "web", port: "1" }],
  ])("%s", (text, expected) => {
    expect(proxyName("service", text)).toEqual(expected);
  });

  it.each(["ftp:web:1", "a:b:c:d"])("%s is none", (text) => {
    expect(() => proxyName("service", text)).toThrow(`invalid service request "${text}"`);
  });
});

describe("containers", () => {
  const pod = (containers: string[], initContainers: string[] = []): Pod => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p" },
    spec: {
      containers: containers.map((name) => ({ name })),
      initContainers: initContainers.map((name) => ({ name })),
      ephemeralContainers: [{ name: "debug" }],
    },
  });

  it("are the only one, or the one that is named", () => {
    expect(containerOf(pod(["a"]), "")).toBe("a");
    expect(containerOf(pod(["a", "b"], ["i"]), "i")).toBe("i");
    expect(containerOf(pod(["a"]), "debug")).toBe("debug");
  });

  it.each<[string[], string[], string, string]>([
    [["a", "b"], [], "", "a container name must be specified for pod p, choose one of: [a b]"],
    [
      ["a", "b"],
      ["i"],
      "",
      "a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i]",
    ],
    [["a"], [], "x", "container x is not valid for pod p"],
  ])("of %j are refused", (containers, init, asked, message) => {
    expect(() => containerOf(pod(containers, init), asked)).toThrow(message);
  });
});

describe("selectors of budgets", () => {
  it.each<[object, boolean]>([
    [{}, true],
    [{ matchLabels: { a: "1" } }, true],
    [{ matchLabels: { a: "2" } }, false],
    [{ matchExpressions: [{ key: "a", operator: "In", values: ["1"] }] }, true],
    [{ matchExpressions: [{ key: "b", operator: "NotIn", values: ["1"] }] }, true],
    [{ matchExpressions: [{ key: "a", operator: "DoesNotExist" }] }, false],
    [{ matchExpressions: [{ key: "b", operator: "Exists" }] }, false],
  ])("%j", (selector, expected) => {
    expect(selects(selector, { a: "1" })).toBe(expected);
  });
});

it("a custom resource has its scale where its definition says", () => {
  const shape = customShape({
    specReplicasPath: ".spec.size",
    statusReplicasPath: ".status.size",
    labelSelectorPath: ".status.selector",
  });
  const object = {
    apiVersion: "g/v1",
    kind: "K",
    metadata: { name: "x" },
    spec: { size: 3 },
    status: { size: 2, selector: "a=b" },
  };
  expect(scaleOf(object as ApiObject, shape)).toMatchObject({
    spec: { replicas: 3 },
    status: { replicas: 2, selector: "a=b" },
  });
});
