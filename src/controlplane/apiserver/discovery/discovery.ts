/**
 * /api and /apis: which groups, versions and resources there are. Each document is made when it is
 * first asked for and kept as bytes until the set of resources changes.
 */
import { createHash } from "node:crypto";
import { json, type ApiResponse, type RequestContext } from "../context.ts";
import type { Routes } from "../routes.ts";
import { ApiError } from "../status.ts";
import {
  apiGroup,
  apiGroupDiscoveryList,
  apiGroupList,
  apiResourceList,
  apiVersions,
  type AggregatedVersion,
} from "./documents.ts";
import { groupsOf, type Group } from "./groups.ts";

type Form = "plain" | AggregatedVersion;

interface Document {
  readonly bytes: Buffer;
  readonly tag: string;
}

export class Discovery {
  readonly #routes: Routes;
  #generation = -1;
  #groups: readonly Group[] = [];
  readonly #documents = new Map<string, Document>();

  constructor(routes: Routes) {
    this.#routes = routes;
  }

  /** @returns undefined where the path is no discovery path @throws ApiError 406 */
  respond({ info, headers }: RequestContext): ApiResponse | undefined {
    const segments = info.path.split("/").filter((segment) => segment !== "");
    const [root, group, version, ...more] = pathOf(segments);
    if (root === undefined || more.length > 0) return undefined;
    this.#refresh();
    const isRoot = group === undefined || (root === "api" && version === undefined);
    const form = negotiated(headers["accept"], isRoot);
    const document = this.#document(root, group, version, form);
    return document && response(document, form, headers["if-none-match"]);
  }

  #refresh(): void {
    if (this.#generation === this.#routes.generation) return;
    this.#generation = this.#routes.generation;
    this.#groups = groupsOf(this.#routes.endpoints());
    this.#documents.clear();
  }

  #document(root: string, group: string | undefined, version: string | undefined, form: Form): Document | undefined {
    const key = [form, root, group ?? "", version ?? ""].join("/");
    const known = this.#documents.get(key);
    if (known) return known;
    const value = this.#make(root, group, version, form);
    if (value === undefined) return undefined;
    const bytes = Buffer.from(JSON.stringify(value));
    const document = { bytes, tag: `"${createHash("sha512").update(bytes).digest("hex").toUpperCase()}"` };
    this.#documents.set(key, document);
    return document;
  }

  #make(root: string, group: string | undefined, version: string | undefined, form: Form): object | undefined {
    if (group === undefined || (root === "api" && version === undefined)) {
      const listed = this.#groups.filter(({ name }) => (name === "") === (root === "api"));
      if (form !== "plain") return apiGroupDiscoveryList(listed, form);
      return root === "api" ? apiVersions() : apiGroupList(listed);
    }
    const found = this.#groups.find(({ name }) => name === group);
    if (!found) return undefined;
    if (version === undefined) return apiGroup(found);
    const served = found.versions.find((one) => one.version === version);
    return served && apiResourceList(served);
  }
}

/** Root, group and version of a path: the core group has its version right behind the root. */
function pathOf(segments: readonly string[]): readonly (string | undefined)[] {
  const [root, ...rest] = segments;
  if (root === "api") return ["api", "", ...rest];
  return root === "apis" && rest[0] !== "" ? ["apis", ...rest] : [];
}

/** Media types that a plain document goes out under; the first that is accepted wins. */
const plainTypes: readonly string[] = ["", "*/*", "application/*", json];

/** @param aggregates whether the path has an aggregated document @throws ApiError 406 */
function negotiated(accept: string | string[] | undefined, aggregates: boolean): Form {
  const ranges = [accept ?? ""].flat().join(",").split(",");
  for (const range of ranges) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    if (!plainTypes.includes(type)) continue;
    const of = (name: string): string | undefined =>
      parameters.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
    if (of("as") === undefined) return "plain";
    const version = of("v");
    const isList = of("g") === "apidiscovery.k8s.io" && of("as") === "APIGroupDiscoveryList";
    if (aggregates && isList && (version === "v2" || version === "v2beta1")) return version;
  }
  throw new ApiError("NotAcceptable", `only the following media types are accepted: ${json}`);
}

function response(document: Document, form: Form, match: string | string[] | undefined): ApiResponse {
  const { bytes, tag } = document;
  if (form === "plain") return { code: 200, contentType: json, body: bytes, headers: { Vary: "Accept" } };
  const contentType = `${json};g=apidiscovery.k8s.io;v=${form};as=APIGroupDiscoveryList`;
  const headers = { ETag: tag, Vary: "Accept", "Cache-Control": "public" };
  if (match === tag) return { code: 304, contentType, body: Buffer.alloc(0), headers };
  return { code: 200, contentType, body: bytes, headers };
}
