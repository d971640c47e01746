/** Changes of sets as data, and their words in an error. */
import type { IpsetDefinition, IpsetElement } from "./set.ts";

/** What each verb of {@link IpsetStep} takes. `exclusive` makes what is done already an error. */
export interface IpsetVerbs {
  /** A set of the same name and another definition is an error; one of the same only with `exclusive`. */
  readonly create: { readonly set: string; readonly definition: IpsetDefinition; readonly exclusive?: boolean };
  /** Refused while a rule or a list uses the set, and where it is not there. */
  readonly destroy: { readonly set: string };
  readonly flush: { readonly set: string };
  readonly rename: { readonly set: string; readonly to: string };
  /** Both get the other's elements at once, whatever refers to them. Same type and family. */
  readonly swap: { readonly set: string; readonly with: string };
  readonly add: IpsetElements;
  readonly remove: IpsetElements;
}

interface IpsetElements {
  readonly set: string;
  readonly elements: readonly IpsetElement[];
  readonly exclusive?: boolean;
}

/** One change of a set: a verb and what it takes. */
export type IpsetStep = { [V in keyof IpsetVerbs]: { readonly verb: V } & IpsetVerbs[V] }[keyof IpsetVerbs];

/** A function for every verb: one that is missing does not compile. */
export type IpsetExecutors<R> = { readonly [V in keyof IpsetVerbs]: (step: IpsetVerbs[V]) => R };

/** What the step attempts, as it follows "cannot". @param failed the index of the element that failed */
export function describeStep(step: IpsetStep, failed?: number): string {
  switch (step.verb) {
    case "create":
      return `create ipset ${step.set} of type ${step.definition.type}`;
    case "destroy":
    case "flush":
      return `${step.verb} ipset ${step.set}`;
    case "rename":
      return `rename ipset ${step.set} to ${step.to}`;
    case "swap":
      return `swap ipsets ${step.set} and ${step.with}`;
    case "add":
    case "remove":
      return `${step.verb} ${describeElements(step.elements, failed)} ${step.verb === "add" ? "to" : "from"} ipset ${step.set}`;
  }
}

function describeElements(elements: readonly IpsetElement[], failed: number | undefined): string {
  const element = failed === undefined ? undefined : elements[failed];
  if (element) return `element ${elementText(element)}`;
  return elements.length === 1 ? `element ${elementText(elements[0]!)}` : `${elements.length} elements`;
}

/** An element as ipset(8) writes it: "10.0.0.0/8,tcp:80,10.1.0.1". */
export function elementText(element: IpsetElement): string {
  const { ip, ipTo, cidr, protocol, port, portTo, ip2, ip2To, cidr2, set } = element;
  const range = (from: string | number, to?: string | number, bits?: number): string =>
    `${from}${to === undefined ? "" : `-${to}`}${bits === undefined ? "" : `/${bits}`}`;
  const parts = [
    set,
    ip && range(ip, ipTo, cidr),
    port === undefined ? undefined : `${protocol === undefined ? "" : `${protocol}:`}${range(port, portTo)}`,
    ip2 && range(ip2, ip2To, cidr2),
    element.interface,
  ];
  return parts.filter((part) => part !== undefined).join(",");
}
