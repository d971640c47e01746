/** What must be so before anything is started: said at once, with what to do. */
import { access, constants } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import ipaddr from "ipaddr.js";
import { FairleadError } from "../errors/catalogue.ts";
import type { Instance } from "./instance.ts";
import { dnsPort, type UpSettings } from "./settings.ts";

/** A socket's path (unix(7)). */
const longestSocket = 107;

/** @param isRunning parts of ours already have their ports */
export async function checkMachine(instance: Instance, settings: UpSettings, isRunning: boolean): Promise<void> {
  const { runtimeEndpoint } = settings;
  if (process.getuid?.() !== 0) throw refuse("this user", "it is not root: run it with sudo");
  const { socket } = instance.containerd;
  if (socket.length > longestSocket) throw refuse(socket, "the path of a socket has 107 bytes at most");
  const programs = runtimeEndpoint === undefined ? ["containerd", "runc", "ctr", "tar"] : ["ctr", "tar"];
  for (const program of programs) {
    if (await isProgram(program)) continue;
    const hint = `it is not there: 'apt-get install ${program === "ctr" ? "containerd" : program}' brings it`;
    throw refuse(program, hint);
  }
  // In a namespace of its own there is nothing of the machine's.
  if (settings.netns !== undefined) return;
  checkRanges(settings);
  if (isRunning) return;
  for (const { port, host, whose } of ports(settings)) {
    if (await isTaken(port, host)) {
      throw refuse(`port ${port}`, `another process has it, and ${whose} needs it: stop that one first`);
    }
  }
}

/** What is in a range of the cluster's is not reached by this machine any more: not its own network, nor its router. */
function checkRanges({ clusterCidr, serviceCidr, nodeIp, nodeNetwork, nodes }: UpSettings): void {
  const ranges = {
    "--cluster-cidr": clusterCidr,
    "--service-cidr": serviceCidr,
    ...((nodes ?? 1) === 1 ? {} : { "--node-network": nodeNetwork }),
  };
  const own = Object.entries(os.networkInterfaces()).flatMap(([link, addresses]) =>
    isOurs(link)
      ? []
      : (addresses ?? []).map(({ address, cidr }) => ({ link, address, cidr: cidr ?? `${address}/32` })),
  );
  const all = [{ link: "--node-ip", address: nodeIp, cidr: `${nodeIp}/${nodeIp.includes(":") ? 128 : 32}` }, ...own];
  for (const [flag, range] of Object.entries(ranges)) {
    const taken = all.find(({ cidr }) => overlap(range, cidr));
    if (!taken) continue;
    const reason = `${taken.link} of this machine has ${taken.cidr}, which is in it: give another range by ${flag}`;
    throw refuse(`range ${range}`, reason);
  }
}

/** Links of a cluster that is up: the pods' and the VTEP. */
function isOurs(link: string): boolean {
  return /^(flp|fairlead)/.test(link);
}

export function overlap(a: string, b: string): boolean {
  const [first, firstBits] = ipaddr.parseCIDR(a);
  const [second, secondBits] = ipaddr.parseCIDR(b);
  if (first.kind() !== second.kind()) return false;
  return first.match(second, Math.min(firstBits, secondBits));
}

function ports({ securePort, nodeIp, server }: UpSettings) {
  const loopback = "127.0.0.1";
  const api = { port: securePort, host: "0.0.0.0", whose: "the API server (or give --secure-port)" };
  return [
    ...(server === undefined ? [api] : []),
    { port: 10250, host: "0.0.0.0", whose: "the kubelet" },
    { port: 10248, host: loopback, whose: "the kubelet's health" },
    { port: 10256, host: "0.0.0.0", whose: "the service proxy's health" },
    { port: 10249, host: loopback, whose: "the service proxy's metrics" },
    { port: 10245, host: loopback, whose: "the pod network's health" },
    { port: dnsPort, host: nodeIp, whose: "cluster DNS" },
    { port: 9153, host: loopback, whose: "cluster DNS's metrics" },
  ];
}

function isTaken(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EADDRINUSE"));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(false)));
  });
}

async function isProgram(name: string): Promise<boolean> {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"];
  for (const folder of folders) {
    const found = await access(path.join(folder, name), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

function refuse(subject: string, reason: string): FairleadError {
  return new FairleadError("UP_PREREQUISITE", { subject, reason });
}
