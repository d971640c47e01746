/** Verbs of requests as upstream's metrics name them. */
import type { RequestInfo } from "../request/info.ts";

export type Labels = Record<"verb" | "group" | "version" | "resource" | "subresource" | "scope" | "component", string>;

const verbs: Readonly<Record<string, string>> = {
  get: "GET",
  list: "LIST",
  watch: "WATCH",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETECOLLECTION",
};
const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const connecting: ReadonlySet<string> = new Set(["attach", "exec", "proxy", "portforward"]);

/** @param contentType of the body: an apply patch is an APPLY */
export function verbOf(info: RequestInfo | undefined, method: string, contentType: string): string {
  if (info && connecting.has(info.subresource)) return "CONNECT";
  if (info?.verb === "patch" && contentType.startsWith("application/apply-patch")) return "APPLY";
  return (info && verbs[info.verb]) ?? (methods.has(method) ? method : "OTHER");
}
