/** componentstatuses: the store's health, as etcd's. The scheduler and controllers say theirs by leases. */
import { jsonResponse, type ApiResponse, type RequestContext } from "../context.ts";
import { negotiate } from "../printing/negotiate.ts";
import { tableOf } from "../printing/table.ts";
import { labelSelector } from "../request/selectors.ts";
import type { ApiObject } from "../resources/resource.ts";
import type { SubresourceHandlers } from "../routes.ts";
import { notFound } from "../status.ts";
import type { Store } from "../../store/store.ts";
import type { Endpoint } from "../verbs/endpoint.ts";

const storeName = "etcd-0";
/** How long the store may take to answer, in ms. */
const timeoutMs = 5000;

export function componentStatusAnswers(store: Store): SubresourceHandlers {
  const health = async (): Promise<ApiObject> => component(storeName, await storeError(store));
  return new Map([
    [
      "componentstatuses",
      {
        async get(endpoint: Endpoint, context: RequestContext) {
          if (context.info.name !== storeName) throw notFound(endpoint.resource, context.info.name);
          return respond(endpoint, context, [await health()], false);
        },
        async list(endpoint: Endpoint, context: RequestContext) {
          context.warnings.push("v1 ComponentStatus is deprecated in v1.19+");
          const selected = labelSelector(context.query.get("labelSelector"));
          const items = selected && !selected({}) ? [] : [await health()];
          return respond(endpoint, context, items, true);
        },
      },
    ],
  ]);
}

function respond(
  endpoint: Endpoint,
  context: RequestContext,
  items: readonly ApiObject[],
  isList: boolean,
): ApiResponse {
  if (negotiate(context.headers["accept"]) === "table") {
    return jsonResponse(200, tableOf(endpoint.resource, items, {}, context.query.get("includeObject")));
  }
  if (!isList) return jsonResponse(200, items[0]);
  return jsonResponse(200, { kind: "ComponentStatusList", apiVersion: "v1", metadata: {}, items });
}

function component(name: string, error: string | undefined): ApiObject {
  const condition =
    error === undefined
      ? { type: "Healthy", status: "True", message: "ok" }
      : { type: "Healthy", status: "False", message: error, error };
  return { kind: "ComponentStatus", apiVersion: "v1", metadata: { name }, conditions: [condition] };
}

/** @returns undefined where it answers */
async function storeError(store: Store): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve("the store did not answer in time"), timeoutMs);
  });
  const asked = store.revision().then(
    () => undefined,
    (error: unknown) => (error as Error).message,
  );
  return Promise.race([asked, late]).finally(() => clearTimeout(timer));
}
