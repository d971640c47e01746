/** docs/compatibility.md on the kubelet: no flag or field is in the page and not in the code, or the other way round. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { configure } from "../../../src/cmd/kubelet.ts";
import { kubeletConfiguration } from "../../../src/config/kubelet.ts";
import { CertificateMetrics } from "../../../src/kubelet/certificates/metrics.ts";
import { fileMetricNames } from "../../../src/kubelet/server/metrics/file_metrics.ts";
import { KubeletMetrics } from "../../../src/kubelet/server/metrics/kubelet_metrics.ts";
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

  it("has every metric, no other, and says of none that is there that it is not", async () => {
    const metrics = new KubeletMetrics("n1");
    metrics.follow({ all: () => [], working: () => [], find: () => undefined });
    const certificates = new CertificateMetrics(() => 0);
    certificates.client({ notAfterMs: undefined });
    certificates.server({ notAfterMs: undefined });
    const registered = [metrics.registry, certificates.registry].flatMap((one) => one.getMetricsAsArray());
    const families = metrics.probes.families().map(({ name }) => name);
    const names = [...registered.map(({ name }) => name), ...fileMetricNames, ...families];
    const there = names.filter((name) => !name.startsWith("process_"));
    expect([...rows("Kubelet's metrics").keys()].sort()).toEqual(there.sort());
    expect([...rows("Kubelet's metrics").values()].filter((state) => !state.startsWith("there"))).toEqual([]);
    const absent = page.split(/^#+ /m).find((part) => part.startsWith("Not among kubelet's metrics"))!;
    const told = [...absent.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name!);
    expect(told.length).toBeGreaterThan(50);
    expect(told.filter((name) => there.includes(name))).toEqual([]);
  });
});
