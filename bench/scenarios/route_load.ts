import { fairleadRoutes } from "../drivers/routes/fairlead.ts";
import { ipRoutes } from "../drivers/routes/ip.ts";
import type { RouteParameters } from "../drivers/routes/content.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

export const routeLoad: Scenario<RouteParameters> = {
  name: "route-load",
  what: "add IPv4 routes (a /24 through a gateway each) to an empty table",
  figure: "time",
  better: "lower",
  parameters: { routes: 10_000 },
  drivers: [fairleadRoutes, ipRoutes],
  compared: true,
  rounds: 30,
  warmUp: 5,
  precision: noisyRounds,
  targets: [{ kind: "figure", driver: fairleadRoutes.name, figure: "rate", atLeast: 250_000 }],
};
