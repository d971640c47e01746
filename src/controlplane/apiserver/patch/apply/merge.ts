/** An applied configuration on top of an object (structured-merge-diff, typed/merge.go): nothing is removed. */
import { isMap, itemsOf, shapeOf, typeOfField, type MergeType, type Shape } from "../types/merge_type.ts";
import { byElement, type Associative } from "./items.ts";

/** The merged value; neither is changed, and parts of both are shared. */
export function merged(type: MergeType, live: unknown, config: unknown): unknown {
  if (config === undefined) return live;
  if (live === undefined) return config;
  const shape = shapeOf(type, config);
  if (shape.kind === "leaf" || shapeOf(type, live).kind !== shape.kind) return config;
  if (shape.kind === "struct" || shape.kind === "map") return mergedMaps(shape, live, config);
  return mergedLists(shape, live, config);
}

function mergedMaps(shape: Shape, live: unknown, config: unknown): unknown {
  const added = isMap(config) ? Object.entries(config) : [];
  // Empty and null differ only where there is nothing to keep.
  if (!isMap(live) || Object.keys(live).length === 0) return config;
  const result: Record<string, unknown> = { ...live };
  for (const [name, value] of added) {
    const old = Object.hasOwn(live, name) ? live[name] : undefined;
    define(result, name, merged(typeOfField(shape, name), old, value));
  }
  return result;
}

/** Sets a property whatever its name, "__proto__" among them. */
export function define(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === "__proto__")
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  else target[name] = value;
}

/**
 * Items under one key become one. Those of the configuration stand in its order; those that only the object has stay
 * where they are among them.
 */
function mergedLists(shape: Associative, live: unknown, config: unknown): unknown {
  const old = byElement(shape, itemsOf(live));
  const wanted = byElement(shape, itemsOf(config));
  if (old.size === 0) return config;
  const items: MergeType = shape.kind === "set" ? { kind: "leaf" } : shape.items;
  const result: unknown[] = [];
  for (const { element, fromConfig } of mergedOrder([...old.keys()], [...wanted.keys()])) {
    if (fromConfig) result.push(merged(items, old.get(element)?.[0], wanted.get(element)![0]));
    else result.push(...old.get(element)!);
  }
  return result;
}

interface Placed {
  readonly element: string;
  readonly fromConfig: boolean;
}

function mergedOrder(live: readonly string[], config: readonly string[]): Placed[] {
  const inLive = new Set(live);
  const inConfig = new Set(config);
  const shared = config.filter((element) => inLive.has(element));
  const result: Placed[] = [];
  let nextShared = 0;
  let l = 0;
  let c = 0;
  const takeConfig = (): void => {
    const element = config[c++]!;
    if (element === shared[nextShared]) nextShared++;
    result.push({ element, fromConfig: true });
  };
  while (l < live.length || c < config.length) {
    const mine = live[l];
    if (mine === undefined) takeConfig();
    else if (mine === config[c]) {
      l++;
      takeConfig();
    } else if (!inConfig.has(mine)) result.push({ element: live[l++]!, fromConfig: false });
    else if (c >= config.length || mine !== shared[nextShared]) l++;
    else takeConfig();
  }
  return result;
}
