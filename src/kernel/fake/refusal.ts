/** What the fakes say no with: errors as the kernel's own would come. */
import { getSystemErrorName } from "node:util";
import { FairleadError } from "../../errors/catalogue.ts";

/** Errnos that the fakes give. */
export const errno = {
  noEntry: 2,
  noService: 3,
  exists: 17,
  invalid: 22,
  readOnly: 30,
  range: 34,
  notSupported: 95,
  canceled: 125,
} as const;

/** A call that a real port makes by a system call. */
export function callRefused(what: string, code: number): FairleadError {
  return new FairleadError("NATIVE_CALL", { subject: what, reason: getSystemErrorName(-code), errno: code });
}

/** A request that the kernel refuses by its errno. */
export function requestRefused(what: string, code: number, reason?: string): FairleadError {
  return new FairleadError("NETLINK_REFUSED", {
    subject: what,
    reason: reason ?? getSystemErrorName(-code),
    errno: code,
  });
}

/** Something that the kernel does and this fake does not: a test that needs it uses the real port. */
export function notModelled(what: string): FairleadError {
  return requestRefused(what, errno.notSupported, "EOPNOTSUPP: this fake does not model it");
}
