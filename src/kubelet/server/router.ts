/** Paths → endpoints. */
import type { Endpoint } from "./endpoint.ts";

export interface Match {
  readonly endpoint: Endpoint;
  readonly params: Readonly<Record<string, string>>;
}

interface Route {
  readonly endpoint: Endpoint;
  readonly segments: readonly string[];
}

export class Router {
  readonly #routes: readonly Route[];

  constructor(endpoints: readonly Endpoint[]) {
    this.#routes = endpoints.map((endpoint) => ({ endpoint, segments: endpoint.path.split("/").slice(1) }));
  }

  get paths(): readonly string[] {
    return this.#routes.map(({ endpoint }) => endpoint.path);
  }

  /** @param path decoded; a slash at its end says nothing */
  find(path: string): Match | undefined {
    const parts = path
      .replace(/(.)\/$/, "$1")
      .split("/")
      .slice(1);
    for (const { endpoint, segments } of this.#routes) {
      const params = match(segments, parts);
      if (params) return { endpoint, params };
    }
    return undefined;
  }
}

function match(segments: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [at, segment] of segments.entries()) {
    if (segment === "*") return { ...params, "*": parts.slice(at).join("/") };
    const part = parts[at];
    if (part === undefined) return undefined;
    if (!segment.startsWith("{")) {
      if (segment !== part) return undefined;
    } else if (part === "") return undefined;
    else params[segment.slice(1, -1)] = part;
  }
  return parts.length === segments.length ? params : undefined;
}
