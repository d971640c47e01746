/**
 * OpenAPI v2 as protobuf (google/gnostic, openapiv2/OpenAPIv2.proto), which kubectl before 1.27 asks
 * for: of the format, the messages and fields that our documents use. Used by the build alone.
 */
import protobuf from "protobufjs/light.js";

/** Field → its number and type; "*" in front of the type: repeated. */
const messages: Readonly<Record<string, Readonly<Record<string, readonly [number, string]>>>> = {
  Document: { swagger: [1, "string"], info: [2, "Info"], paths: [8, "Paths"], definitions: [9, "Definitions"] },
  Info: { title: [1, "string"], version: [2, "string"] },
  Paths: { path: [2, "*NamedPathItem"] },
  NamedPathItem: { name: [1, "string"], value: [2, "PathItem"] },
  PathItem: {
    get: [2, "Operation"],
    put: [3, "Operation"],
    post: [4, "Operation"],
    delete: [5, "Operation"],
    patch: [8, "Operation"],
    parameters: [9, "*ParametersItem"],
  },
  Operation: {
    operationId: [5, "string"],
    produces: [6, "*string"],
    consumes: [7, "*string"],
    parameters: [8, "*ParametersItem"],
    responses: [9, "Responses"],
    schemes: [10, "*string"],
    vendorExtension: [13, "*NamedAny"],
  },
  ParametersItem: { parameter: [1, "Parameter"] },
  Parameter: { bodyParameter: [1, "BodyParameter"], nonBodyParameter: [2, "NonBodyParameter"] },
  BodyParameter: { name: [2, "string"], in: [3, "string"], required: [4, "bool"], schema: [5, "Schema"] },
  NonBodyParameter: { query: [3, "QueryParameter"], path: [4, "PathParameter"] },
  QueryParameter: {
    required: [1, "bool"],
    in: [2, "string"],
    description: [3, "string"],
    name: [4, "string"],
    type: [6, "string"],
    uniqueItems: [20, "bool"],
  },
  PathParameter: {
    required: [1, "bool"],
    in: [2, "string"],
    description: [3, "string"],
    name: [4, "string"],
    type: [5, "string"],
    uniqueItems: [19, "bool"],
  },
  Responses: { responseCode: [1, "*NamedResponseValue"] },
  NamedResponseValue: { name: [1, "string"], value: [2, "ResponseValue"] },
  ResponseValue: { response: [1, "Response"] },
  Response: { description: [1, "string"], schema: [2, "SchemaItem"] },
  SchemaItem: { schema: [1, "Schema"] },
  Definitions: { additionalProperties: [1, "*NamedSchema"] },
  NamedSchema: { name: [1, "string"], value: [2, "Schema"] },
  Schema: {
    ref: [1, "string"],
    format: [2, "string"],
    description: [4, "string"],
    required: [19, "*string"],
    additionalProperties: [21, "AdditionalPropertiesItem"],
    type: [22, "TypeItem"],
    items: [23, "ItemsItem"],
    properties: [25, "Definitions"],
    vendorExtension: [31, "*NamedAny"],
  },
  AdditionalPropertiesItem: { schema: [1, "Schema"] },
  TypeItem: { value: [1, "*string"] },
  ItemsItem: { schema: [1, "*Schema"] },
  NamedAny: { name: [1, "string"], value: [2, "Any"] },
  Any: { yaml: [2, "string"] },
};

type Json = Readonly<Record<string, unknown>>;

/** The document's bytes. @throws Error for a keyword that is not described above: nothing is lost silently */
export function protobufOf(document: object): Buffer {
  const type = root().lookupType("Document");
  const message = documentMessage(document as Json);
  return Buffer.from(type.encode(type.fromObject(message)).finish());
}

/** A document's message again, for who checks what was written. */
export function readProtobuf(bytes: Buffer): Json {
  const type = root().lookupType("Document");
  return type.toObject(type.decode(bytes));
}

function root(): protobuf.Root {
  const nested = Object.entries(messages).map(([name, fields]) => {
    const described = Object.entries(fields).map(([field, [id, type]]) => [
      field,
      type.startsWith("*") ? { id, type: type.slice(1), rule: "repeated" } : { id, type },
    ]);
    return [name, { fields: Object.fromEntries(described) as Record<string, protobuf.IField> }];
  });
  return protobuf.Root.fromJSON({ nested: Object.fromEntries(nested) as Record<string, protobuf.IType> });
}

function documentMessage({ swagger, info, paths, definitions, ...rest }: Json): Json {
  refuseRest("document", rest);
  return {
    swagger,
    info,
    paths: { path: named(paths, pathItem) },
    definitions: { additionalProperties: named(definitions, schema) },
  };
}

function named(values: unknown, message: (value: Json) => Json): Json[] {
  return Object.entries(values as Record<string, Json>).map(([name, value]) => ({ name, value: message(value) }));
}

function pathItem({ parameters, ...operations }: Json): Json {
  const ofOperations = Object.entries(operations).map(([method, one]) => [method, operation(one as Json)]);
  return { ...(Object.fromEntries(ofOperations) as Json), parameters: list(parameters).map(parameter) };
}

function operation({ parameters, responses, operationId, consumes, produces, schemes, ...rest }: Json): Json {
  return {
    operationId,
    consumes,
    produces,
    schemes,
    parameters: list(parameters).map(parameter),
    responses: { responseCode: named(responses, response) },
    vendorExtension: extensions("operation", rest),
  };
}

function response({ description, schema: of }: Json): Json {
  return { response: { description, schema: { schema: schema(of as Json) } } };
}

function parameter(one: Json): Json {
  if (one["in"] === "body") {
    const body = { ...one, schema: schema(one["schema"] as Json) };
    return { parameter: { bodyParameter: body } };
  }
  return { parameter: { nonBodyParameter: { [one["in"] as string]: one } } };
}

function schema({ $ref, type, properties, items, additionalProperties, ...rest }: Json): Json {
  const { format, description, required, ...extended } = rest;
  return {
    ...given({ ref: $ref, format, description, required }),
    ...(type === undefined ? {} : { type: { value: [type] } }),
    ...(properties === undefined ? {} : { properties: { additionalProperties: named(properties, schema) } }),
    ...(items === undefined ? {} : { items: { schema: [schema(items as Json)] } }),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: { schema: schema(additionalProperties as Json) } }),
    vendorExtension: extensions("schema", extended),
  };
}

/** Values of any form, as YAML: JSON is a part of it. */
function extensions(where: string, rest: Json): Json[] {
  refuseRest(where, Object.fromEntries(Object.entries(rest).filter(([name]) => !name.startsWith("x-"))));
  return Object.entries(rest).map(([name, value]) => ({ name, value: { yaml: `${JSON.stringify(value)}\n` } }));
}

function refuseRest(where: string, rest: Json): void {
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new Error(`OpenAPI as protobuf knows no "${unknown}" of a ${where}`);
}

function given(values: Json): Json {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function list(value: unknown): readonly Json[] {
  return (value ?? []) as readonly Json[];
}
