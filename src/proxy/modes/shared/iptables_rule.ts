/** Parts of rules, in the words and the order of iptables-save: so what it prints is compared as text. */
import type { IpAddress } from "../../../model/address.ts";
import { cidrText, parseCidr } from "../../../model/cidr.ts";
import type { IpFamily, Protocol } from "../../../model/service.ts";
import type { LocalDetector } from "../../derive/mode_options.ts";

/** Bytes that the kernel keeps of a comment, without the one that ends it (XT_MAX_COMMENT_LEN). */
const maxComment = 255;

/** Nothing of a name may end the quotes, or the line. */
export function comment(text: string): string {
  return `-m comment --comment "${text.replace(/[^ !#-[\]-~]/g, "?").slice(0, maxComment)}"`;
}

/** "-d 10.0.0.1/32" */
export function to(address: IpAddress): string {
  return `-d ${address}/${address.includes(":") ? 128 : 32}`;
}

/** "-s 10.0.0.0/8"; "" for everybody. */
export function from(cidr: string): string {
  const parsed = parseCidr(cidr);
  if (!parsed || parsed.prefix === 0) return "";
  return `-s ${cidrText(parsed)}`;
}

export function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" ");
}

/** Whether a packet is a pod's, as far as it can be told: parts for in front of and behind its destination. */
export function localMatch(local: Exclude<LocalDetector, { mode: "none" }>, is: boolean): readonly [string, string] {
  const not = is ? "" : "! ";
  if (local.mode === "cidr") return [not + from(local.cidr), ""];
  return ["", `${not}-i ${local.mode === "BridgeInterface" ? local.name : `${local.prefix}+`}`];
}

/** The second part of `-p tcp … -m tcp --dport 80`. */
export function portMatch(protocol: Protocol, port: number): string {
  return `-m ${protocol.toLowerCase()} --dport ${port}`;
}

export function protocolMatch(protocol: Protocol): string {
  return `-p ${protocol.toLowerCase()}`;
}

export function hex(mark: number): string {
  return `0x${mark.toString(16)}`;
}

export function refusal(family: IpFamily): string {
  return `-j REJECT --reject-with ${family === "IPv4" ? "icmp-port-unreachable" : "icmp6-port-unreachable"}`;
}

/** xt_recent looks at the whole source address. */
export function recentKey(chain: string, family: IpFamily): string {
  const mask = family === "IPv4" ? "255.255.255.255" : "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  return `--name ${chain} --mask ${mask} --rsource`;
}

/**
 * One of n. kube-proxy writes ten digits; the kernel keeps 31 bits of that, which iptables-save prints with eleven
 * (xt_statistic, IPT_STATISTIC_MODE_RANDOM).
 */
export function probability(n: number): string {
  return (knownProbabilities[n] ??= (Math.round(Number((1 / n).toFixed(10)) * 2 ** 31) / 2 ** 31).toFixed(11));
}

/** As many as the largest Service has backends. */
const knownProbabilities: string[] = [];
