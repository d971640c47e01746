/**
 * Services change at random in a kernel that has IPVS: after each change there is what a fresh start would program, nothing is
 * refused, and connections to another Service live on. The same with a kernel that fails, and others who meddle.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { IpvsNetwork } from "../fixtures/ipvs_network.ts";
import { families } from "../fixtures/node_network.ts";
import type { Connection } from "../fixtures/proxied_network.ts";
import { seed } from "../fixtures/seed.ts";
import { endpointSlice, steadyService } from "../fixtures/steady_service.ts";
import { walkWithFaults } from "../fixtures/walk/ipvs_fault_walk.ts";
import type { FamilyPorts } from "../fixtures/walk/ipvs_servers.ts";
import { walkIpvs } from "../fixtures/walk/ipvs_walk.ts";

// Emulated: a change takes three seconds, one with faults ten.
const [walks, steps, faultWalks, faultSteps] = process.env["FAIRLEAD_LONG"] === "1" ? [4, 50, 4, 20] : [1, 8, 1, 3];
const steady = new Map(
  families.map((family) => [`steady-${family}`, { service: steadyService(family), slices: [endpointSlice(family)] }]),
);

let proxied: IpvsNetwork;
let ports: FamilyPorts;
beforeAll(async () => {
  proxied = await IpvsNetwork.start([]);
  await proxied.serveEcho();
  ports = { IPv4: proxied.families.IPv4.ports, IPv6: proxied.families.IPv6.ports };
}, 120_000);
afterAll(() => proxied?.stop());

it(`${walks} walks of ${steps} changes, from seed ${seed}`, { timeout: 3_600_000 }, async () => {
  for (let walk = 0; walk < walks; walk++) await walkOnce(seed + walk);
});

async function walkOnce(walkSeed: number): Promise<void> {
  let connections: readonly Connection[] = [];
  await walkIpvs({
    ports,
    seed: walkSeed,
    steps,
    steady,
    rulesEvery: 10,
    begin: async () => {
      connections = await Promise.all(families.map((family) => proxied.connect("client", "cluster IP", family)));
    },
    afterStep: async (where) => {
      for (const connection of connections) expect(await connection.say(where), where).toBe(where);
    },
  });
  await Promise.all(connections.map((connection) => connection.close()));
}

it(`${faultWalks} walks of ${faultSteps} changes with faults`, { timeout: 3_600_000 }, async () => {
  for (let walk = 0; walk < faultWalks; walk++) {
    await walkWithFaults({ ports, routing: proxied.routing, seed: seed + walk, steps: faultSteps, rulesEvery: 10 });
  }
});
