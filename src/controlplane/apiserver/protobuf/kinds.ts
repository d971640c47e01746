/** Which model an object's apiVersion and kind name, as the envelope of a protobuf body says them. */
import { builtIn } from "../resources/table.ts";

let known: ReadonlyMap<string, string> | undefined;

/** The model of a kind ("apps/v1", "Deployment"), undefined where the API has none. */
export function modelOfKind(apiVersion: string, kind: string): string | undefined {
  known ??= new Map(kinds());
  return known.get(`${apiVersion}/${kind}`);
}

/** `apiVersion/kind` → model, of everything that can be a body. */
export function* kinds(): Generator<[string, string]> {
  for (const resource of builtIn) {
    for (const { version, model } of resource.versions) {
      const apiVersion = join(resource.group, version);
      yield [`${apiVersion}/${resource.kind}`, model];
      if (resource.verbs.includes("list")) yield [`${apiVersion}/${resource.kind}List`, `${model}List`];
      yield* ofEveryGroup(apiVersion);
    }
    for (const { group, version, kind } of resource.subresources) {
      if (version !== undefined)
        yield [`${join(group ?? "", version)}/${kind}`, subresourceModels[kind!] ?? `V1${kind}`];
    }
  }
  yield* ofEveryGroup("meta.k8s.io/v1");
}

/** Two groups have a kind of this name. */
const subresourceModels: Readonly<Record<string, string>> = { TokenRequest: "AuthenticationV1TokenRequest" };

/** Upstream registers these with each group's version (metav1.AddToGroupVersion). */
function* ofEveryGroup(apiVersion: string): Generator<[string, string]> {
  yield [`${apiVersion}/DeleteOptions`, "V1DeleteOptions"];
  yield [`${apiVersion}/Status`, "V1Status"];
}

function join(group: string, version: string): string {
  return group === "" ? version : `${group}/${version}`;
}
