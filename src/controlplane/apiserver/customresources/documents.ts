/** OpenAPI documents of the definitions that are served, made when they are asked for. */
import type { CustomDocuments } from "../openapi/serve.ts";
import type { Definition } from "./definition/definition.ts";
import { customDocument, sharedSchemas } from "./openapi.ts";

export class Documents implements CustomDocuments {
  readonly #definitions = new Map<string, Definition>();
  readonly #made = new Map<string, Buffer>();

  #shared: object | undefined;

  set(name: string, definition: Definition): void {
    const before = this.#definitions.get(name);
    if (before && JSON.stringify(before.spec) === JSON.stringify(definition.spec)) return;
    this.#definitions.set(name, definition);
    this.#forget(definition.spec.group);
  }

  delete(name: string): void {
    const definition = this.#definitions.get(name);
    if (!definition) return;
    this.#definitions.delete(name);
    this.#forget(definition.spec.group);
  }

  paths(): readonly string[] {
    const served = [...this.#definitions.values()].flatMap(({ spec }) =>
      spec.versions.filter((version) => version.served).map((version) => `apis/${spec.group}/${version.name}`),
    );
    return [...new Set(served)].sort();
  }

  document(path: string): Buffer | undefined {
    const known = this.#made.get(path);
    if (known) return known;
    const [, group = "", version = ""] = path.split("/");
    const served = [...this.#definitions.values()].filter(
      ({ spec }) => spec.group === group && spec.versions.some((one) => one.served && one.name === version),
    );
    if (served.length === 0) return undefined;
    this.#shared ??= sharedSchemas();
    const bytes = Buffer.from(JSON.stringify(customDocument(group, version, served, this.#shared)));
    this.#made.set(path, bytes);
    return bytes;
  }

  #forget(group: string): void {
    for (const path of this.#made.keys()) if (path.startsWith(`apis/${group}/`)) this.#made.delete(path);
  }
}
