/** ipset's own error numbers in words: they begin where errnos end (ip_set.h, enum ipset_errno). */
import { getSystemErrorName } from "node:util";

const common: Readonly<Record<number, string>> = {
  4097: "the set's type does not take this: a field is missing, or an address is of the other family",
  4098: "the kernel has no set type of this name, family and revision",
  4099: "no more sets fit",
  4100: "the set is in use by a rule, by a list of sets or by a listing",
  4101: "the second name exists already (rename), or does not exist (swap)",
  4102: "sets of different kinds cannot be swapped",
  4103: "the element is in the set already (add), or is not in it (remove, test)",
  4104: "the prefix length is out of range",
  4105: "the netmask is out of range",
  4106: "the set's type does not have this family",
  4107: "the set was created without timeouts",
  4108: "the set is in use: it cannot be renamed",
  4109: "an IPv4 address is expected",
  4110: "an IPv6 address is expected",
  4111: "the set was created without counters",
  4112: "the set was created without comments",
  4113: "the mark mask is out of range",
  4114: "the set was created without skb information",
};

const byKind: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  hash: {
    4352: "the set is full",
    4353: "a null element cannot be stored (address 0.0.0.0 or prefix length 0)",
    4354: "this protocol cannot be stored",
    4355: "the element lacks its protocol",
    4356: "ranges are not supported by this type",
    4357: "the range is invalid",
  },
  bitmap: {
    4352: "the element is outside the range of the set",
    4353: "the range is larger than the type allows",
  },
  list: {
    4352: "the set to be listed does not exist",
    4353: "a list of sets cannot hold a list of sets",
    4354: "the reference set of before or after is missing",
    4355: "the reference set does not exist",
    4356: "the list is full",
    4357: "the reference set is not in the list",
  },
};

/**
 * What an error of ipset means. Numbers from 4352 on mean something else for each kind of set;
 * where the type is unknown, all meanings stand side by side.
 *
 * @param type the set's type, as "hash:ip,port"
 */
export function ipsetErrorText(errno: number, type?: string): string {
  if (errno < 4096) return getSystemErrorName(-errno);
  const kind = type?.split(":")[0];
  const specific =
    kind === undefined
      ? Object.values(byKind).flatMap((texts) => texts[errno] ?? [])
      : [byKind[kind]?.[errno] ?? common[errno]];
  const text = common[errno] ?? specific.filter((meaning) => meaning !== undefined).join("; or ");
  return text === "" ? `ipset error ${errno}` : `${text} (ipset error ${errno})`;
}

/** IPSET_ERR_EXIST: an element is there, or is not, against what was asked. */
export const errExist = 4103;
