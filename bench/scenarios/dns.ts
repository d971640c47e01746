import { fairleadDns, type DnsParameters } from "../drivers/dns/dns.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

export const dns: Scenario<DnsParameters> = {
  name: "dns",
  what: "cluster DNS over UDP: answers for a second of processor time, and how soon an answer follows the API",
  figure: "per core",
  better: "higher",
  parameters: { services: 200, loadMs: 2000, window: 100, changes: 21 },
  drivers: [fairleadDns],
  compared: false,
  rounds: 5,
  warmUp: 1,
  precision: noisyRounds,
  targets: [
    { kind: "figure", driver: fairleadDns.name, figure: "per core", atLeast: 20_000 },
    { kind: "bound", driver: fairleadDns.name, figure: "change", atMost: 50 },
  ],
};
