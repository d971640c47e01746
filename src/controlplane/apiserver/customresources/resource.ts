/** A definition as rows of the table of resources: one for each version, each with its own schema, columns and subresources. */
import { compareVersions } from "../discovery/order.ts";
import { typeOfCustomResource } from "../patch/types/structural.ts";
import { columnsFromCrd } from "../printing/custom_columns.ts";
import { userMetadata } from "../resources/metadata.ts";
import {
  allVerbs,
  type ApiObject,
  type Resource,
  type Strategy,
  type Subresource,
  type Verb,
  type Version,
} from "../resources/resource.ts";
import { ApiError } from "../status.ts";
import { causesOf } from "../validation/causes.ts";
import { Rules } from "./cel/rules.ts";
import { isTrue, storageVersion, type Definition, type DefinitionVersion } from "./definition/definition.ts";
import { fieldsCheck } from "./fields.ts";
import { compile, type Schema } from "./schema/compile.ts";
import { setDefaults } from "./schema/defaults.ts";
import { validateEmbedded } from "./schema/embedded.ts";
import { prune } from "./schema/prune.ts";
import { validateValue } from "./schema/validate.ts";
import { customShape, scaleHandlers } from "../subresources/scale.ts";
import type { Endpoint } from "../verbs/endpoint.ts";
import { simplePath } from "./simple_path.ts";

/** A served version of a definition: the resource as that version shows it. */
export interface CustomVersion {
  readonly resource: Resource;
  readonly version: Version;
  readonly subresources: NonNullable<Endpoint["subresources"]>;
  readonly warning?: string;
}

/** Where the objects of a definition are kept. */
export function storedAs({ spec }: Definition): string {
  return `${spec.group}/${spec.names.plural}`;
}

export function schemaOf(version: DefinitionVersion): Schema {
  return compile(version.schema?.openAPIV3Schema ?? { type: "object", "x-kubernetes-preserve-unknown-fields": true });
}

/** The rows of every served version. */
export function customVersions(definition: Definition): readonly CustomVersion[] {
  const stored = storageVersion(definition).name;
  return definition.spec.versions
    .filter(({ served }) => served)
    .map((served) => {
      const schema = schemaOf(served);
      const version = versionRow(served, schema, served.name === stored);
      const { scale } = served.subresources ?? {};
      const subresources = scale ? { scale: scaleHandlers(customShape(scale)) } : {};
      const warning = deprecation(definition, served);
      return {
        version,
        subresources,
        ...(warning === undefined ? {} : { warning }),
        resource: resourceRow(definition, served, schema, versionsFrom(stored, version)),
      };
    });
}

/** Its own words, or where to go instead: the newest version that is not deprecated itself. */
function deprecation(
  { spec }: Definition,
  { name, deprecated, deprecationWarning }: DefinitionVersion,
): string | undefined {
  if (!deprecated) return undefined;
  if (deprecationWarning) return deprecationWarning;
  const of = (version: string): string => `${spec.group}/${version} ${spec.names.kind}`;
  const newer = spec.versions
    .filter((one) => one.served && !one.deprecated && compareVersions(one.name, name) < 0)
    .map((one) => one.name)
    .sort(compareVersions)[0];
  return `${of(name)} is deprecated${newer === undefined ? "" : `; use ${of(newer)}`}`;
}

/** The stored version first, as the table has it. */
function versionsFrom(stored: string, version: Version): readonly [Version, ...Version[]] {
  return version.version === stored ? [version] : [{ version: stored, model: "" }, version];
}

function versionRow({ name, schema: raw }: DefinitionVersion, schema: Schema, isStored: boolean): Version {
  const converted = {
    toStored: (object: ApiObject) => object,
    fromStored: (object: ApiObject) => {
      const shown = structuredClone(object);
      prune(shown, schema, true);
      setDefaults(shown, schema);
      return shown;
    },
  };
  return {
    version: name,
    model: "",
    mergeType: typeOfCustomResource(raw?.openAPIV3Schema),
    checkFields: fieldsCheck(schema),
    ...(isStored ? {} : { convert: converted }),
  };
}

function resourceRow(
  definition: Definition,
  served: DefinitionVersion,
  schema: Schema,
  versions: Resource["versions"],
): Resource {
  const { spec } = definition;
  const names = definition.status?.acceptedNames ?? spec.names;
  return {
    group: spec.group,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    kind: names.kind,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: spec.scope === "Namespaced",
    verbs: verbsOf(definition),
    versions,
    subresources: subresourcesOf(served),
    hasStatus: served.subresources?.status !== undefined,
    hasGeneration: true,
    selectableFields: selectableFields(served),
    storedAs: storedAs(definition),
    strategy: isGoing(definition) ? { ...strategyOf(schema), prepareCreate: refuseCreate } : strategyOf(schema),
    columns: columnsFromCrd(served.additionalPrinterColumns),
  };
}

function isGoing(definition: Definition): boolean {
  return isTrue(definition, "Terminating") || definition.metadata.deletionTimestamp !== undefined;
}

/** Of what is going away nothing is made any more; updates remove finalizers. */
function verbsOf(definition: Definition): readonly Verb[] {
  return isGoing(definition) ? allVerbs.filter((verb) => verb !== "create") : allVerbs;
}

/** What server-side apply would make. */
function refuseCreate(): void {
  throw new ApiError("MethodNotAllowed", "create not allowed while custom resource definition is terminating");
}

const partVerbs = ["get", "patch", "update"] as const;

function subresourcesOf({ subresources }: DefinitionVersion): readonly Subresource[] {
  const rows: Subresource[] = [];
  if (subresources?.status) rows.push({ name: "status", verbs: partVerbs });
  if (subresources?.scale) {
    rows.push({ name: "scale", verbs: partVerbs, group: "autoscaling", version: "v1", kind: "Scale" });
  }
  return rows;
}

/** "spec.color" of ".spec.color". */
export function selectableFields({ selectableFields: fields }: DefinitionVersion): readonly string[] {
  return (fields ?? []).map(({ jsonPath }) => simplePath(jsonPath)!.join("."));
}

function strategyOf(schema: Schema): Strategy {
  const rules = new Rules(schema);
  return {
    statusKeeps: userMetadata,
    // Before they are set: what a patch brought along goes too.
    defaults(object) {
      prune(object, schema, true);
      setDefaults(object, schema);
    },
    validateCreate: (object) => [
      ...validateValue(object, schema, undefined),
      ...causesOf((out) => {
        validateEmbedded(object, schema, out);
        rules.validate(object, undefined, out);
      }),
    ],
    validateUpdate: (object, old) => [
      ...validateValue(object, schema, old),
      ...causesOf((out) => {
        validateEmbedded(object, schema, out);
        rules.validate(object, old, out);
      }),
    ],
  };
}
