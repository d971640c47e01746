/**
 * Numbers that affinity remembers in the place of backends: one for each backend of each frontend, so that a
 * client's number leads nowhere once its backend has left that frontend. Made from what they stand for, so that
 * a process that starts anew gives the same ones; adopted where two would have had the same.
 */
import { setNames, type Elements, type Scope } from "./sets.ts";

const keyForms = ["address", "nodePort"] as const;
const scopes: readonly Scope[] = ["cluster", "local"];

export class BackendNumbers {
  readonly #byBackend = new Map<string, string>();
  readonly #backends = new Map<string, string>();

  /** @returns four bytes */
  of(frontend: string, backend: string): string {
    const key = `${frontend} ${backend}`;
    const known = this.#byBackend.get(key);
    if (known !== undefined) return known;
    let hash = fnv1a(key);
    while (this.#backends.has(bytes(hash))) hash = (hash + 1) >>> 0;
    this.#assign(key, bytes(hash));
    return bytes(hash);
  }

  release(number: string): void {
    const key = this.#backends.get(number);
    if (key === undefined) return;
    this.#backends.delete(number);
    this.#byBackend.delete(key);
  }

  adopt(observed: ReadonlyMap<string, Elements>): void {
    const numbered = observed.get(setNames.numbered);
    for (const form of keyForms) {
      for (const scope of scopes) {
        for (const [key, number] of observed.get(setNames[form][`${scope}Affine`]) ?? []) {
          const backend = numbered?.get(number);
          // Without its last part, the index.
          if (backend !== undefined) this.#assign(`${scope} ${key.slice(0, -4)} ${backend}`, number);
        }
      }
    }
  }

  #assign(key: string, number: string): void {
    this.#byBackend.set(key, number);
    this.#backends.set(number, key);
  }
}

function bytes(number: number): string {
  return String.fromCharCode(number & 255, (number >>> 8) & 255, (number >>> 16) & 255, number >>> 24);
}

/** http://www.isthe.com/chongo/tech/comp/fnv */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
