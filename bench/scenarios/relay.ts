import { relayDrivers, type RelayParameters, type Traffic } from "../drivers/relay/relay.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

const said: Readonly<Record<Traffic, string>> = {
  stream: "bytes by connections that last",
  rr: "a message there and one back, over connections that last",
  crr: "a message there and one back over a new connection each",
};

/** The client's cost and the server's are the same for all: what is compared is the relay's own processor time. */
function scenario(traffic: Traffic): Scenario<RelayParameters> {
  return {
    name: `relay-${traffic}`,
    what: `a TCP relay in user space beside HAProxy: ${said[traffic]}`,
    figure: "cpu",
    better: "lower",
    parameters: { connections: traffic === "stream" ? 4 : 32, milliseconds: 200 },
    drivers: relayDrivers(traffic),
    compared: true,
    rounds: 40,
    warmUp: 2,
    precision: noisyRounds,
    targets: [
      { kind: "ratio", rival: "haproxy", atLeast: 1 },
      { kind: "ratio", rival: "haproxy, splice", atLeast: 1 },
    ],
  };
}

export const relayScenarios = (["stream", "rr", "crr"] as const).map(scenario);
