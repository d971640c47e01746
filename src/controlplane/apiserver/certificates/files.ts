/** Key material on disk: owner-only, and never seen half written. */
import { readFileSync } from "node:fs";
import { FairleadError } from "../../../errors/catalogue.ts";
import { writeWhole } from "../../../files/whole.ts";

/** Mode of private keys, and of files that hold one. */
export const privateMode = 0o600;
/** Mode of certificates and public keys. */
export const publicMode = 0o644;

/** @throws FairleadError CERTIFICATE_FILE that names the file */
export async function writeFileWhole(file: string, content: string, mode: number): Promise<void> {
  try {
    await writeWhole(file, content, mode);
  } catch (cause) {
    throw new FairleadError("CERTIFICATE_FILE", { subject: file, cause });
  }
}

/** @returns undefined where there is no such file @throws FairleadError CERTIFICATE_FILE */
export function readFileIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new FairleadError("CERTIFICATE_FILE", { subject: file, cause });
  }
}
