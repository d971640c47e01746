import path from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the published client's models. */
export function modelsFolder(): string {
  return path.join(path.dirname(fileURLToPath(import.meta.resolve("@kubernetes/client-node"))), "gen", "models");
}
