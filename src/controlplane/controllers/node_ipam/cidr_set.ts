/** The parts of a range that nodes are given, each once (upstream: pkg/controller/nodeipam/ipam/cidrset). Pure. */
import ipaddr from "ipaddr.js";

/** More parts than this in one range are not counted one by one upstream either (2^16). */
const maxBits = 16;

/** First and last address, as numbers. */
interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

export class CidrSet {
  readonly cidr: string;
  readonly isIpv6: boolean;
  readonly #range: Range;
  readonly #partBits: number;
  readonly #size: bigint;
  readonly #count: number;
  readonly #taken: Uint8Array;
  /** Where the next search begins: what was given back is given again last. */
  #next = 0;

  /**
   * @param cidr the whole range
   * @param maskSize prefix of a part
   * @throws RangeError where the parts are larger than the range, or too many
   */
  constructor(cidr: string, maskSize: number) {
    const [address, prefix] = ipaddr.parseCIDR(cidr);
    this.cidr = cidr;
    this.isIpv6 = address.kind() === "ipv6";
    const bits = this.isIpv6 ? 128 : 32;
    if (maskSize < prefix) throw new RangeError(`the mask size ${maskSize} of nodes is larger than that of ${cidr}`);
    if (maskSize - prefix > maxBits) throw new RangeError(`${cidr} has more than 2^${maxBits} parts of /${maskSize}`);
    this.#range = rangeOf(cidr);
    this.#partBits = maskSize;
    this.#size = 1n << BigInt(bits - maskSize);
    this.#count = 2 ** (maskSize - prefix);
    this.#taken = new Uint8Array(this.#count);
  }

  /** Takes a part. @returns undefined where none is left */
  allocate(): string | undefined {
    for (let tried = 0; tried < this.#count; tried++) {
      const i = (this.#next + tried) % this.#count;
      if (this.#taken[i]) continue;
      this.#taken[i] = 1;
      this.#next = (i + 1) % this.#count;
      return this.#part(i);
    }
    return undefined;
  }

  /** Takes every part that a range touches. @returns false where it touches none */
  occupy(cidr: string): boolean {
    return this.#mark(cidr, 1);
  }

  release(cidr: string): void {
    this.#mark(cidr, 0);
  }

  contains(cidr: string): boolean {
    const { first, last } = rangeOf(cidr);
    return isIpv6(cidr) === this.isIpv6 && first >= this.#range.first && last <= this.#range.last;
  }

  #mark(cidr: string, taken: 0 | 1): boolean {
    if (isIpv6(cidr) !== this.isIpv6) return false;
    const { first, last } = rangeOf(cidr);
    if (last < this.#range.first || first > this.#range.last) return false;
    const from = first < this.#range.first ? 0n : (first - this.#range.first) / this.#size;
    const to = last > this.#range.last ? BigInt(this.#count - 1) : (last - this.#range.first) / this.#size;
    this.#taken.fill(taken, Number(from), Number(to) + 1);
    return true;
  }

  #part(i: number): string {
    return `${addressOf(this.#range.first + BigInt(i) * this.#size, this.isIpv6)}/${this.#partBits}`;
  }
}

function isIpv6(cidr: string): boolean {
  return cidr.includes(":");
}

function rangeOf(cidr: string): Range {
  const [address, prefix] = ipaddr.parseCIDR(cidr);
  const bytes = address.toByteArray();
  const number = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const free = BigInt(bytes.length * 8 - prefix);
  const first = (number >> free) << free;
  return { first, last: first + (1n << free) - 1n };
}

/** IPv6 in its short form (RFC 5952). */
function addressOf(number: bigint, isV6: boolean): string {
  const length = isV6 ? 16 : 4;
  const bytes = Array.from({ length }, (_, i) => Number((number >> BigInt(8 * (length - 1 - i))) & 0xffn));
  return ipaddr.fromByteArray(bytes).toString();
}
