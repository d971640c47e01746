/** Flows in a namespace, and conntrack(8) as the judge of what we read and wrote. */
import type { NativeNamespace } from "../../../src/kernel/native.ts";
import type { ConntrackEntry } from "../../../src/kernel/netlink/ctnetlink/entry.ts";
import { run } from "../../fixtures/namespace.ts";

/** Sends datagrams of 5 bytes from one socket to a port where nobody listens. */
export async function send(ns: NativeNamespace, datagrams: number): Promise<void> {
  const script = `
    const socket = require("node:dgram").createSocket("udp4");
    socket.on("error", () => {});
    let left = ${datagrams};
    const next = () => (left-- > 0 ? socket.send("hello", 5300, "127.0.0.2", next) : socket.close());
    socket.bind(0, "127.0.0.1", next);`;
  await run(ns, [process.execPath, "-e", script]);
}

/** Entries as conntrack(8) prints them, without what changes between two looks. */
export async function conntrackList(ns: NativeNamespace): Promise<string[]> {
  const output = await run(ns, ["conntrack", "-L", "-o", "extended,id"]);
  return output
    .split("\n")
    .filter((line) => line !== "")
    .map(normal);
}

/** Drops the protocol's name and the timeout, which come before the tuples, counters and times. */
function normal(line: string): string {
  const words = line.trim().split(/\s+/);
  const [family, , protocol, number, , ...rest] = words;
  const dropped = /^(packets|bytes|delta-time|start|stop|use)=|^\[(start|stop)|UNREPLIED|ASSURED/;
  return [family, protocol, number, ...rest.filter((word) => !dropped.test(word))].join(" ");
}

/** Our entry in the same words. */
export function text(found: ConntrackEntry): string {
  const numbers: Record<string, number> = { tcp: 6, udp: 17, sctp: 132, icmp: 1, icmpv6: 58 };
  const states: Record<string, string> = { synSent: "SYN_SENT", established: "ESTABLISHED" };
  const state = found.protoinfo?.tcp?.state ?? found.protoinfo?.sctp?.state;
  return [
    found.family === "ip" ? "ipv4" : "ipv6",
    found.original.protocol,
    numbers[found.original.protocol],
    ...(state === undefined ? [] : [states[state]]),
    tupleText(found.original),
    tupleText(found.reply),
    `mark=${found.mark}`,
    ...(found.zone === 0 ? [] : [`zone=${found.zone}`]),
    `id=${found.id}`,
  ].join(" ");
}

function tupleText({ source, destination, sourcePort, destinationPort, icmp }: ConntrackEntry["original"]): string {
  const rest = icmp
    ? `type=${icmp.type} code=${icmp.code} id=${icmp.id}`
    : `sport=${sourcePort} dport=${destinationPort}`;
  return `src=${source} dst=${destination} ${rest}`;
}
