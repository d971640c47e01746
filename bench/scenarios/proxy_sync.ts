import { syncDrivers, type SyncParameters } from "../drivers/proxy/sync/drivers.ts";
import { iptablesVariants, proxyModes } from "../drivers/proxy/sync/modes.ts";
import { kubeProxyShape } from "../drivers/proxy/sync/shape.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

const [ours, upstream] = syncDrivers;
const where = { mode: "nftables" } as const;
const bound = (figure: string, atMost: number) =>
  ({ kind: "bound", driver: ours!.name, figure, atMost, where }) as const;

export const proxySync: Scenario<SyncParameters> = {
  name: "proxy-sync",
  what: "a node's proxy: from its start to everything programmed, from a change to the first packet, under load",
  figure: "first sync",
  better: "lower",
  parameters: {
    mode: "nftables",
    variant: "nft",
    services: 10_000,
    endpoints: 4,
    changes: 200,
    rate: 1000,
    seconds: 10,
    probeUs: 200,
  },
  choices: { mode: proxyModes, variant: iptablesVariants },
  drivers: [...syncDrivers, kubeProxyShape],
  compared: true,
  rounds: 3,
  warmUp: 0,
  precision: noisyRounds,
  targets: [
    bound("first sync", 1000),
    bound("change p50", 3),
    bound("change p99", 15),
    bound("memory at most", 120),
    bound("after load", 100),
    { kind: "ratio", rival: upstream!.name, atLeast: 1, where: { mode: "iptables" } },
  ],
};
