/** The bridge of mode bridge: made when the first pod needs it, and the pods' gateway. */
import type { RoutingChange, RoutingPort } from "../../kernel/ports.ts";
import { macText, type MacAddress } from "../../model/address.ts";
import { createHash } from "node:crypto";
import type { PodLink } from "./link.ts";

const exists = 17;

/**
 * Makes the bridge as the pod needs it, as far as it is not: with the gateways of its addresses, up.
 *
 * @returns its index
 */
export async function ensureBridge(ports: { readonly routing: RoutingPort }, link: PodLink): Promise<number> {
  const { routing } = ports;
  const found = (await routing.link({ name: link.bridge })) ?? (await makeBridge(routing, link));
  const { index } = found;
  const there = await routing.addresses({ index });
  const missing = link.addresses.filter(({ gateway }) => !there.some((one) => (one.local ?? one.address) === gateway));
  const changes: RoutingChange[] = missing.map(({ gateway, subnetLength, family }) => ({
    verb: "add",
    object: "address",
    value: {
      index,
      prefixLength: subnetLength,
      ...(family === "IPv6" ? { address: gateway, flags: ["noDad"] } : { local: gateway }),
    },
  }));
  if (!found.flags.includes("up")) {
    changes.unshift({ verb: "change", object: "link", value: { index, flags: ["up"], change: ["up"] } });
  }
  if (changes.length > 0) throwRefused(await routing.apply(changes));
  return index;
}

async function makeBridge(routing: RoutingPort, link: PodLink): Promise<{ index: number; flags: readonly string[] }> {
  throwRefused(
    await routing.apply([
      {
        verb: "add",
        object: "link",
        // With an address of its own: one that is taken from its ports changes with them, and pods remember it.
        value: { name: link.bridge, address: bridgeMac(link.bridge), mtu: link.mtu, info: { kind: "bridge" } },
      },
    ]),
  );
  const made = await routing.link({ name: link.bridge });
  if (!made) throw new Error(`bridge ${link.bridge} was deleted as soon as it was made`);
  return made;
}

function bridgeMac(name: string): MacAddress {
  const digest = createHash("sha256").update(`bridge\0${name}`).digest();
  return macText(Uint8Array.of(0x02, ...digest.subarray(0, 5)))!;
}

/** Somebody else may make the same at the same time. */
function throwRefused(outcomes: readonly (({ readonly errno: number | undefined } & Error) | null)[]): void {
  for (const outcome of outcomes) if (outcome && outcome.errno !== exists) throw outcome;
}
