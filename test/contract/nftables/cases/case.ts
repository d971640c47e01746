import type { NftStep } from "../../../../src/kernel/netlink/nftables/step.ts";

/** `given` is carried out first; then `when` is carried out too, or refused with the errno of this name. */
export interface Case {
  readonly name: string;
  readonly given: readonly NftStep[];
  readonly when: readonly NftStep[];
  readonly refused?: string;
}

export function ok(name: string, given: readonly NftStep[], when: readonly NftStep[]): Case {
  return { name, given, when };
}

export function refused(errno: string, name: string, given: readonly NftStep[], when: readonly NftStep[]): Case {
  return { name, given, when, refused: errno };
}
