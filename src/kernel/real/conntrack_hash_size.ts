/** Buckets of conntrack's hash table, through sysfs (kernel: nf_conntrack_core.c, nf_conntrack_set_hashsize). */
import { readFile, writeFile } from "node:fs/promises";
import { callFailed } from "./netlink_client.ts";

const parameter = "/sys/module/nf_conntrack/parameters/hashsize";

/** @param file for tests */
export function openConntrackHashSize(file = parameter) {
  return {
    async read(): Promise<number> {
      const text = await readFile(file, "utf8").catch((cause: unknown) => {
        throw callFailed(`read ${file}`, positive(cause));
      });
      return Number(text.trim());
    },
    async write(buckets: number): Promise<void> {
      await writeFile(file, String(buckets)).catch((cause: unknown) => {
        throw callFailed(`write ${buckets} to ${file}`, positive(cause));
      });
    },
  };
}

/** Node has negative errnos. */
function positive(cause: unknown): unknown {
  const { errno } = cause as NodeJS.ErrnoException;
  return errno === undefined ? cause : Object.assign(cause as Error, { errno: Math.abs(errno) });
}
