/** A running proxy takes another mode: no connection fails, those that are there go on, nothing of the last mode is left. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { addresses } from "../fixtures/addresses.ts";
import { eventually } from "../fixtures/eventually.ts";
import { ProxiedCluster } from "../fixtures/proxied_cluster.ts";
import type { ProxyProcess } from "../fixtures/proxy_process.ts";

let cluster: ProxiedCluster;
let file: string;
beforeAll(async () => {
  cluster = await ProxiedCluster.start();
  file = path.join(cluster.folder, "proxy.yaml");
}, 90_000);
afterEach(() => cluster.clear());
afterAll(() => cluster?.stop());

const modes = ["nftables", "iptables", "userspace"] as const;
type Mode = (typeof modes)[number];

function configure(mode: string): void {
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
      kind: "KubeProxyConfiguration",
      mode,
      clientConnection: { kubeconfig: cluster.kubeconfig },
      clusterCIDR: addresses.IPv4.clusterCidr,
      conntrack: { maxPerCore: 0 },
    }),
  );
}

/** Which modes have programmed something. */
async function programmed(): Promise<readonly Mode[]> {
  const found: Mode[] = [];
  const tables = await cluster.nft("list", "ruleset");
  // The relay's packets are told by their mark.
  const isRelayed = /mark & 0x0*2000 != 0x0+ accept/.test(tables);
  if (tables.includes(" fairlead ")) found.push(isRelayed ? "userspace" : "nftables");
  if ((await cluster.chains()).includes("KUBE-SVC-")) found.push("iptables");
  return found;
}

async function reload(proxy: ProxyProcess, mode: string): Promise<void> {
  configure(mode);
  proxy.signal("SIGHUP");
  await eventually(`${mode} alone`, async () => (await programmed()).join() === mode);
}

/** Asks without an end. @returns how many answers there were; @throws what was no answer */
function traffic(): { stop(): Promise<number> } {
  let isOver = false;
  const asking = (async () => {
    let answers = 0;
    for (; !isOver; answers++) await cluster.ask();
    return answers;
  })();
  asking.catch(() => undefined);
  return {
    stop: () => {
      isOver = true;
      return asking;
    },
  };
}

const directions = modes.flatMap((from) => modes.filter((to) => to !== from).map((to) => ({ from, to })));

it.each(directions)(
  "from $from to $to and back at SIGHUP, under traffic",
  async ({ from, to }) => {
    configure(from);
    const proxy = cluster.launch("--config", file, "--hostname-override", "n1");
    await proxy.says("programmed");
    await cluster.serve("one");
    const connection = await cluster.connection();
    const asking = traffic();
    try {
      await connection.goesOn();
      for (const mode of [to, from]) {
        await reload(proxy, mode);
        await connection.goesOn();
      }
      expect(await asking.stop()).toBeGreaterThan(5);
    } finally {
      await asking.stop().catch(() => undefined);
      await connection.stop();
      await cluster.serve("one", "two");
    }
    expect(proxy.output).not.toMatch(/WARN|ERROR/);
    await cluster.stopProxy(proxy);
  },
  60_000,
);

it("goes on as it was where the configuration is not right, and follows changes of Services behind a reload", async () => {
  configure("nftables");
  const proxy = cluster.launch("--config", file, "--hostname-override", "n1");
  await proxy.says("programmed");
  for (const [wrong, words] of [
    ["{nonsense", "the configuration stays as it was"],
    ["mode: ebpf", "field mode: ebpf"],
  ] as const) {
    writeFileSync(file, `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n${wrong}\n`);
    proxy.signal("SIGHUP");
    await proxy.says(words);
  }
  expect(await programmed()).toEqual(["nftables"]);
  await reload(proxy, "iptables");
  await cluster.serve("two");
  await eventually("answers of two alone", async () => {
    const answers = new Set<string>();
    for (let i = 0; i < 5; i++) answers.add(await cluster.ask());
    return [...answers].join() === "two";
  });
  await cluster.serve("one", "two");
  // A change without a signal ends it, as upstream's.
  configure("nftables");
  expect(await proxy.ended).toMatchObject({ code: 1 });
}, 60_000);
