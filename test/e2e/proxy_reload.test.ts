/** A running proxy takes another mode: no connection fails, those that are there go on, nothing of the last mode is left. */
import { writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { openSysctl } from "../../src/kernel/real/sysctl.ts";
import { eventually } from "../fixtures/eventually.ts";
import type { PeerAnswer } from "../fixtures/peer.ts";
import { ModeSwitches, type SwitchedMode } from "../fixtures/mode_switches.ts";

let switches: ModeSwitches;
beforeAll(async () => {
  switches = await ModeSwitches.start();
}, 90_000);
afterEach(() => switches.cluster.clear());
afterAll(() => switches?.cluster.stop());

/** Those of ipvs are in test/vm/ipvs_reload.test.ts. */
const modes: readonly SwitchedMode[] = ["nftables", "iptables", "userspace"];
const directions = modes.flatMap((from) => modes.filter((to) => to !== from).map((to) => ({ from, to })));

it.each(directions)(
  "from $from to $to and back at SIGHUP, under traffic",
  ({ from, to }) => switches.thereAndBack(from, to),
  60_000,
);

it("goes on as it was where the configuration is not right, and follows changes of Services behind a reload", async () => {
  const { cluster } = switches;
  const proxy = await switches.launch("nftables");
  for (const [wrong, words] of [
    ["{nonsense", "the configuration stays as it was"],
    ["mode: ebpf", "field mode: ebpf"],
  ] as const) {
    writeFileSync(
      switches.file,
      `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n${wrong}\n`,
    );
    proxy.signal("SIGHUP");
    await proxy.says(words);
  }
  expect(await switches.programmed()).toEqual(["nftables"]);
  await switches.reload(proxy, "iptables");
  await cluster.serve("two");
  await eventually("answers of two alone", async () => {
    const answers = new Set<string>();
    for (let i = 0; i < 5; i++) answers.add(await cluster.ask());
    return [...answers].join() === "two";
  });
  await cluster.serve("one", "two");
  // A change without a signal ends it, as upstream's.
  switches.configure("nftables");
  expect(await proxy.ended).toMatchObject({ code: 1 });
}, 60_000);

it("serves node ports at localhost where that is asked for, by a relay in every mode, over a reload", async () => {
  const { cluster } = switches;
  const nodePort = 30_500;
  const type = (spec: object) =>
    cluster.server.run(["patch", "service", "web", "--type=strategic", "-p", JSON.stringify({ spec })]);
  const ask = (): Promise<PeerAnswer> =>
    cluster.network.hosts.node.command({
      do: "ask",
      protocol: "TCP",
      address: "127.0.0.1",
      port: nodePort,
      timeoutMs: 5000,
    });
  const localhost = { nodePortAddresses: ["primary", "localhost"] };
  const sysctl = openSysctl({ namespace: cluster.network.hosts.node.namespace });
  const routeLocalnet = "net/ipv4/conf/all/route_localnet";
  // The iptables mode of the tests before has set it, and leaves it, as upstream's does.
  await sysctl.write(routeLocalnet, "0");
  await type({ type: "NodePort", ports: [{ port: 80, nodePort }] });
  try {
    const proxy = await switches.launch("nftables", localhost);
    expect(await ask()).toHaveProperty("answer");
    await switches.reload(proxy, "iptables", localhost);
    for (let i = 0; i < 10; i++) expect(await ask()).toHaveProperty("answer");
    await cluster.serve("two");
    await eventually("answers of two alone", async () => {
      const answers = await Promise.all([ask(), ask(), ask(), ask()]);
      return answers.every((one) => "answer" in one && one.answer.startsWith("two "));
    });
    expect(await sysctl.read(routeLocalnet)).toBe("0");
    await switches.reload(proxy, "nftables");
    await eventually("a port that is left", async () => {
      const answer = await ask();
      return "error" in answer && answer.error === "ECONNREFUSED";
    });
    expect(proxy.output).not.toContain("cannot serve node port");
    await cluster.stopProxy(proxy);
  } finally {
    await cluster.serve("one", "two");
    await type({ type: "ClusterIP", ports: [{ port: 80, nodePort: null }] });
  }
}, 60_000);
