/** Writes the OpenAPI documents beside the compiled program: run by the build, after schema.json is there. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { schemaPath, type SchemaFile } from "../schema/schema.ts";
import { documents } from "./documents.ts";
import { documentFile, documentsFolder, protobufFile } from "./files.ts";
import { protobufOf } from "./protobuf.ts";

const schema = JSON.parse(readFileSync(schemaPath(), "utf8")) as SchemaFile;
rmSync(documentsFolder(), { recursive: true, force: true });
for (const [name, document] of documents(schema)) {
  const file = documentFile(name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(document));
  if (name === "v2") writeFileSync(protobufFile(), protobufOf(document));
}
