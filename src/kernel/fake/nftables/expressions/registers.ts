/** Registers of a rule under construction: what nft_parse_register_load and _store check. */
import { errno, needed, Refusal, require } from "../refusal.ts";

/** struct nft_regs: 4 words of verdict and 16 of data. */
const wordBytes = 4;
const verdictWords = 4;
const words = 20;

export class Registers {
  readonly #loaded = new Set<number>();

  /** Something of `bytes` is read from the register. */
  load(number: number | undefined, bytes: number): void {
    const word = this.#parse(number, bytes);
    for (let at = word; at < word + wordsOf(bytes); at++) {
      require(this.#loaded.has(at), errno.ENODATA, `register ${number} is read before it is loaded`);
    }
  }

  /** Something of `bytes` is written to the register. */
  store(number: number | undefined, bytes: number): void {
    const word = this.#parse(number, bytes);
    for (let at = word; at < word + wordsOf(bytes); at++) this.#loaded.add(at);
  }

  #parse(number: number | undefined, bytes: number): number {
    const word = wordOf(needed(number, "the register"));
    require(word >= verdictWords && bytes > 0, errno.EINVAL, `register ${number} holds no data`);
    require(word * wordBytes + bytes <= words * wordBytes, errno.ERANGE, `register ${number} is too near the end`);
    return word;
  }
}

/** The register must be the verdict's. */
export function storeVerdict(number: number | undefined): void {
  require(wordOf(needed(number, "the register")) === 0, errno.EINVAL, "a verdict goes to the verdict register");
}

function wordOf(number: number): number {
  if (number <= 4) return number * verdictWords;
  if (number >= 8 && number <= 23) return number - 8 + verdictWords;
  throw new Refusal(errno.ERANGE, `there is no register ${number}`);
}

function wordsOf(bytes: number): number {
  return Math.ceil(bytes / wordBytes);
}
