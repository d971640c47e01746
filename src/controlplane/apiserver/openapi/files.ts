/** Where the OpenAPI documents are: beside the compiled program, also for sources that a test runs. */
import { fileURLToPath } from "node:url";
import path from "node:path";

export function documentsFolder(): string {
  const here = fileURLToPath(new URL("./documents", import.meta.url));
  return here.includes("/dist/") ? here : here.replace("/src/", "/dist/src/");
}

/** @param name "api/v1", "apis/apps/v1", "v2" */
export function documentFile(name: string): string {
  return path.join(documentsFolder(), `${name.replaceAll("/", "__")}.json`);
}

/** The v2 document as protobuf. */
export function protobufFile(): string {
  return path.join(documentsFolder(), "v2.pb");
}
