/** Values of the command line's flags. Each parser throws what commander shows with the flag's name. */
import { isIP } from "node:net";
import { InvalidArgumentError } from "commander";
import ipaddr from "ipaddr.js";

/** @returns a parser of whole numbers from `least` to `most` */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

export function ipAddress(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError("It must be an IP address.");
  return text;
}

/** One range, or two of two families, by commas. */
export function addressRanges(text: string): readonly string[] {
  const ranges = text.split(",").map((range) => range.trim());
  const families = ranges.map(familyOf);
  if (ranges.length > 2 || (ranges.length === 2 && families[0] === families[1])) {
    throw new InvalidArgumentError("It must be one range, or one of IPv4 and one of IPv6 by a comma.");
  }
  return ranges;
}

/** Upstream's bounds: a range must hold an address for a Service, and fit its allocator. */
const longestPrefix = { ipv4: 30, ipv6: 126 } as const;

function familyOf(range: string): "ipv4" | "ipv6" {
  let parsed: [ipaddr.IPv4 | ipaddr.IPv6, number];
  try {
    parsed = ipaddr.parseCIDR(range);
  } catch {
    throw new InvalidArgumentError(`"${range}" is not a range like 10.96.0.0/12.`);
  }
  const family = parsed[0].kind();
  if (parsed[1] > longestPrefix[family]) throw new InvalidArgumentError(`"${range}" holds too few addresses.`);
  return family;
}

/** "30000-32767", or "30000+2767" (upstream's PortRange). */
export function portRange(text: string): { readonly from: number; readonly to: number } {
  const match = /^(\d{1,5})([-+])(\d{1,5})$/.exec(text);
  const from = Number(match?.[1]);
  const to = match?.[2] === "+" ? from + Number(match[3]) : Number(match?.[3]);
  if (!match || from < 1 || to > 65535 || from > to) {
    throw new InvalidArgumentError("It must be a range of ports like 30000-32767.");
  }
  return { from, to };
}

/** URLs by commas, all of http or all of https. */
export function etcdServers(text: string): readonly [string, ...string[]] {
  const servers = text.split(",").map((server) => server.trim());
  const schemes = new Set(servers.map(schemeOf));
  if (schemes.size > 1) throw new InvalidArgumentError("All must begin with https://, or all with http://.");
  return servers as [string, ...string[]];
}

function schemeOf(server: string): string {
  if (!/^https?:\/\/[^/?#\s]+\/?$/.test(server) || !URL.canParse(server)) {
    throw new InvalidArgumentError(`"${server}" is not a URL like https://10.0.0.1:2379.`);
  }
  return new URL(server).protocol;
}

/** A flag that is given several times, or once with commas. */
export function repeated(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...text.split(",").filter((part) => part !== "")];
}

/** Addresses, ranges like 10.0.0.0/28 and spans like 10.0.0.1-10.0.0.9, by commas. */
export function addressPool(text: string, before: readonly string[] | undefined): readonly string[] {
  const parts = repeated(text, before);
  for (const part of parts) {
    const isRange = part.includes("/") && ipaddr.isValidCIDR(part);
    const ends = part.split("-");
    const isSpan = ends.length <= 2 && ends.every((end) => isIP(end) !== 0 && isIP(end) === isIP(ends[0]!));
    if (!isRange && !isSpan) throw new InvalidArgumentError(`"${part}" is no address and no range of them.`);
  }
  return parts;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go's form: "50s", "1h30m", "1.5s". @returns ms */
export function duration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) {
    throw new InvalidArgumentError("It must be a duration like 50s or 1h30m.");
  }
  return parts.reduce((ms, [, amount, unit]) => ms + Number(amount) * unitMs[unit!]!, 0);
}

/** A flag that is given several times, commas and all. */
export function repeatedWhole(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

/** What Go's strconv.ParseBool takes. */
export function truth(text: string): boolean {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(text)) return false;
  throw new InvalidArgumentError("It must be true or false.");
}

/** @returns a parser of names by commas, each once, of those that there are */
export function listOf<T extends string>(known: readonly T[]): (text: string) => readonly T[] {
  return (text) => {
    const names = text.split(",").filter((name) => name !== "");
    for (const [i, name] of names.entries()) {
      if (!(known as readonly string[]).includes(name)) {
        throw new InvalidArgumentError(`"${name}" is none of ${known.join(", ")}.`);
      }
      if (names.indexOf(name) < i) throw new InvalidArgumentError(`"${name}" is there more than once.`);
    }
    return names as T[];
  };
}
