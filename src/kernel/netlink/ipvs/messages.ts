/** Requests to IPVS, and what its answers say (net/netfilter/ipvs/ip_vs_ctl.c). */
import { decodeBody, type ReceivedMessage, type Request } from "../codec/message.ts";
import { EncodeFailure } from "../codec/writer.ts";
import type { GenericFamily } from "../genetlink.ts";
import { commandMessage, infoMessage, ipvsCommand, type CommandMessage, type InfoMessage } from "./attributes.ts";
import {
  attributesOfDestination,
  attributesOfService,
  destinationKeyAttributes,
  destinationOf,
  familyOfKey,
  keyAttributes,
  serviceOf,
  type IpvsServiceKey,
  type IpvsTimeouts,
  type ListedIpvsDestination,
  type ListedIpvsService,
} from "./service.ts";
import type { IpvsExecutors, IpvsStep, IpvsVerbs } from "./step.ts";

/** What of a family its messages need. */
export type IpvsFamily = Pick<GenericFamily, "id" | "version">;

type Command = keyof typeof ipvsCommand;
type Body = Omit<CommandMessage, "genl">;

function request({ id, version }: IpvsFamily, command: Command, body: Body): Request<CommandMessage> {
  const genl = { command: ipvsCommand[command], version };
  return { type: id, flags: 0, codec: commandMessage, body: { genl, ...body } };
}

/** A step as the one request that it is. @throws FairleadError NETLINK_ENCODE for addresses and masks that are none */
export function stepRequest(family: IpvsFamily, step: IpvsStep): Request<CommandMessage> {
  try {
    // The table has an executor of each verb for that verb's step; the union hides which.
    const execute = bodies[step.verb] as (step: IpvsVerbs[keyof IpvsVerbs]) => readonly [Command, Body];
    return request(family, ...execute(step));
  } catch (error) {
    throw error instanceof EncodeFailure ? error.toError() : error;
  }
}

const bodies: IpvsExecutors<readonly [Command, Body]> = {
  addService: ({ service }) => ["newService", { service: attributesOfService(service) }],
  setService: ({ service }) => ["setService", { service: attributesOfService(service) }],
  deleteService: ({ service }) => ["deleteService", { service: keyAttributes(service) }],
  addDestination: ({ service, destination }) => [
    "newDestination",
    { service: keyAttributes(service), destination: attributesOfDestination(destination) },
  ],
  setDestination: ({ service, destination }) => [
    "setDestination",
    { service: keyAttributes(service), destination: attributesOfDestination(destination) },
  ],
  deleteDestination: ({ service, destination }) => [
    "deleteDestination",
    { service: keyAttributes(service), destination: destinationKeyAttributes(destination) },
  ],
  zeroCounters: ({ service }) => ["zero", { service: keyAttributes(service) }],
};

/** All services, without their destinations, as a dump. */
export function listServices(family: IpvsFamily): Request<CommandMessage> {
  return request(family, "getService", {});
}

/** One service: ESRCH where there is none. @throws FairleadError NETLINK_ENCODE */
export function getService(family: IpvsFamily, key: IpvsServiceKey): Request<CommandMessage> {
  return keyed(family, "getService", key);
}

/** The destinations of a service, as a dump; of one that is not there, none. @throws FairleadError NETLINK_ENCODE */
export function listDestinations(family: IpvsFamily, key: IpvsServiceKey): Request<CommandMessage> {
  return keyed(family, "getDestination", key);
}

function keyed(family: IpvsFamily, command: Command, key: IpvsServiceKey): Request<CommandMessage> {
  try {
    return request(family, command, { service: keyAttributes(key) });
  } catch (error) {
    throw error instanceof EncodeFailure ? error.toError() : error;
  }
}

/** A service that a message names; undefined where it names none of a family that we know. @throws FairleadError NETLINK_DECODE */
export function readService(received: ReceivedMessage): ListedIpvsService | undefined {
  return serviceOf(decodeBody(commandMessage, received).service ?? {});
}

/** @throws FairleadError NETLINK_DECODE */
export function readDestination(received: ReceivedMessage, key: IpvsServiceKey): ListedIpvsDestination | undefined {
  return destinationOf(decodeBody(commandMessage, received).destination ?? {}, familyOfKey(key));
}

export function getTimeouts(family: IpvsFamily): Request<CommandMessage> {
  return request(family, "getConfig", {});
}

/** Those that are left out stay; so do those that are 0 (ip_vs_set_timeout). */
export function setTimeouts(family: IpvsFamily, timeouts: Partial<IpvsTimeouts>): Request<CommandMessage> {
  const { tcpSeconds = 0, tcpFinSeconds = 0, udpSeconds = 0 } = timeouts;
  return request(family, "setConfig", { tcpSeconds, tcpFinSeconds, udpSeconds });
}

/** @throws FairleadError NETLINK_DECODE */
export function readTimeouts(received: ReceivedMessage): IpvsTimeouts {
  const { tcpSeconds = 0, tcpFinSeconds = 0, udpSeconds = 0 } = decodeBody(commandMessage, received);
  return { tcpSeconds, tcpFinSeconds, udpSeconds };
}

export function getInfo({ id, version }: IpvsFamily): Request<InfoMessage> {
  const genl = { command: ipvsCommand.getInfo, version };
  return { type: id, flags: 0, codec: infoMessage, body: { genl } };
}

/** What IPVS is: its version as it writes it, and how many buckets its connections have. */
export interface IpvsInfo {
  /** "1.2.1" */
  readonly version: string;
  readonly connectionTableSize: number;
}

/** @throws FairleadError NETLINK_DECODE */
export function readInfo(received: ReceivedMessage): IpvsInfo {
  const { version = 0, connectionTableSize = 0 } = decodeBody(infoMessage, received);
  return { version: `${version >> 16}.${(version >> 8) & 255}.${version & 255}`, connectionTableSize };
}
