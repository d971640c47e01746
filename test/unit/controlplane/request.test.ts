import { describe, expect, it } from "vitest";
import { requestInfo } from "../../../src/controlplane/apiserver/request/info.ts";
import { fieldSelector, labelSelector } from "../../../src/controlplane/apiserver/request/selectors.ts";

describe("a request's path says what it is for", () => {
  const read = (line: string) => {
    const [method, url] = line.split(" ") as [string, string];
    const { pathname, searchParams } = new URL(url, "http://x");
    const info = requestInfo(method, pathname, searchParams)!;
    const { verb, group, version, namespace, resource, name, subresource } = info;
    return [verb, group, version, namespace, resource, name, subresource].join("|");
  };
  it.each([
    ["GET /api/v1/pods", "list||v1||pods||"],
    ["GET /api/v1/pods?watch=1", "watch||v1||pods||"],
    ["GET /api/v1/namespaces/a/pods/b", "get||v1|a|pods|b|"],
    ["GET /api/v1/namespaces/a/pods/b/log", "get||v1|a|pods|b|log"],
    ["POST /apis/apps/v1/namespaces/a/deployments", "create|apps|v1|a|deployments||"],
    ["PATCH /apis/apps/v1/namespaces/a/deployments/b/scale", "patch|apps|v1|a|deployments|b|scale"],
    ["DELETE /api/v1/namespaces/a/pods", "deletecollection||v1|a|pods||"],
    ["GET /api/v1/namespaces/a", "get||v1|a|namespaces|a|"],
    ["PUT /api/v1/namespaces/a/finalize", "update||v1|a|namespaces|a|finalize"],
    ["GET /api/v1/nodes/n/proxy/metrics", "get||v1||nodes|n|proxy"],
    ["GET /api/v1", "http:get||||||"],
    ["GET /apis/apps/v1", "http:get||||||"],
    ["GET /healthz", "http:get||||||"],
  ])("%s", (line, expected) => expect(read(line)).toBe(expected));

  it("refuses a malformed escape", () => {
    expect(requestInfo("GET", "/api/v1/pods/%zz", new URLSearchParams())).toBeUndefined();
  });
});

describe("label selectors", () => {
  const labels = { app: "web", tier: "front", n: "5", "example.com/x": "" };
  it.each([
    ["app=web", true],
    ["app==web,tier!=back", true],
    ["app!=web", false],
    ["app in (db, web),tier in (front)", true],
    ["app notin (web)", false],
    ["missing notin (a,b)", true],
    ["app", true],
    ["!app", false],
    ["!missing", true],
    ["n>4,n<6", true],
    ["n>5", false],
    ["example.com/x=", true],
    ["missing=", false],
  ])("%s", (selector, expected) => expect(labelSelector(selector)!(labels)).toBe(expected));

  it("select everything when empty", () => expect(labelSelector("")).toBeUndefined());
  it.each(["a b", "=x", "a=b=c", "a in b", "a in (b", "-a=b", "a>x", "a=b!"])("refuses %s", (selector) => {
    expect(() => labelSelector(selector)).toThrow(expect.objectContaining({ reason: "BadRequest" }));
  });
});

describe("field selectors", () => {
  const resolve = (label: string): string => {
    if (label === "metadata.name" || label === "spec.nodeName") return label;
    if (label === "spec.host") return "spec.nodeName";
    throw new Error(`no ${label}`);
  };
  const fields = { "metadata.name": "a", "spec.nodeName": "" };
  it.each([
    ["metadata.name=a", true],
    ["metadata.name!=a", false],
    ["spec.nodeName=,metadata.name==a", true],
    ["spec.nodeName!=", false],
    ["spec.host=", true],
  ])("%s", (selector, expected) => expect(fieldSelector(selector, resolve)!(fields)).toBe(expected));

  it("refuses a field that the resource cannot be selected by", () => {
    expect(() => fieldSelector("spec.image=x", resolve)).toThrow("no spec.image");
  });
});
