/** Types of the published client's models as JSON has them: every field may lack, a time is text. */
import type { ApiObject } from "../resources/resource.ts";

/** The models call a field that is a word of the language `_default`. */
type FieldName<K> = K extends `_${infer Rest}` ? Rest : K;

export type Json<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Json<Item>[]
    : T extends object
      ? string extends keyof T
        ? Record<string, Json<T[keyof T]>>
        : { -readonly [K in keyof T as FieldName<K>]?: Json<T[K]> | undefined }
      : T;

/** Part of an object, to be read; an empty one where it lacks. */
export function partOf<T>(object: ApiObject, field: string): Json<T> {
  return (object[field] ?? {}) as Json<T>;
}

/** Part of an object, to be changed; it is there afterwards. */
export function ensurePart<T>(object: ApiObject, field: string): Json<T> {
  object[field] ??= {};
  return object[field] as Json<T>;
}

/** Sets a field where it lacks; an empty text lacks as well. */
export function setDefault<T extends object, K extends keyof T>(holder: T, field: K, value: T[K]): void {
  if (holder[field] === undefined || holder[field] === "") holder[field] = value;
}
