/**
 * The protobuf field numbers of the API: facts of its wire format, which the published models do not
 * hold. They come from the `protobuf:"…"` tags of the Go types in k8s.io/api, k8s.io/apimachinery and
 * k8s.io/apiextensions-apiserver v0.36, for the fields that our models have.
 *
 * A model's line lists its fields in the order of their numbers, from 1 on:
 *
 *     name              the next number
 *     name=12           12
 *     name?             a pointer to a scalar: written only where it is set, so a zero on the wire was meant
 *     name!             not a pointer, optional, but JSON prints its zero all the same (no `omitempty`)
 *     name:form         has another form on the wire than its type in the models says
 *     ...Part           a struct that Go embeds: one message on the wire, whose fields JSON shows in the parent
 *
 * Any other scalar is always written, zero or not.
 */
import { access } from "./field_numbers/access.ts";
import { cluster } from "./field_numbers/cluster.ts";
import { core } from "./field_numbers/core.ts";
import { extensions } from "./field_numbers/extensions.ts";
import { meta } from "./field_numbers/meta.ts";
import { pods } from "./field_numbers/pods.ts";
import { volumes } from "./field_numbers/volumes.ts";
import { workloads } from "./field_numbers/workloads.ts";

const tables: Readonly<Record<string, string>> = {
  ...meta,
  ...pods,
  ...volumes,
  ...core,
  ...workloads,
  ...access,
  ...cluster,
  ...extensions,
};

/** Every list of the API is the same message. */
const list = "metadata items";

export interface NumberedField {
  readonly number: number;
  /** As JSON has it; for an embedded struct its name in the tables. */
  readonly name: string;
  /** The struct's fields belong to the parent. */
  readonly embedded: boolean;
  /** Its zero is told from its absence. */
  readonly keepsZero: boolean;
  /** Name of its form on the wire, where the type in the models does not say it. */
  readonly form?: string;
}

/** The names of every model and embedded struct that has numbers. */
export function numberedModels(): readonly string[] {
  return Object.keys(tables);
}

/** The fields of a model by number. @throws when no table has it */
export function numberedFields(model: string): readonly NumberedField[] {
  const line = Object.hasOwn(tables, model) ? tables[model]! : model.endsWith("List") ? list : undefined;
  if (line === undefined) throw new Error(`no protobuf field numbers for ${model}`);
  let number = 0;
  return line.split(" ").map((word) => {
    const field = fieldOf(word, number + 1);
    number = field.number;
    return field;
  });
}

const wordPattern = /^(\.\.\.)?([^.?!:=]+)([?!]?)(?::(\w+))?(?:=(\d+))?$/;

function fieldOf(word: string, next: number): NumberedField {
  const parts = wordPattern.exec(word);
  if (!parts) throw new Error(`"${word}" is not a field of a protobuf table`);
  const [, dots, name, mark, form, number] = parts;
  return {
    number: number === undefined ? next : Number(number),
    name: name!,
    embedded: dots !== undefined,
    keepsZero: mark !== "",
    ...(form === undefined ? {} : { form }),
  };
}
