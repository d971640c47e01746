/** Control groups of the node, its pods and their containers, as the kernel counts them now. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Hierarchies } from "../cgroups/hierarchies.ts";
import { decodeGroup, decodeLinks, type GroupUse, type LinkUse, type ReadGroup } from "./decode.ts";

/**
 * Files of the kernel, which take some 10 µs each and no disk: read at once where a promise each would cost ten times
 * that. Who reads many groups lets others have their turn in between.
 */
export class Groups {
  readonly #hierarchies: Hierarchies;
  readonly #mounts: ReadonlyMap<string, string>;

  constructor(hierarchies: Hierarchies) {
    this.#hierarchies = hierarchies;
    // With v1 the counting of CPU time is a hierarchy of its own, or one with "cpu".
    const accounting = hierarchies.all.find((mount) => path.basename(mount).split(",").includes("cpuacct"));
    const cpu = hierarchies.mounts.get("cpu");
    const cpuacct = hierarchies.version === 2 ? cpu : (accounting ?? cpu);
    this.#mounts = new Map([...hierarchies.mounts, ...(cpuacct === undefined ? [] : [["cpuacct", cpuacct] as const])]);
  }

  /** @param group its path below each hierarchy: "/kubepods/pod…" */
  use(group: string): GroupUse {
    const read: ReadGroup = (controller, file) => {
      const mount = this.#mounts.get(controller);
      return mount === undefined ? undefined : readOr(path.join(mount, group, file));
    };
    return decodeGroup(this.#hierarchies.version, read);
  }

  /** Names of the groups right below: those of a pod's containers. */
  below(group: string): readonly string[] {
    const mount = this.#mounts.get("memory") ?? this.#hierarchies.all[0];
    if (mount === undefined) return [];
    try {
      return readdirSync(path.join(mount, group), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name);
    } catch {
      return [];
    }
  }

  /** Links of the network namespace in which a group's processes are. */
  links(group: string): readonly LinkUse[] {
    const mount = this.#mounts.get("memory") ?? this.#hierarchies.all[0];
    const [pid = ""] = (mount === undefined ? "" : (readOr(path.join(mount, group, "cgroup.procs")) ?? "")).split("\n");
    return /^\d+$/.test(pid) ? decodeLinks(readOr(`/proc/${pid}/net/dev`) ?? "") : [];
  }
}

export function readOr(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return undefined;
  }
}
