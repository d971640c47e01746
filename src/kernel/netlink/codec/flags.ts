/** A number whose bits have names. */
import { type Codec } from "./codec.ts";
import { EncodeFailure } from "./writer.ts";

/** Names of the bits that are set, in the order of the specification. */
export type Flags<N extends string> = readonly (N | `#${number}`)[];

/**
 * Bits by name; `names` gives each its mask of one bit. What reading finds without a name is kept as
 * one `#<mask>` at the end, so that nothing is lost. Any order is written.
 */
export function flags<const N extends Readonly<Record<string, number>>>(
  base: Codec<number>,
  names: N,
): Codec<Flags<keyof N & string>> {
  const entries = Object.entries(names) as [keyof N & string, number][];
  return {
    shape: { type: "flags", names: entries.map(([name]) => name) },
    write(w, v) {
      let bits = 0;
      for (const name of v) bits = (bits | maskOf(names, name)) >>> 0;
      base.write(w, bits);
    },
    read(r) {
      const bits = base.read(r);
      const found: ((keyof N & string) | `#${number}`)[] = [];
      let rest = bits;
      for (const [name, mask] of entries) {
        if ((bits & mask) === 0) continue;
        found.push(name);
        rest = (rest & ~mask) >>> 0;
      }
      if (rest !== 0) found.push(`#${rest}`);
      return found;
    },
  };
}

function maskOf(names: Readonly<Record<string, number>>, name: string): number {
  const mask = name.startsWith("#") ? Number(name.slice(1)) : names[name];
  if (mask === undefined || mask >>> 0 !== mask) {
    throw new EncodeFailure(`"${name}" is none of ${Object.keys(names).join(", ")}`);
  }
  return mask;
}
