/** net/netfilter/nft_immediate.c, nft_cmp.c, nft_range.c, nft_bitwise.c, nft_byteorder.c, nft_numgen.c, nft_hash.c */
import { maxDataBytes } from "../../../netlink/nftables/data.ts";
import { checkNamed, errno, needed, Refusal, require } from "../refusal.ts";
import type { Checks, Of, RuleContext } from "./context.ts";
import { storeVerdict } from "./registers.ts";

/** nft_data_init: bytes that are there and fit. */
function value(given: Uint8Array | undefined): Uint8Array {
  const bytes = needed(given, "the data");
  require(bytes.length > 0, errno.EINVAL);
  require(bytes.length <= maxDataBytes, errno.EOVERFLOW);
  return bytes;
}

export const compute: Checks<"immediate" | "cmp" | "range" | "bitwise" | "byteorder" | "numgen" | "hash"> = {
  immediate(e, { registers, transaction, table, chains }) {
    const data = needed(e.data);
    if (!data.verdict) return registers.store(e.dreg, value(data.value).length);
    const chain = transaction.verdictChain(table, data.verdict);
    storeVerdict(e.dreg);
    if (chain) chains.push(chain);
  },
  cmp(e, { registers }) {
    checkNamed(needed(e.op), errno.EINVAL);
    registers.load(e.sreg, value(e.data).length);
  },
  range(e, { registers }) {
    const [from, to] = [value(e.from), value(e.to)];
    require(from.length === to.length, errno.EINVAL);
    checkNamed(needed(e.op), errno.EINVAL);
    registers.load(e.sreg, from.length);
  },
  bitwise: checkBitwise,
  byteorder(e, { registers }) {
    checkNamed(needed(e.op), errno.EINVAL);
    require([2, 4, 8].includes(needed(e.size)), errno.EINVAL);
    const len = needed(e.len);
    registers.load(e.sreg, len);
    registers.store(e.dreg, len);
  },
  numgen(e, { registers }) {
    const modulus = needed(e.modulus);
    checkNamed(needed(e.type), errno.EINVAL);
    checkModulus(modulus, e.offset);
    registers.store(e.dreg, 4);
  },
  hash(e, { registers }) {
    checkNamed(e.type, errno.EOPNOTSUPP);
    const modulus = needed(e.modulus);
    if (e.type !== "symmetric") {
      const len = needed(e.len);
      require(len > 0 && len <= 255, errno.ERANGE);
      registers.load(e.sreg, len);
    }
    checkModulus(modulus, e.offset);
    registers.store(e.dreg, 4);
  },
};

function checkBitwise(e: Of<"bitwise">, { registers }: RuleContext): void {
  const len = needed(e.len);
  checkNamed(e.op, errno.EOPNOTSUPP);
  registers.load(e.sreg, len);
  const op = e.op ?? "maskXor";
  if (op === "maskXor") {
    require(value(e.mask).length === len && value(e.xor).length === len, errno.EINVAL);
  } else if (op === "lshift" || op === "rshift") {
    const bits = Buffer.from(value(e.data));
    require(bits.length === 4 && bits.readUInt32LE(0) < 32, errno.EINVAL);
  } else if (e.sreg2 !== undefined) registers.load(e.sreg2, len);
  else if (value(e.data).length !== len) throw new Refusal(errno.EINVAL);
  registers.store(e.dreg, len);
}

function checkModulus(modulus: number, offset = 0): void {
  require(modulus > 0, errno.ERANGE);
  require(offset + modulus - 1 <= 0xffffffff, errno.EOVERFLOW);
}
