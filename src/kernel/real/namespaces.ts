/** Network namespaces with names, and those of processes. */
import { readdir } from "node:fs/promises";
import { FairleadError } from "../../errors/catalogue.ts";
import { native, type NativeNamespace } from "../native.ts";
import { namespaceFolder, namespacePath } from "../namespace_name.ts";
import type { NamespacePort, NamespaceSource, NetworkNamespace } from "../ports.ts";
import { callFailed } from "./netlink_client.ts";

export const namespaces: NamespacePort = {
  async create(name) {
    const path = namespacePath(name);
    return attempt(`create network namespace ${name}`, async () => handleOf(await native().createNamedNamespace(path)));
  },
  async open(source) {
    const reference = referenceOf(source);
    const what = `open the network namespace of ${JSON.stringify(source)}`;
    return attempt(what, async () => handleOf(await native().openNamespace(reference)));
  },
  async delete(name) {
    const path = namespacePath(name);
    return attempt(`delete network namespace ${name}`, () => native().deleteNamedNamespace(path));
  },
  async list() {
    const names = await readdir(namespaceFolder).catch((error: NodeJS.ErrnoException) => {
      // Nobody has made one yet.
      if (error.code === "ENOENT") return [];
      throw new FairleadError("NATIVE_CALL", { subject: "list network namespaces", cause: error });
    });
    return names.sort();
  },
};

function referenceOf(source: NamespaceSource): string | { readonly pid: number } {
  if ("name" in source) return namespacePath(source.name);
  return "pid" in source ? { pid: source.pid } : source.path;
}

function handleOf(handle: NativeNamespace): NetworkNamespace {
  // The descriptor's path outlives the name: a port can be opened by it although the name was deleted.
  return { inode: handle.inode, path: `/proc/self/fd/${handle.fd}`, fd: handle.fd, close: () => handle.close() };
}

async function attempt<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw callFailed(what, cause);
  }
}
