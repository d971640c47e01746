import { createDrivers, type CreateParameters } from "../drivers/api/drivers.ts";
import { upstream } from "../drivers/api/upstream.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

export const apiCreate: Scenario<CreateParameters> = {
  name: "api-create",
  what: "creates of 1 KB ConfigMaps over TLS, with Services and EndpointSlices already there",
  figure: "rate",
  better: "higher",
  parameters: { objects: 8_000, clients: 64, bytes: 1024, services: 1_000 },
  drivers: createDrivers,
  compared: true,
  rounds: 3,
  warmUp: 1,
  precision: noisyRounds,
  targets: [{ kind: "ratio", rival: upstream.name, atLeast: 2 }],
};
