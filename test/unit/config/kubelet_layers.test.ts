/** What is said of a kubelet in several places: the file, its drop-ins, flags. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addConfigFlags, withConfigFlags } from "../../../src/cmd/kubelet_config_flags.ts";
import { withDropIns } from "../../../src/config/kubelet_drop_ins.ts";

const head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-conf-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("drop-ins", () => {
  it("change the file in the order of their names: maps are merged, lists replaced", () => {
    mkdirSync(`${folder}/30-more`);
    writeFileSync(`${folder}/20-b.conf`, `${head}maxPods: 20\nclusterDNS: [10.0.0.2]\nkubeReserved: {cpu: 100m}\n`);
    writeFileSync(`${folder}/10-a.conf`, `${head}maxPods: 10\nkubeReserved: {memory: 1Gi}\nport: null\n`);
    writeFileSync(`${folder}/30-more/c.conf`, `${head}podsPerCore: 3\n`);
    writeFileSync(`${folder}/40-empty.conf`, "");
    writeFileSync(`${folder}/50-not.yaml`, "maxPods: 50");
    const file = { maxPods: 1, port: 1, clusterDNS: ["10.0.0.1", "10.0.0.3"], kubeReserved: { cpu: "1", pid: "5" } };
    expect(withDropIns(file, folder)).toMatchObject({
      maxPods: 20,
      port: 1,
      podsPerCore: 3,
      clusterDNS: ["10.0.0.2"],
      kubeReserved: { cpu: "100m", pid: "5", memory: "1Gi" },
    });
  });

  it("that are of another kind, or not there, are errors with their name", () => {
    writeFileSync(`${folder}/x.conf`, "maxPods: 1");
    expect(() => withDropIns({}, folder)).toThrow(`${folder}/x.conf`);
    expect(() => withDropIns({}, `${folder}/none`)).toThrow(`${folder}/none`);
  });
});

describe("flags", () => {
  const parse = (...argv: string[]): Command => {
    const command = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
    addConfigFlags(command);
    return command.parse(argv, { from: "user" });
  };

  it("come before the file", () => {
    const file = { maxPods: 1, authentication: { anonymous: { enabled: true }, webhook: { enabled: true } } };
    const flags = parse(
      "--max-pods=7",
      "--anonymous-auth=false",
      "--rotate-certificates",
      "--cluster-dns",
      "a,b",
    ).opts();
    expect(withConfigFlags(file, flags)).toEqual({
      maxPods: 7,
      rotateCertificates: true,
      clusterDNS: ["a", "b"],
      authentication: { anonymous: { enabled: false }, webhook: { enabled: true } },
    });
    expect(withConfigFlags(file, parse().opts())).toEqual(file);
  });

  it.each([["--max-pods=many"], ["--fail-swap-on=perhaps"]])("%s is refused", (flag) => {
    expect(() => parse(flag)).toThrow("is invalid");
  });
});
