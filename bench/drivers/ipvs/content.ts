/** A cluster's Services as IPVS holds them: as steps of the port, and in the words of ipvsadm --restore. */
import type { IpAddress } from "../../../src/model/address.ts";
import type { IpvsDestination, IpvsServiceKey } from "../../../src/kernel/netlink/ipvs/service.ts";
import type { IpvsStep } from "../../../src/kernel/netlink/ipvs/step.ts";
import { clusterIp, endpointAddress, servicePort, targetPort, type ProxyParameters } from "../proxy/content.ts";

/** Where the first Service's connections go, if not to an address that nobody has. */
export type FirstTargets = readonly string[];

function addressesOf(i: number, { endpoints }: ProxyParameters, first: FirstTargets): readonly string[] {
  if (i === 0 && first.length > 0) return first;
  return Array.from({ length: endpoints }, (_, k) => endpointAddress(i, k));
}

export function keyOf(i: number): IpvsServiceKey {
  return { address: clusterIp(i) as IpAddress, port: servicePort, protocol: "tcp" };
}

export function destinationOf(address: string): IpvsDestination {
  return { address: address as IpAddress, port: targetPort, forwarding: "masq", weight: 1 };
}

export function stepsOf(parameters: ProxyParameters): IpvsStep[] {
  const steps: IpvsStep[] = [];
  for (let i = 0; i < parameters.services; i++) {
    const service = keyOf(i);
    steps.push({ verb: "addService", service: { key: service, scheduler: "rr" } });
    for (const address of addressesOf(i, parameters, [])) {
      steps.push({ verb: "addDestination", service, destination: destinationOf(address) });
    }
  }
  return steps;
}

export function restoreText(parameters: ProxyParameters, first: FirstTargets = []): string {
  const lines: string[] = [];
  for (let i = 0; i < parameters.services; i++) {
    const service = `${clusterIp(i)}:${servicePort}`;
    lines.push(`-A -t ${service} -s rr\n`);
    for (const address of addressesOf(i, parameters, first)) {
      lines.push(`-a -t ${service} -r ${address}:${targetPort} -m -w 1\n`);
    }
  }
  return lines.join("");
}

/** What replaces the first endpoint of Service `i`, and is replaced by it, turn by turn. */
export function changeOf(i: number, turn: number): IpvsStep[] {
  const [gone, next] = turn % 2 === 0 ? [0, 1] : [1, 0];
  return [
    { verb: "addDestination", service: keyOf(i), destination: destinationOf(endpointAddress(i, 0, next)) },
    { verb: "deleteDestination", service: keyOf(i), destination: destinationOf(endpointAddress(i, 0, gone)) },
  ];
}
