/** What nft_add_set_elem checks of an element before it looks for a place. */
import { maxDataBytes, verdictType } from "../../../netlink/nftables/data.ts";
import type { Element } from "../../../netlink/nftables/set.ts";
import { has } from "../backend.ts";
import { checkStateful } from "../expressions/stateful.ts";
import { checkFlags, errno, needed, require } from "../refusal.ts";
import type { FakeSet } from "../ruleset.ts";

/** NFT_SET_EXPR_MAX */
const maxExpressions = 2;

export function isEnd(element: Element): boolean {
  return element.flags?.includes("intervalEnd") ?? false;
}

export function isCatchall(element: Element): boolean {
  return element.flags?.includes("catchall") ?? false;
}

/** Flags and keys, which deleting checks too. */
export function checkElementKey(set: FakeSet, element: Element): void {
  const { key, keyEnd } = element;
  checkFlags(element.flags, errno.EOPNOTSUPP);
  require(!isEnd(element) || (has(set, "interval") && !isCatchall(element)), errno.EINVAL);
  require(isCatchall(element) === (key === undefined), errno.EINVAL, "an element has a key or catches all");
  if (key) checkBytes(key, set.body.keyLen!);
  const takesEnd = has(set, "interval") && has(set, "concat") && !isEnd(element) && !isCatchall(element);
  require(keyEnd === undefined || takesEnd, errno.EINVAL, "the set has no ranges");
  if (keyEnd) checkBytes(keyEnd, set.body.keyLen!);
}

export function checkElement(set: FakeSet, element: Element): void {
  checkElementKey(set, element);
  checkPresence(set, element);
  require(has(set, "timeout") || (element.timeoutMs ?? element.expirationMs) === undefined, errno.EINVAL);
  checkTimes(set, element);
  checkExpressions(set, element);
  if (element.data) checkData(set, element.data);
}

function checkTimes(set: FakeSet, { timeoutMs, expirationMs }: Element): void {
  if (expirationMs === undefined) return;
  const limitMs = timeoutMs ?? set.body.timeoutMs ?? 0;
  require(limitMs > 0, errno.EOPNOTSUPP, "what has no timeout cannot expire");
  require(expirationMs <= limitMs, errno.ERANGE, "it expires after its timeout");
}

/** Maps have data and object maps objects; the end of an interval has nothing. */
function checkPresence(set: FakeSet, element: Element): void {
  const { data, object, timeoutMs, expirationMs, userdata, expressions } = element;
  if (isEnd(element)) {
    require([data, object, timeoutMs, expirationMs, userdata, expressions].every(
      (one) => one === undefined,
    ), errno.EINVAL);
    return;
  }
  require((data !== undefined) === has(set, "map"), errno.EINVAL);
  require((object !== undefined) === has(set, "object"), errno.EINVAL);
}

function checkData(set: FakeSet, { value, verdict }: NonNullable<Element["data"]>): void {
  const isVerdict = set.body.dataType === verdictType;
  require(isVerdict === (verdict !== undefined), errno.EINVAL);
  require(!verdict || value === undefined, errno.EINVAL);
  if (!verdict) checkBytes(needed(value), set.body.dataLen!);
}

function checkBytes(bytes: Uint8Array, length: number): void {
  require(bytes.length > 0, errno.EINVAL);
  require(bytes.length <= maxDataBytes, errno.EOVERFLOW);
  require(bytes.length === length, errno.EINVAL);
}

/** Where the set says what each element has, an element has that. */
function checkExpressions(set: FakeSet, { expressions }: Element): void {
  if (!expressions) return;
  require(expressions.length <= maxExpressions, errno.E2BIG);
  expressions.forEach(checkStateful);
  const wanted = set.body.expressions?.map((one) => one.expr);
  const isSame = !wanted || wanted.join() === expressions.map((one) => one.expr).join();
  require(isSame, errno.EOPNOTSUPP, "the set's elements have other expressions");
}
