/** Files of this package that are built: they are beside this one in `dist`, and there for one in `src` too. */
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** @param name from `dist` on, "cni/fairlead-cni" */
export function packageFile(name: string): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const root = path.resolve(here, "../..");
  // Compiled, this file is dist/src/cmd/package_file.js, and two folders above it is dist.
  return existsSync(path.join(root, "package.json")) ? path.join(root, "dist", name) : path.join(root, name);
}
