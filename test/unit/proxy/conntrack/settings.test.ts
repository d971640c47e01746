/** conntrack of KubeProxyConfiguration as kernel parameters: what is set, and what is left as it is. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { kubeProxyConfiguration } from "../../../../src/config/kube_proxy.ts";
import { FairleadError } from "../../../../src/errors/catalogue.ts";
import { FakeSysctl } from "../../../../src/kernel/fake/sysctl.ts";
import { openConntrackHashSize } from "../../../../src/kernel/real/conntrack_hash_size.ts";
import {
  allowLocalhostNodePorts,
  applySettings,
  type HashSizePort,
} from "../../../../src/proxy/conntrack/apply_settings.ts";
import { conntrackMax, conntrackSettings, type Setting } from "../../../../src/proxy/conntrack/settings.ts";

const about = { apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration" };
const configOf = (conntrack: object = {}) => kubeProxyConfiguration.parse({ ...about, conntrack }).conntrack;

describe("settings", () => {
  it.each([
    [{}, 2, 131_072],
    [{}, 8, 262_144],
    [{ maxPerCore: 0 }, 64, 0],
    [{ maxPerCore: 10, min: 0 }, 4, 40],
    [{}, 128, 1_048_576],
  ])("%j of %d cores hold %d entries", (conntrack, cores, max) => {
    expect(conntrackMax(configOf(conntrack), cores)).toBe(max);
  });

  it("leave what is zero", () => {
    const names = (conntrack: object) =>
      conntrackSettings(configOf(conntrack), 2).map(({ name, value }) => [name, value]);
    expect(names({})).toEqual([
      ["net/netfilter/nf_conntrack_max", 131_072],
      ["net/netfilter/nf_conntrack_tcp_timeout_established", 86_400],
      ["net/netfilter/nf_conntrack_tcp_timeout_close_wait", 3600],
    ]);
    const none = { maxPerCore: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" };
    expect(names(none)).toEqual([]);
    expect(names({ ...none, tcpBeLiberal: true, udpTimeout: "90s", udpStreamTimeout: "2m0.9s" })).toEqual([
      ["net/netfilter/nf_conntrack_tcp_be_liberal", 1],
      ["net/netfilter/nf_conntrack_udp_timeout", 90],
      ["net/netfilter/nf_conntrack_udp_timeout_stream", 120],
    ]);
  });
});

describe("applied", () => {
  const max = { name: "net/netfilter/nf_conntrack_max", value: 400_000 };
  const liberal = { name: "net/netfilter/nf_conntrack_tcp_be_liberal", value: 1 };
  const hashSize = (buckets: number, errno?: number) => {
    const writes: number[] = [];
    return {
      writes,
      read: () => Promise.resolve(buckets),
      write: (count: number) => {
        if (errno !== undefined) throw new FairleadError("NATIVE_CALL", { subject: "write", reason: "refused", errno });
        writes.push(count);
        return Promise.resolve();
      },
    };
  };
  /** What was written, and what refused. */
  const apply = async (settings: readonly Setting[], kernel: FakeSysctl, buckets: HashSizePort) => {
    const written: Setting[] = [];
    const refused: unknown[] = [];
    const onWritten = (setting: Setting): void => void written.push(setting);
    const onRefused = (error: unknown): void => void refused.push(error);
    return { ...(await applySettings(settings, kernel, buckets, { onWritten, onRefused })), written, refused };
  };
  const sysctl = () => new FakeSysctl({ [max.name]: "131072", [liberal.name]: "1" });

  it("they are written where they differ, and the hash table grows with them", async () => {
    const [kernel, buckets] = [sysctl(), hashSize(65_536)];
    const result = await apply([max, liberal], kernel, buckets);
    expect(result).toEqual({ written: [max], isSysFsReadOnly: false, refused: [] });
    expect(await kernel.read(max.name)).toBe("400000");
    expect(buckets.writes).toEqual([100_000]);
    expect(await apply([max, liberal], kernel, buckets)).toMatchObject({ written: [] });
  });

  it("the hash table never shrinks", async () => {
    const buckets = hashSize(100_000);
    await apply([max], sysctl(), buckets);
    expect(buckets.writes).toEqual([]);
  });

  it("a read-only /sys is told, and the rest is set", async () => {
    const kernel = new FakeSysctl({ [max.name]: "1", [liberal.name]: "0" });
    const result = await apply([max, liberal], kernel, hashSize(1, 30));
    expect(result).toEqual({ written: [max, liberal], isSysFsReadOnly: true, refused: [] });
  });

  it("what else is refused is told, and the rest is set", async () => {
    const kernel = new FakeSysctl({ [max.name]: "1", [liberal.name]: "0" });
    const none = { name: "net/netfilter/none", value: 1 };
    const result = await apply([max, none, liberal], kernel, hashSize(1, 95));
    expect(result.written).toEqual([max, liberal]);
    expect(result.refused).toMatchObject([{ errno: 95 }, { code: "NATIVE_CALL", errno: 2 }]);
  });

  it("who throws at the first one that is refused sets nothing behind it", async () => {
    const kernel = new FakeSysctl({ [max.name]: "1", [liberal.name]: "0" });
    const strict = {
      onWritten: () => undefined,
      onRefused: (error: unknown) => {
        throw error;
      },
    };
    await expect(applySettings([max, liberal], kernel, hashSize(1, 95), strict)).rejects.toMatchObject({ errno: 95 });
    expect(await kernel.read(liberal.name)).toBe("0");
  });

  it("localhost's packets are let be translated", async () => {
    const kernel = new FakeSysctl({ "net/ipv4/conf/all/route_localnet": "0" });
    expect(await allowLocalhostNodePorts(kernel)).toBe(true);
    expect(await allowLocalhostNodePorts(kernel)).toBe(false);
    expect(await kernel.read("net.ipv4.conf.all.route_localnet")).toBe("1");
  });
});

it("the number of buckets is a file's", async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "hashsize-"));
  try {
    const file = path.join(folder, "hashsize");
    writeFileSync(file, "65536\n");
    const port = openConntrackHashSize(file);
    expect(await port.read()).toBe(65_536);
    await port.write(100);
    expect(readFileSync(file, "utf8")).toBe("100");
    await expect(openConntrackHashSize(path.join(folder, "none")).read()).rejects.toMatchObject({ errno: 2 });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
