/** Names of kernel parameters, in the two forms that sysctl(8) reads. */
import { FairleadError } from "../errors/catalogue.ts";

/**
 * The parts of a name, as the folders below /proc/sys: the separator is whichever of "." and "/" comes
 * first, and the other stands for a dot within a part.
 *
 * @throws FairleadError KERNEL_ARGUMENT for what is no name; it never leads out of /proc/sys
 */
export function sysctlParts(name: string): readonly string[] {
  const separator = /[./]/.exec(name)?.[0] ?? ".";
  const parts = name.split(separator).map((part) => part.replaceAll("/", "."));
  const isBad = (part: string): boolean => part === "" || part === "." || part === ".." || part.includes("\0");
  if (!parts.some(isBad)) return parts;
  throw new FairleadError("KERNEL_ARGUMENT", {
    subject: `find kernel parameter ${JSON.stringify(name)}`,
    reason: "a name is parts with one dot or one slash between two of them",
  });
}
