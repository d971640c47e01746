/** Changes of IPVS as data, and their words in an error. */
import {
  destinationName,
  serviceName,
  type IpvsDestination,
  type IpvsDestinationKey,
  type IpvsService,
  type IpvsServiceKey,
} from "./service.ts";

/** What each verb of {@link IpvsStep} takes. */
export interface IpvsVerbs {
  /** Refused where the service is there (EEXIST), and where the kernel has no such scheduler (ENOENT). */
  readonly addService: { readonly service: IpvsService };
  /** Gives a service these options, all of them; what it has of others is gone. Its destinations and connections stay. */
  readonly setService: { readonly service: IpvsService };
  /** With its destinations. Connections go on until a packet of theirs finds no destination (expire_nodest_conn). */
  readonly deleteService: { readonly service: IpvsServiceKey };
  /** Refused where it is there (EEXIST). One that was deleted shortly before comes back with its connections. */
  readonly addDestination: { readonly service: IpvsServiceKey; readonly destination: IpvsDestination };
  /** Refused where it is not there (ENOENT). Weight, thresholds and forwarding, of new connections. */
  readonly setDestination: { readonly service: IpvsServiceKey; readonly destination: IpvsDestination };
  readonly deleteDestination: { readonly service: IpvsServiceKey; readonly destination: IpvsDestinationKey };
  /** Zeroes the counters of a service and of its destinations. */
  readonly zeroCounters: { readonly service: IpvsServiceKey };
}

/** One change: a verb and what it takes. A service that is not there is refused (ESRCH) by all but `addService`. */
export type IpvsStep = { [V in keyof IpvsVerbs]: { readonly verb: V } & IpvsVerbs[V] }[keyof IpvsVerbs];

/** A function for every verb: one that is missing does not compile. */
export type IpvsExecutors<R> = { readonly [V in keyof IpvsVerbs]: (step: IpvsVerbs[V]) => R };

/** What the step attempts, as it follows "cannot". */
export function describeStep(step: IpvsStep): string {
  switch (step.verb) {
    case "addService":
      return `add IPVS service ${serviceName(step.service.key)} with scheduler ${step.service.scheduler}`;
    case "setService":
      return `change IPVS service ${serviceName(step.service.key)} to scheduler ${step.service.scheduler}`;
    case "deleteService":
      return `delete IPVS service ${serviceName(step.service)}`;
    case "addDestination":
      return `add destination ${destinationName(step.destination)} to IPVS service ${serviceName(step.service)}`;
    case "setDestination":
      return `change destination ${destinationName(step.destination)} of IPVS service ${serviceName(step.service)}`;
    case "deleteDestination":
      return `delete destination ${destinationName(step.destination)} of IPVS service ${serviceName(step.service)}`;
    case "zeroCounters":
      return `zero the counters of IPVS service ${serviceName(step.service)}`;
  }
}

const ENOENT = 2;
const ESRCH = 3;
const EINVAL = 22;

/** What an errno means here, where that is more than its name (ip_vs_ctl.c). */
export function refusalText(step: IpvsStep, errno: number): string | undefined {
  const isService = step.verb === "addService" || step.verb === "setService";
  if (errno === ESRCH) return "there is no such service";
  if (errno === ENOENT) return isService ? "the kernel has no such scheduler" : "there is no such destination";
  if (errno === EINVAL && step.verb === "addDestination") {
    return "the address is not one that a server can have, or is of the other family";
  }
  return undefined;
}
