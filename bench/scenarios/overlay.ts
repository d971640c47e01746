import { byHand, type Way } from "../drivers/overlay/by_hand.ts";
import { fairleadNetwork } from "../drivers/overlay/fairlead.ts";
import type { Traffic, TrafficParameters } from "../drivers/overlay/traffic.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

const said: Readonly<Record<Traffic, string>> = {
  stream: "TCP throughput of one connection",
  rr: "one byte there and one back over one TCP connection (TCP_RR)",
  crr: "one byte there and one back over a new TCP connection each (TCP_CRR)",
};

function scenario(way: Way, traffic: Traffic): Scenario<TrafficParameters> {
  return {
    name: `${way === "veth" ? "pod-link" : "overlay"}-${traffic}`,
    what: `between two pods ${way === "veth" ? "of one node" : "of two nodes, over VXLAN"}: ${said[traffic]}`,
    figure: "cpu",
    better: "lower",
    parameters: { milliseconds: 40, processors: 1 },
    drivers: [
      fairleadNetwork(way, traffic, true),
      byHand(way, traffic, false),
      byHand(way, traffic, true),
      fairleadNetwork(way, traffic, false),
    ],
    compared: true,
    rounds: 150,
    warmUp: 5,
    precision: noisyRounds,
    targets: [
      { kind: "ratio", rival: "ip", atLeast: 0.97 },
      { kind: "ratio", rival: "ip, masquerade", atLeast: 0.97 },
    ],
  };
}

export const overlayScenarios = (["veth", "vxlan"] as const).flatMap((way) =>
  (["stream", "rr", "crr"] as const).map((traffic) => scenario(way, traffic)),
);
