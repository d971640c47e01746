/** What a node's end says about itself (IFLA_IFALIAS): enough to take it over where no note of it is left. Pure. */
import { parseIp, type MacAddress } from "../../model/address.ts";
import { familyOfIp } from "../../model/cidr.ts";
import type { Owner } from "../ipam/leases.ts";
import type { PodAddress, PodLink } from "./link.ts";

/** IFALIASZ holds 255 bytes and the NUL. */
const maxBytes = 255;
const marker = "fairlead";

interface Said {
  readonly owner: Owner;
  readonly link: Pick<PodLink, "mode" | "bridge" | "mac" | "addresses">;
}

/** @returns "" where it is too long for the kernel */
export function renderAlias({ network, containerId, ifName }: Owner, link: Said["link"]): string {
  const addresses = link.addresses.map(({ address, subnetLength, gateway }) => `${address}/${subnetLength},${gateway}`);
  const alias = [marker, network, containerId, ifName, link.bridge || "-", link.mac, ...addresses].join(" ");
  return Buffer.byteLength(alias) > maxBytes ? "" : alias;
}

/** @returns undefined for what none of us has written */
export function decodeAlias(alias: string): Said | undefined {
  const [first, network, containerId, ifName, bridge, mac, ...rest] = alias.split(" ");
  if (first !== marker || !network || !containerId || !ifName || !bridge || !mac) return undefined;
  const addresses = rest.flatMap((text) => decodeAddress(text) ?? []);
  if (addresses.length !== rest.length) return undefined;
  return {
    owner: { network, containerId, ifName },
    link: {
      mode: bridge === "-" ? "routed" : "bridge",
      bridge: bridge === "-" ? "" : bridge,
      mac: mac as MacAddress,
      addresses,
    },
  };
}

function decodeAddress(text: string): PodAddress | undefined {
  const [cidr = "", gateway = ""] = text.split(",");
  const [ip = "", length = ""] = cidr.split("/");
  const address = parseIp(ip);
  const parsedGateway = parseIp(gateway);
  if (!address || !parsedGateway || !/^\d{1,3}$/.test(length)) return undefined;
  return { family: familyOfIp(address), address, subnetLength: Number(length), gateway: parsedGateway };
}
