/** What pods ask for and nodes have (pkg/scheduler/framework Resource). */
import { milliValue, wholeValue } from "./quantities.ts";

export interface Resources {
  readonly milliCpu: number;
  /** Bytes. */
  readonly memory: number;
  /** Bytes. */
  readonly ephemeralStorage: number;
  /** Extended resources, huge pages, attachable volumes: name → whole units. */
  readonly scalars: ReadonlyMap<string, number>;
}

export interface MutableResources {
  milliCpu: number;
  memory: number;
  ephemeralStorage: number;
  scalars: Map<string, number>;
}

export type Quantities = Readonly<Record<string, string>>;

const noScalars: ReadonlyMap<string, number> = new Map();

export function noResources(): MutableResources {
  return { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalars: new Map() };
}

export function resourcesOf(list: Quantities | undefined): MutableResources {
  const resources = noResources();
  for (const [name, quantity] of Object.entries(list ?? {})) setResource(resources, name, quantity);
  return resources;
}

export function setResource(resources: MutableResources, name: string, quantity: string): void {
  if (name === "cpu") resources.milliCpu = milliValue(quantity);
  else if (name === "memory") resources.memory = wholeValue(quantity);
  else if (name === "ephemeral-storage") resources.ephemeralStorage = wholeValue(quantity);
  else if (isScalar(name)) resources.scalars.set(name, wholeValue(quantity));
}

/** pkg/apis/core/v1/helper IsScalarResourceName: extended ones have a domain. */
function isScalar(name: string): boolean {
  return name.includes("/") || name.startsWith("hugepages-") || name.startsWith("attachable-volumes-");
}

/** @param sign 1 adds, -1 takes away */
export function addTo(sum: MutableResources, resources: Resources, sign: 1 | -1 = 1): void {
  sum.milliCpu += sign * resources.milliCpu;
  sum.memory += sign * resources.memory;
  sum.ephemeralStorage += sign * resources.ephemeralStorage;
  for (const [name, value] of resources.scalars) sum.scalars.set(name, (sum.scalars.get(name) ?? 0) + sign * value);
}

export function raiseTo(sum: MutableResources, least: Resources): void {
  sum.milliCpu = Math.max(sum.milliCpu, least.milliCpu);
  sum.memory = Math.max(sum.memory, least.memory);
  sum.ephemeralStorage = Math.max(sum.ephemeralStorage, least.ephemeralStorage);
  for (const [name, value] of least.scalars) sum.scalars.set(name, Math.max(sum.scalars.get(name) ?? 0, value));
}

export function copyOf(resources: Resources): MutableResources {
  const { scalars } = resources;
  return { ...resources, scalars: new Map<string, number>(scalars) };
}

/** The same without a map of its own where it has no scalars: thousands of pods have none. */
export function compact(resources: MutableResources): Resources {
  return resources.scalars.size === 0 ? { ...resources, scalars: noScalars } : resources;
}
