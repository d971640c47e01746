/** The version in package.json, the one place that has it. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** package.json is at the package's root, which is above this file in `src` and in `dist/src` alike. */
export function packageVersion(): string {
  const from = path.dirname(fileURLToPath(import.meta.url));
  for (let dir = from; ; dir = path.dirname(dir)) {
    const text = readIfPresent(path.join(dir, "package.json"));
    if (text !== undefined) return (JSON.parse(text) as { version: string }).version;
    if (dir === path.dirname(dir)) return "unknown";
  }
}

function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
