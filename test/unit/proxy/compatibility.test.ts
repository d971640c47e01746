/** docs/compatibility.md says what there is: no flag, field or metric is in one and not in the other. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { configure } from "../../../src/cmd/proxy.ts";
import { kubeProxyConfiguration, proxyModes } from "../../../src/config/kube_proxy.ts";
import { requestDefinitions } from "../../../src/api/http/request_metrics.ts";
import { definitions } from "../../../src/proxy/metrics/definitions.ts";

const page = readFileSync("docs/compatibility.md", "utf8");

/** What stands in backquotes in the first column of a section's table. */
function rows(section: string): readonly string[] {
  const body = page.split(/^#+ /m).find((part) => part.startsWith(section)) ?? "";
  const cells = body.split("\n").flatMap((line) => (line.startsWith("| `") ? [line.split("|")[1]!] : []));
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)).sort();
}

/** Paths of a configuration's fields. */
function paths(value: object, prefix = ""): readonly string[] {
  return Object.entries(value).flatMap(([name, field]: [string, unknown]) => {
    const isLeaf = typeof field !== "object" || field === null || Array.isArray(field) || name.endsWith("Address");
    return isLeaf || name === "featureGates" ? [prefix + name] : paths(field, `${prefix}${name}.`);
  });
}

describe("the page on kube-proxy", () => {
  it("has every flag, and no other", () => {
    const command = new Command();
    configure(command);
    const flags = command.options.map(({ long }) => long!).sort();
    expect(rows("Flags")).toEqual(flags);
  });

  it("has every field of the configuration, and no other", () => {
    const head = { apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration" };
    const config = kubeProxyConfiguration.parse({ ...head, nodePortAddresses: ["primary"] });
    expect(rows("Fields")).toEqual([...paths(config)].sort());
  });

  it("has every mode that is known", () => {
    expect(rows("Modes")).toEqual(expect.arrayContaining(proxyModes.filter((mode) => mode !== "")));
  });

  it("has every metric of kube-proxy's name, and no other", () => {
    expect(rows("Metrics")).toEqual(
      Object.values({ ...definitions, ...requestDefinitions })
        .map(({ name }) => name)
        .sort(),
    );
  });
});
