/** A request → what an authorizer is asked about it (pkg/kubelet/server/auth.go; KEP-2862 for the finer subresources). */

export interface NodeAttributes {
  readonly verb: string;
  /** Of "nodes": one of them is enough. */
  readonly subresources: readonly string[];
}

const verbs: Readonly<Record<string, string>> = {
  POST: "create",
  GET: "get",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

const fine: readonly (readonly [string, string])[] = [
  ["/pods", "pods"],
  ["/runningpods", "pods"],
  ["/healthz", "healthz"],
  ["/configz", "configz"],
  ["/statusz", "statusz"],
];

const coarse: readonly (readonly [string, string])[] = [
  ["/stats", "stats"],
  ["/metrics", "metrics"],
  ["/logs", "log"],
  ["/checkpoint", "checkpoint"],
];

export function nodeAttributes(method: string, path: string): NodeAttributes {
  const of = (table: typeof fine): string[] =>
    table.filter(([above]) => isBelow(path, above)).map(([, subresource]) => subresource);
  const [main = "proxy"] = of(coarse);
  return { verb: Object.hasOwn(verbs, method) ? verbs[method]! : "", subresources: [...of(fine), main] };
}

function isBelow(path: string, above: string): boolean {
  return path === above || path.startsWith(`${above}/`);
}
