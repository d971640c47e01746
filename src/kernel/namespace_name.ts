/** Names of network namespaces: files under /run/netns, as `ip netns` makes them. */
import { FairleadError } from "../errors/catalogue.ts";

export const namespaceFolder = "/run/netns";

/** The file that a name stands for. @throws FairleadError KERNEL_ARGUMENT for what is no file name */
export function namespacePath(name: string): string {
  const isFileName =
    name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name) && Buffer.byteLength(name) < 256;
  if (isFileName) return `${namespaceFolder}/${name}`;
  throw new FairleadError("KERNEL_ARGUMENT", {
    subject: `name a network namespace ${JSON.stringify(name)}`,
    reason: "a name is one file name",
  });
}
