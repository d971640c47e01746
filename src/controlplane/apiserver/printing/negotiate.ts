/** The form of an answer by the Accept header (KEP-506, server-side printing). */
import { ApiError } from "../status.ts";

export type Form = "object" | "table" | "metadata";

/** @throws ApiError 406 where nothing of it can be served */
export function negotiate(accept: string | string[] | undefined): Form {
  const ranges = (Array.isArray(accept) ? accept.join(",") : (accept ?? "")).split(",").map((range) => range.trim());
  for (const range of ranges) {
    const [type, ...parameters] = range.split(";").map((part) => part.trim());
    if (type !== "" && type !== "*/*" && type !== "application/*" && type !== "application/json") continue;
    const as = parameters.find((parameter) => parameter.startsWith("as="))?.slice(3);
    const known = parameters.every((parameter) => parameter !== "g=" && !/^v=(?!v1$)/.test(parameter));
    if (as === undefined) return "object";
    if (!known) continue;
    if (as === "Table") return "table";
    if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") return "metadata";
  }
  throw new ApiError("NotAcceptable", "only the following media types are accepted: application/json");
}
