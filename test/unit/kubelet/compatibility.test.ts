/** docs/compatibility.md on the kubelet: no flag or field is in the page and not in the code, or the other way round. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { configure } from "../../../src/cmd/kubelet.ts";
import { kubeletConfiguration } from "../../../src/config/kubelet.ts";
import { unserved } from "../../../src/config/kubelet_unserved.ts";

const page = readFileSync("docs/compatibility.md", "utf8");

/** Name and state of each row of a section's table. */
function rows(section: string): ReadonlyMap<string, string> {
  const body = page.split(/^#+ /m).find((part) => part.startsWith(section)) ?? "";
  const cells = [...body.matchAll(/^\| `([^`]+)` +\| (.*?) +\|$/gm)];
  return new Map(cells.map(([, name, state]) => [name!, state!]));
}

describe("the page on the kubelet", () => {
  it("has every flag, and no other", () => {
    const command = new Command();
    configure(command);
    expect([...rows("Kubelet's flags").keys()].sort()).toEqual(command.options.map(({ long }) => long!).sort());
  });

  it("has every field of the configuration, no other, and says which have no effect", () => {
    const head = { apiVersion: "kubelet.config.k8s.io/v1beta1", kind: "KubeletConfiguration" };
    const optional = { userNamespaces: {}, singleProcessOOMKill: true, evictionHard: {}, tracing: {} };
    const config = kubeletConfiguration.parse({ ...head, ...optional, maxParallelImagePulls: 1 });
    const fields = Object.keys(config).filter((field) => field !== "apiVersion" && field !== "kind");
    const table = rows("Kubelet's fields");
    expect([...table.keys()].sort()).toEqual(fields.sort());
    const idle = [...table].filter(([, state]) => state.startsWith("taken, of no effect")).map(([field]) => field);
    expect(idle.sort()).toEqual([...unserved].sort());
  });
});
