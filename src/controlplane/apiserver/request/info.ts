/** What a request's method and path ask for (upstream's RequestInfo, apiserver/pkg/endpoints/request). */

export type RequestVerb =
  | "get"
  | "list"
  | "watch"
  | "create"
  | "update"
  | "patch"
  | "delete"
  | "deletecollection"
  /** Anything outside of /api and /apis: the HTTP method in lower case. */
  | `http:${string}`;

export interface RequestInfo {
  readonly path: string;
  readonly verb: RequestVerb;
  /** Whether the path names a resource; the fields below are empty otherwise. */
  readonly isResource: boolean;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly name: string;
  readonly subresource: string;
  /** What stands behind a subresource: the path that a proxy passes on. */
  readonly rest: readonly string[];
}

const nonResource = { group: "", version: "", namespace: "", resource: "", name: "", subresource: "", rest: [] };
/** Under a namespace, these are the namespace's own subresources, not resources in it. */
const namespaceSubresources = new Set(["status", "finalize"]);

/**
 * Reads a request line.
 *
 * @param path decoded segments are taken from it; it begins with "/"
 * @returns undefined when the path holds a malformed escape
 */
export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo | undefined {
  let segments: string[];
  try {
    segments = path
      .split("/")
      .filter((s) => s !== "")
      .map(decodeURIComponent);
  } catch {
    return undefined;
  }
  const base = segments[0] === "api" ? 2 : segments[0] === "apis" ? 3 : 0;
  if (base === 0 || segments.length <= base) {
    return { path, verb: `http:${method.toLowerCase()}`, isResource: false, ...nonResource };
  }
  const group = base === 3 ? segments[1]! : "";
  const parts = resourceParts(segments.slice(base));
  return { path, isResource: true, group, version: segments[base - 1]!, ...parts, verb: verbOf(method, parts, query) };
}

type Parts = Pick<RequestInfo, "namespace" | "resource" | "name" | "subresource" | "rest">;

function resourceParts(segments: readonly string[]): Parts {
  const [first = "", namespace = "", third] = segments;
  const inNamespace = first === "namespaces" && third !== undefined && !namespaceSubresources.has(third);
  const [resource = "", name = "", subresource = "", ...rest] = inNamespace ? segments.slice(2) : segments;
  // A namespace's own requests carry its name as their namespace, as upstream authorizes them.
  const owner = inNamespace || first === "namespaces" ? namespace : "";
  return { namespace: owner, resource, name, subresource, rest };
}

function verbOf(method: string, { name }: Parts, query: URLSearchParams): RequestVerb {
  switch (method) {
    case "GET":
    case "HEAD":
      if (isTrue(query.get("watch"))) return "watch";
      return name === "" ? "list" : "get";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return name === "" ? "deletecollection" : "delete";
    default:
      return `http:${method.toLowerCase()}`;
  }
}

/** As Go's strconv.ParseBool and the API's conversion of query parameters: present and empty is true. */
export function isTrue(value: string | null): boolean {
  return value !== null && !["false", "0", "f", "F", "FALSE", "False"].includes(value);
}
