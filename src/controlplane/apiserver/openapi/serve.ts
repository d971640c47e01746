/** /openapi/v2 and /openapi/v3: documents from disk, found again by the hash of what is in them. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { json, jsonResponse, type ApiResponse, type RequestContext } from "../context.ts";
import { ApiError } from "../status.ts";
import { documentFile, documentsFolder, protobufFile } from "./files.ts";

/** Documents that are made while the server runs (custom resources), by their path: "apis/example.com/v1". */
export interface CustomDocuments {
  paths(): readonly string[];
  /** The document's bytes, or undefined where there is none. */
  document(path: string): Buffer | undefined;
}

export const noCustomDocuments: CustomDocuments = { paths: () => [], document: () => undefined };

const protobufMedia = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

export class OpenApi {
  readonly #custom: CustomDocuments;
  /** Hashes of the documents on disk, which do not change while we run. */
  readonly #hashes = new Map<string, string>();

  constructor(custom: CustomDocuments = noCustomDocuments) {
    this.#custom = custom;
  }

  /** @returns undefined where the path is not one of ours */
  respond({ info, headers }: RequestContext): ApiResponse | undefined {
    if (info.path === "/openapi/v2") return this.#v2(headers["accept"], headers["if-none-match"]);
    if (info.path === "/openapi/v3") return jsonResponse(200, { paths: this.#index() });
    if (!info.path.startsWith("/openapi/v3/")) return undefined;
    const bytes = this.#document(info.path.slice("/openapi/v3/".length));
    return bytes && withTag(bytes, json, headers["if-none-match"]);
  }

  #v2(accept: string | string[] | undefined, match: string | string[] | undefined): ApiResponse {
    const wanted = [accept ?? "*/*"].flat().join(",");
    // kubectl before 1.27 asks for this alone.
    if (/application\/com\.github\.proto-openapi\.spec\.v2[@.]v1\.0\+protobuf/.test(wanted)) {
      return withTag(readFileSync(protobufFile()), protobufMedia, match);
    }
    if (!/application\/json|\*\/\*|application\/\*/.test(wanted)) {
      throw new ApiError("NotAcceptable", "only the following media types are accepted: application/json");
    }
    return withTag(readFileSync(documentFile("v2")), json, match);
  }

  #index(): Record<string, { serverRelativeURL: string }> {
    const builtIn = readdirSync(documentsFolder())
      .filter((file) => file.endsWith(".json") && file !== "v2.json")
      .map((file) => file.slice(0, -".json".length).replaceAll("__", "/"));
    const paths = [...new Set([...builtIn, ...this.#custom.paths()])].sort();
    return Object.fromEntries(
      paths.map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${this.#hash(path)}` }]),
    );
  }

  #hash(path: string): string {
    const custom = this.#custom.document(path);
    if (custom) return hashOf(custom);
    let hash = this.#hashes.get(path);
    if (hash === undefined) this.#hashes.set(path, (hash = hashOf(this.#document(path)!)));
    return hash;
  }

  #document(path: string): Buffer | undefined {
    const custom = this.#custom.document(path);
    if (custom) return custom;
    if (!/^apis?\/[a-z0-9.]+(\/[a-z0-9]+)?$/.test(path)) return undefined;
    try {
      return readFileSync(documentFile(path));
    } catch {
      return undefined; // No such group: the caller answers 404.
    }
  }
}

function hashOf(bytes: Buffer): string {
  return createHash("sha512").update(bytes).digest("hex").toUpperCase();
}

function withTag(bytes: Buffer, contentType: string, match: string | string[] | undefined): ApiResponse {
  const tag = `"${hashOf(bytes)}"`;
  const headers = { ETag: tag, Vary: "Accept" };
  if (match === tag) return { code: 304, contentType, body: Buffer.alloc(0), headers };
  return { code: 200, contentType, body: bytes, headers };
}
