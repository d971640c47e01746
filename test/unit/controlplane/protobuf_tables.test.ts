/** The tables of field numbers say something of every field of every model that a body can hold. */
import { describe, expect, it } from "vitest";
import {
  numberedFields,
  numberedModels,
  type NumberedField,
} from "../../../src/controlplane/apiserver/protobuf/field_numbers.ts";
import { kinds } from "../../../src/controlplane/apiserver/protobuf/kinds.ts";
import { builtIn } from "../../../src/controlplane/apiserver/resources/table.ts";
import { model, type FieldType } from "../../../src/controlplane/apiserver/schema/schema.ts";

/** What Go keeps in TypeMeta, which has no bytes in an object's message: the envelope carries it. */
const withoutNumber = ["apiVersion", "kind"];
/** Models whose apiVersion or kind is a field like others: it names another object, or a kind to be. */
const references = [
  "V1CrossVersionObjectReference",
  "V1CustomResourceDefinitionNames",
  "V2CrossVersionObjectReference",
  "V1ManagedFieldsEntry",
  "V1ObjectFieldSelector",
  "V1ObjectReference",
  "V1OwnerReference",
  "V1RoleRef",
  "RbacV1Subject",
  "V1BoundObjectReference",
  "V1IngressClassParametersReference",
  "V1StatusDetails",
  "V1TypedLocalObjectReference",
  "V1TypedObjectReference",
  "V1AzureDiskVolumeSource",
];

const roots = [...new Map(kinds()).values()];
const reachable = reach(roots);

function reach(from: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const queue = [...from];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    for (const { type } of model(name).fields.values()) queue.push(...modelsIn(type));
  }
  return found;
}

function modelsIn(type: FieldType): readonly string[] {
  if (type.type === "object") return [type.model];
  if (type.type === "array") return modelsIn(type.items);
  return type.type === "map" ? modelsIn(type.values) : [];
}

/** Names of a model's fields as JSON has them, embedded ones included. */
function namesOf(line: readonly NumberedField[]): readonly string[] {
  return line.flatMap((field) => (field.embedded ? namesOf(numberedFields(field.name)) : [field.name]));
}

describe("field numbers", () => {
  it("every kind that a body can be has a model", () => {
    for (const resource of builtIn) {
      for (const { version } of resource.versions) {
        const apiVersion = resource.group === "" ? version : `${resource.group}/${version}`;
        expect(new Map(kinds()).has(`${apiVersion}/${resource.kind}`)).toBe(true);
      }
    }
    expect(reachable.size).toBeGreaterThan(400);
  });

  it.each([...reachable].sort())("%s: each field has one number, and no other field has it", (name) => {
    const line = numberedFields(name);
    const numbers = line.map((field) => field.number);
    expect(numbers.length).toBe(new Set(numbers).size);
    expect(Math.min(...numbers)).toBeGreaterThan(0);
    const missing = references.includes(name) ? [] : withoutNumber;
    const expected = [...model(name).fields.keys()].filter((field) => !missing.includes(field));
    expect([...namesOf(line)].sort()).toEqual(expected.sort());
  });

  it("no number is given to a model that no body reaches", () => {
    const embedded = [...reachable].flatMap((name) => numberedFields(name).filter((field) => field.embedded));
    const unions = numberedModels().filter((name) => name.startsWith("JSONSchemaPropsOr"));
    const used = new Set([...reachable, ...embedded.map((field) => field.name), ...unions]);
    expect(numberedModels().filter((name) => !used.has(name))).toEqual([]);
  });

  it("a pointer's mark is only on scalars", () => {
    const scalars = ["string", "boolean", "integer", "number"];
    for (const name of reachable) {
      for (const field of numberedFields(name)) {
        if (!field.keepsZero) continue;
        expect(scalars, `${name}.${field.name}`).toContain(model(name).fields.get(field.name)?.type.type);
      }
    }
  });

  it("a model without a table is said so", () => {
    expect(() => numberedFields("V1Nothing")).toThrow("no protobuf field numbers for V1Nothing");
    expect(() => numberedFields("constructor")).toThrow("no protobuf field numbers");
  });
});
