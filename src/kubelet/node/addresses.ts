/** The node's addresses: those of --node-ip, or the one by which others reach it, as it is now. */
import { readFile } from "node:fs/promises";
import os from "node:os";

type Family = "IPv4" | "IPv6";

/** Of --node-ip: the default address of one family, whatever it is. */
const anyOf: Readonly<Record<string, Family>> = { "0.0.0.0": "IPv4", "::": "IPv6" };

/** @param nodeIps as the flag has them; undefined: there is none */
export async function nodeAddresses(nodeIps: readonly string[] | undefined): Promise<readonly string[]> {
  if (nodeIps === undefined) {
    const found = (await defaultAddress("IPv4")) ?? (await defaultAddress("IPv6"));
    return found === undefined ? [] : [found];
  }
  const all = await Promise.all(nodeIps.map((ip) => (anyOf[ip] ? defaultAddress(anyOf[ip]) : Promise.resolve(ip))));
  return all.filter((ip) => ip !== undefined);
}

/** That of the link of the default route; else the first that is no link's own. */
async function defaultAddress(wanted: Family): Promise<string | undefined> {
  const link = wanted === "IPv4" ? await defaultLink4() : await defaultLink6();
  const links = os.networkInterfaces();
  const own = link === undefined ? [] : (links[link] ?? []);
  const candidates = [...own, ...Object.values(links).flatMap((one) => one ?? [])];
  return candidates.find(({ family, internal, address }) => family === wanted && !internal && isGlobal(address))
    ?.address;
}

function isGlobal(address: string): boolean {
  return !address.startsWith("169.254.") && !/^fe[89ab]/i.test(address);
}

async function defaultLink4(): Promise<string | undefined> {
  const routes = (await read("/proc/net/route")).split("\n").map((line) => line.split("\t"));
  return routes.find(([, destination]) => destination === "00000000")?.[0];
}

async function defaultLink6(): Promise<string | undefined> {
  const routes = (await read("/proc/net/ipv6_route")).split("\n").map((line) => line.trim().split(/\s+/));
  return routes.find(([destination, length, , , , , , , , link]) => {
    return /^0{32}$/.test(destination ?? "") && length === "00" && link !== "lo";
  })?.[9];
}

function read(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
