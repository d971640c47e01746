/** --config-dir: files that change a KubeletConfiguration, one after another (cmd/kubelet/app/server.go, KEP-3983). */
import { readdirSync } from "node:fs";
import path from "node:path";
import { FairleadError } from "../errors/catalogue.ts";
import { readDocument } from "./read.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * The configuration with its drop-ins: files of the folder and of those below it that end with .conf, in the order of
 * their paths. What a later one says stands; maps are merged, lists are replaced whole.
 *
 * @throws FairleadError CONFIG_UNREADABLE, CONFIG_INVALID
 */
export function withDropIns(document: unknown, folder: string): unknown {
  return dropInFiles(folder).reduce((before, file) => merged(before, dropIn(file)), document);
}

function dropInFiles(folder: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder, { recursive: true }).map(String);
  } catch (cause) {
    throw new FairleadError("CONFIG_UNREADABLE", { subject: folder, cause });
  }
  return names
    .filter((name) => name.endsWith(".conf"))
    .sort()
    .map((name) => path.join(folder, name));
}

/** It says of what it is a part, as the whole does. */
function dropIn(file: string): Fields {
  const document = readDocument(file);
  if (document === null || document === undefined) return {};
  const fields = isMap(document) ? document : {};
  const { apiVersion, kind } = fields;
  if (apiVersion === "kubelet.config.k8s.io/v1beta1" && kind === "KubeletConfiguration") return fields;
  const reason = "it must say apiVersion kubelet.config.k8s.io/v1beta1 and kind KubeletConfiguration";
  throw new FairleadError("CONFIG_INVALID", { subject: file, reason });
}

function merged(before: unknown, after: unknown): unknown {
  if (!isMap(before) || !isMap(after)) return after;
  const result: Record<string, unknown> = { ...before };
  for (const [key, value] of Object.entries(after)) {
    // A null is a field that lacks.
    if (value !== null && value !== undefined) result[key] = merged(before[key], value);
  }
  return result;
}

function isMap(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
