/** The life of definitions: their defaults, what only the server sets, what is checked (apiextensions-apiserver/pkg/registry/customresourcedefinition). */
import { userMetadata } from "../../resources/metadata.ts";
import type { ApiObject, Strategy } from "../../resources/resource.ts";
import { causesOf } from "../../validation/causes.ts";
import { cleanupFinalizer, type Definition, type DefinitionSpec } from "./definition.ts";
import { validateDefinition, validateDefinitionUpdate } from "./validate.ts";

export const definitionStrategy: Strategy = {
  statusKeeps: userMetadata,
  deletionFinalizers: [cleanupFinalizer],

  defaults(object) {
    // One without a spec is told what it lacks.
    const spec = (object["spec"] ??= {});
    if (isObject(spec)) defaultSpec(spec);
  },

  prepareCreate(object) {
    const definition = object as Definition;
    definition.status = {
      conditions: [],
      acceptedNames: { plural: "", kind: "" },
      storedVersions: (definition.spec.versions ?? []).filter(({ storage }) => storage).map(({ name }) => name),
    };
  },

  /** Every version that objects were ever stored in stays noted. */
  prepareUpdate(object, _old, subresource) {
    if (subresource === "status") return;
    const definition = object as Definition;
    const status = (definition.status ??= {});
    const stored = status.storedVersions ?? [];
    const now = (definition.spec.versions ?? []).filter((one) => one.storage && !stored.includes(one.name));
    if (now.length > 0) definition.status = { ...status, storedVersions: [...stored, ...now.map(({ name }) => name)] };
  },

  validateCreate: (object) => causesOf((out) => validateDefinition(object as Definition, out)),

  validateUpdate: (object, old, subresource) =>
    causesOf((out) => validateDefinitionUpdate(object as Definition, old as Definition, subresource, out)),
};

function defaultSpec(spec: Partial<DefinitionSpec>): void {
  spec.scope ??= "Namespaced";
  if (isObject(spec.names)) {
    const { names } = spec;
    if (!names.singular && typeof names.kind === "string") names.singular = names.kind.toLowerCase();
    if (!names.listKind && names.kind) names.listKind = `${names.kind}List`;
  }
  spec.conversion ??= { strategy: "None" };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

export function isDefinition(object: ApiObject): object is Definition {
  return object.kind === "CustomResourceDefinition" && isObject(object["spec"]);
}
