import { describe, expect, it } from "vitest";
import { compareGroups, compareVersions } from "../../../../src/controlplane/apiserver/discovery/order.ts";

describe("the order of versions", () => {
  it("is Kubernetes' own", () => {
    const inOrder = [
      "v10",
      "v2",
      "v1",
      "v11beta2",
      "v10beta3",
      "v3beta1",
      "v12alpha1",
      "v11alpha2",
      "foo1",
      "foo10",
      "v0",
    ];
    expect([...inOrder].reverse().sort(compareVersions)).toEqual(inOrder);
  });
});

describe("the order of groups", () => {
  it("has the built-in ones first, then custom ones by name", () => {
    const inOrder = ["", "apps", "batch", "discovery.k8s.io", "a.example.com", "b.example.com"];
    expect([...inOrder].reverse().sort(compareGroups)).toEqual(inOrder);
  });
});
