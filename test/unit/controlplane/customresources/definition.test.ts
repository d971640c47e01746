import { describe, expect, it } from "vitest";
import { definitionStrategy } from "../../../../src/controlplane/apiserver/customresources/definition/strategy.ts";
import { simplePath } from "../../../../src/controlplane/apiserver/customresources/simple_path.ts";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import { certificates, cronTabs } from "../../../fixtures/definitions.ts";

/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-member-access -- definitions are bent here into what they may not be */

function defaulted(change: (definition: any) => void = () => undefined): ApiObject {
  const definition = structuredClone(cronTabs) as any;
  change(definition);
  definitionStrategy.defaults!(definition as ApiObject);
  return definition as ApiObject;
}

function refused(change: (definition: any) => void): string[] {
  return definitionStrategy.validateCreate!(defaulted(change)).map(({ field, message }) => `${field!}: ${message}`);
}

const inSchema = (change: (properties: any, spec: any) => void) => (definition: any) => {
  const { spec } = definition.spec.versions[0].schema.openAPIV3Schema.properties;
  change(spec.properties, spec);
};
const at = "spec.versions[0].schema.openAPIV3Schema";

describe("definitions that are right", () => {
  it.each([cronTabs, certificates])("are taken", (definition) => {
    const copy = structuredClone(definition) as unknown as ApiObject;
    definitionStrategy.defaults!(copy);
    expect(definitionStrategy.validateCreate!(copy)).toEqual([]);
  });

  it("get their defaults", () => {
    const { spec } = defaulted((definition) => delete definition.spec.names.singular) as any;
    expect(spec.names).toMatchObject({ singular: "crontab", listKind: "CronTabList" });
    expect(spec.conversion).toEqual({ strategy: "None" });
  });
});

describe("definitions that are wrong", () => {
  it.each<[string, (definition: any) => void, string]>([
    [
      "name",
      (d) => (d.metadata.name = "x.y"),
      `metadata.name: Invalid value: "x.y": must be spec.names.plural+"."+spec.group`,
    ],
    [
      "scope",
      (d) => (d.spec.scope = "Some"),
      'spec.scope: Unsupported value: "Some": supported values: "Cluster", "Namespaced"',
    ],
    [
      "kind",
      (d) => (d.spec.names.listKind = "CronTab"),
      'spec.names.listKind: Invalid value: "CronTab": kind and listKind may not be the same',
    ],
    [
      "storage",
      (d) => (d.spec.versions[0].storage = false),
      "spec.versions: Invalid value: []: must have exactly one version marked as storage version",
    ],
    [
      "conversion",
      (d) => (d.spec.conversion = { strategy: "Webhook" }),
      'spec.conversion.strategy: Unsupported value: "Webhook": supported values: "None"',
    ],
    ["schema", (d) => delete d.spec.versions[0].schema, `${at}: Required value: schemas are required`],
    [
      "column",
      (d) => (d.spec.versions[0].additionalPrinterColumns[0].jsonPath = "spec"),
      'spec.versions[0].additionalPrinterColumns[0].jsonPath: Invalid value: "spec": must be a simple json path starting with .',
    ],
    [
      "scale",
      (d) => (d.spec.versions[0].subresources.scale.specReplicasPath = ".status.x"),
      'spec.versions[0].subresources.scale.specReplicasPath: Invalid value: ".status.x": should be a json path under .spec',
    ],
    [
      "selectable field",
      (d) => (d.spec.versions[0].selectableFields = [{ jsonPath: ".spec.nothing" }]),
      'spec.versions[0].selectableFields[0].jsonPath: Invalid value: ".spec.nothing": is an invalid path: does not refer to a valid field',
    ],
    [
      "type",
      inSchema((p) => (p.x = {})),
      `${at}.properties[spec].properties[x].type: Required value: must not be empty for specified object fields`,
    ],
    [
      "items",
      inSchema((p) => (p.x = { type: "array" })),
      `${at}.properties[spec].properties[x].items: Required value: must be specified`,
    ],
    [
      "additional",
      inSchema(
        (p) =>
          (p.x = { type: "object", additionalProperties: { type: "string" }, properties: { a: { type: "string" } } }),
      ),
      `${at}.properties[spec].properties[x].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`,
    ],
    [
      "int-or-string",
      inSchema((p) => (p.x = { type: "string", "x-kubernetes-int-or-string": true })),
      `${at}.properties[spec].properties[x].type: Invalid value: "string": must be empty if x-kubernetes-int-or-string is true`,
    ],
    [
      "preserve",
      inSchema((p) => (p.x = { type: "object", "x-kubernetes-preserve-unknown-fields": false })),
      `${at}.properties[spec].properties[x].x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined`,
    ],
    [
      "nested default",
      inSchema((_, spec) => (spec.anyOf = [{ properties: { image: { default: "x" } } }])),
      `${at}.properties[spec].anyOf[0].properties[image].default: Forbidden: must be empty to be structural`,
    ],
    [
      "nested property",
      inSchema((_, spec) => (spec.anyOf = [{ properties: { gone: { minimum: 1 } } }])),
      `${at}.properties[spec].properties[gone]: Required value: because it is defined in ${at}.properties[spec].anyOf[0].properties[gone]`,
    ],
    [
      "default",
      inSchema((p) => (p.image.default = 5)),
      `${at}.properties[spec].properties[image].default: Invalid value: "integer": ${at}.properties[spec].properties[image].default in body must be of type string: "integer"`,
    ],
    [
      "unknown field in a default",
      inSchema((p) => (p.x = { type: "object", default: { a: 1 } })),
      `${at}.properties[spec].properties[x].default: Invalid value: {"a":1}: must not have unknown fields`,
    ],
    [
      "keys",
      inSchema((p) => (p.x = { type: "array", "x-kubernetes-list-type": "map", items: { type: "object" } })),
      `${at}.properties[spec].properties[x].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
    ],
  ])("are refused for their %s", (_what, change, words) => {
    expect(refused(change)).toEqual([words]);
  });

  it("are refused in the project's groups without its approval", () => {
    const causes = refused((definition) => {
      definition.spec.group = "stable.k8s.io";
      definition.metadata.name = "crontabs.stable.k8s.io";
    });
    expect(causes).toEqual([expect.stringContaining("protected groups must have approval annotation")]);
  });
});

describe("an update", () => {
  it("keeps what may not change, and every version that objects were stored in", () => {
    const old = defaulted() as any;
    definitionStrategy.prepareCreate!(old as ApiObject);
    old.status.conditions = [{ type: "Established", status: "True" }];
    const next = structuredClone(old);
    next.spec.scope = "Cluster";
    next.spec.versions[0].name = "v2";
    definitionStrategy.prepareUpdate!(next as ApiObject, old as ApiObject, "");
    expect(next.status.storedVersions).toEqual(["v1", "v2"]);
    const causes = definitionStrategy.validateUpdate!(next as ApiObject, old as ApiObject, "");
    expect(causes.map(({ field }) => field)).toEqual(["status.storedVersions[0]", "spec.scope"]);
  });
});

describe("simple paths", () => {
  it.each([
    [".spec.replicas", ["spec", "replicas"]],
    [".metadata.labels['a.b/c']", ["metadata", "labels", "a.b/c"]],
    [".spec.a\\.b", ["spec", "a.b"]],
    [".spec.list[0]", undefined],
    ["spec", undefined],
    ["", undefined],
  ])("%s", (text, fields) => {
    expect(simplePath(text)).toEqual(fields);
  });
});
