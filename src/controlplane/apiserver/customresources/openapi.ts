import type { Definition } from "./definition/definition.ts";

export function customDocument(_group: string, _version: string, _definitions: readonly Definition[]): object {
  return {};
}
