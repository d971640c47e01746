/** eBPF, by bpf(2). */
import { native, type NamespaceRef, type NativeBpfProgram } from "../native.ts";
import type { BpfPort, BpfProgram } from "../bpf_port.ts";
import { callFailed } from "./netlink_client.ts";

/** @param options.namespace whose links are meant; default: this process's own */
export function openBpf(options: { readonly namespace?: NamespaceRef } = {}): BpfPort {
  const { namespace = null } = options;
  return {
    load: async (name) =>
      programOf(await attempt(`load eBPF program ${name}`, () => native().loadBpf(name)), namespace),
    async open(id) {
      try {
        return programOf(await native().openBpf(id), namespace);
      } catch (cause) {
        if ((cause as { readonly code?: string }).code === "ENOENT") return undefined;
        throw callFailed(`open eBPF program ${id}`, cause);
      }
    },
    attached: (index) =>
      attempt(`see which eBPF programs link ${index} has`, () => native().attachedBpf(namespace, index)),
  };
}

function programOf(program: NativeBpfProgram, namespace: NamespaceRef): BpfProgram {
  const { id, name, tag } = program;
  return {
    id,
    name,
    tag,
    update: (map, entries) =>
      attempt(`write eBPF map ${map}`, () =>
        program.update(
          map,
          Buffer.concat(entries.map(({ key }) => key)),
          Buffer.concat(entries.map(({ value }) => value)),
        ),
      ),
    remove: (map, keys) => attempt(`delete from eBPF map ${map}`, () => program.remove(map, Buffer.concat(keys))),
    async entries(map, keyBytes) {
      const { keys, values } = await attempt(`read eBPF map ${map}`, () => program.entries(map));
      const count = keys.length / keyBytes;
      const part = (all: Buffer, i: number): Buffer =>
        all.subarray((i * all.length) / count, ((i + 1) * all.length) / count);
      return Array.from({ length: count }, (_, i) => ({ key: part(keys, i), value: part(values, i) }));
    },
    attach: (index) => attempt(`attach eBPF program ${name} to link ${index}`, () => program.attach(namespace, index)),
    detach: (index) => attempt(`detach eBPF program ${name} of link ${index}`, () => program.detach(namespace, index)),
    close: () => program.close(),
  };
}

async function attempt<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw callFailed(what, cause);
  }
}
