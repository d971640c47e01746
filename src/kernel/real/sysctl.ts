/** sysctl through /proc/sys, as a thread of the namespace sees it. */
import { native, type NamespaceRef } from "../native.ts";
import type { SysctlPort } from "../ports.ts";
import { sysctlParts } from "../sysctl_name.ts";
import { callFailed } from "./netlink_client.ts";

/** @param options.namespace default: this process's own */
export function openSysctl(options: { readonly namespace?: NamespaceRef } = {}): SysctlPort {
  const { namespace = null } = options;
  return {
    async read(name) {
      const value = await native()
        .readFileInNamespace(namespace, fileOf(name))
        .catch((cause: unknown) => {
          throw callFailed(`read kernel parameter ${name}`, cause);
        });
      return value.toString().replace(/\n$/, "");
    },
    async write(name, value) {
      await native()
        .writeFileInNamespace(namespace, fileOf(name), Buffer.from(value))
        .catch((cause: unknown) => {
          throw callFailed(`set kernel parameter ${name} to ${JSON.stringify(value)}`, cause);
        });
    },
  };
}

function fileOf(name: string): string {
  return ["/proc/sys", ...sysctlParts(name)].join("/");
}
