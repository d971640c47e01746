import { constants } from "node:os";

/** Numbers of errno by name. */
export const errno = constants.errno;

/** The kernel says no. Turned into the port's error where the step is known. */
export class Refusal extends Error {
  readonly errno: number;

  constructor(errno: number, why = "") {
    super(why);
    this.errno = errno;
  }
}

/** @throws Refusal unless `condition` holds */
export function require(condition: boolean, otherwise: number, why = ""): asserts condition {
  if (!condition) throw new Refusal(otherwise, why);
}

/** The value of an attribute without which the kernel says EINVAL. */
export function needed<T>(value: T | undefined, what = ""): T {
  if (value === undefined) throw new Refusal(errno.EINVAL, `${what} is missing`);
  return value;
}

/** The value, where the name of something was looked up: ENOENT when it is not there. */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Refusal(errno.ENOENT, `${what} does not exist`);
  return value;
}

/** NFT_NAME_MAXLEN - 1: what the attributes' policies allow. */
const maxNameBytes = 255;

export function checkName(name: string): void {
  require(Buffer.byteLength(name) <= maxNameBytes, errno.ERANGE, "the name is too long");
}

/** NFT_USERDATA_MAXLEN */
const maxUserdataBytes = 256;

export function checkUserdata(userdata: { raw?: Uint8Array } | undefined): void {
  require((userdata?.raw?.length ?? 0) <= maxUserdataBytes, errno.ERANGE, "the userdata is too long");
}

/** Bits that have no name here have none in the kernel. */
export function checkFlags(flags: readonly string[] | undefined, otherwise: number): void {
  require(!flags?.some((flag) => flag.startsWith("#")), otherwise, "a flag is unknown");
}

/** A number that has no name here has none in the kernel. */
export function checkNamed(name: string | undefined, otherwise: number): void {
  require(!name?.startsWith("#"), otherwise, `${name} is unknown`);
}
