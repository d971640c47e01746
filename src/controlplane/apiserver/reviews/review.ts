/** Reviews: questions that are answered at once and kept nowhere. */
import { jsonResponse, type ApiResponse, type RequestContext, type User } from "../context.ts";
import { decodedBody, objectOf } from "../request/body.ts";
import { writeOptions } from "../request/options.ts";
import type { ApiObject } from "../resources/resource.ts";
import type { SubresourceHandlers } from "../routes.ts";
import { checkFields } from "../validation/fields.ts";
import { groupVersion, type Endpoint } from "../verbs/endpoint.ts";

/** Gives a review its status. @throws ApiError 400, 422 for a question that cannot be asked */
export type Answer = (review: ApiObject, context: RequestContext, endpoint: Endpoint) => Promise<object> | object;

/** Handlers of kinds that have nothing but `create`, by `plural.group`. */
export function reviewHandlers(answers: Readonly<Record<string, Answer>>): SubresourceHandlers {
  return new Map(
    Object.entries(answers).map(([resource, answer]) => [
      resource,
      { create: (endpoint: Endpoint, context: RequestContext) => answered(answer, endpoint, context) },
    ]),
  );
}

async function answered(answer: Answer, endpoint: Endpoint, context: RequestContext): Promise<ApiResponse> {
  const { resource, version } = endpoint;
  const namespace = resource.namespaced ? context.info.namespace : "";
  const expected = { kind: resource.kind, apiVersion: groupVersion(endpoint), name: "", namespace };
  const review = objectOf(await decodedBody(context), expected);
  checkFields(version.model, review, writeOptions(context.query).fieldValidation, context.warnings);
  const status = await answer(review, context, endpoint);
  return jsonResponse(201, { ...review, status });
}

/** authentication.k8s.io UserInfo */
export function userInfo({ name, uid, groups, extra }: User): object {
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra && Object.keys(extra).length > 0 ? { extra } : {}),
  };
}
