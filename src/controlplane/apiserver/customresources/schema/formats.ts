/**
 * String formats that are enforced (apiextensions-apiserver/pkg/apiserver/validation/formats.go); any
 * other is a remark for people.
 */
import { isIPv4, isIPv6 } from "node:net";

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const dateTime = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
const duration = /^[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$/;
/** go-openapi's own form of a duration, "3 days". */
const wordDuration =
  /^\d+\s*(ns|nanos?|us|µs|micros?|ms|millis?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)$/;
const hostname = /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\.?$/;
const maxHostname = 253;

const checks: Readonly<Record<string, (value: string) => boolean>> = {
  bsonobjectid: (value) => /^[0-9a-fA-F]{24}$/.test(value),
  uri: isUri,
  email: (value) => value.length <= 320 && /^[^\s@<>"]+@[^\s@<>"]+$/.test(value),
  hostname: (value) => value.length <= maxHostname && hostname.test(value),
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: isCidr,
  mac: (value) =>
    /^([0-9a-f]{2}([:-]))([0-9a-f]{2}\2){4,18}[0-9a-f]{2}$|^([0-9a-f]{4}\.){2,9}[0-9a-f]{4}$/i.test(value),
  uuid: (value) => uuid.test(value),
  uuid3: (value) => uuid.test(value) && uuidVersion(value) === "3",
  uuid4: (value) => uuid.test(value) && uuidVersion(value) === "4",
  uuid5: (value) => uuid.test(value) && uuidVersion(value) === "5",
  byte: (value) => /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value),
  hexcolor: (value) => /^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(value),
  rgbcolor: isRgbColor,
  ssn: (value) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(value),
  creditcard: isCreditCard,
  isbn: (value) => isIsbn10(value) || isIsbn13(value),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  date: isDate,
  "date-time": isDateTime,
  datetime: isDateTime,
  duration: (value) => value === "0" || duration.test(value) || wordDuration.test(value),
};

/** Formats' names without dashes are the same. @returns true for a format that is not known */
export function hasFormat(value: string, format: string): boolean {
  const check = checks[format] ?? checks[format.replaceAll("-", "")];
  return check ? check(value) : true;
}

function isUri(value: string): boolean {
  return URL.canParse(value) || (/^\/[^\s]*$/.test(value) && URL.canParse(value, "http://unused"));
}

function isCidr(value: string): boolean {
  const [address = "", length = "", ...more] = value.split("/");
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
  return more.length === 0 && /^\d{1,3}$/.test(length) && Number(length) <= bits;
}

function uuidVersion(value: string): string {
  return value.replaceAll("-", "")[12]!;
}

function isRgbColor(value: string): boolean {
  const match = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(value);
  return match !== null && match.slice(1).every((part) => Number(part) <= 255);
}

function isDate(value: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return false;
  const date = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value);
}

function isDateTime(value: string): boolean {
  return dateTime.test(value) && isDate(value.slice(0, 10)) && !Number.isNaN(Date.parse(value.toUpperCase()));
}

function digitsOf(value: string): number[] {
  return [...value.replace(/[\s-]/g, "")].map((digit) => (digit === "X" || digit === "x" ? 10 : Number(digit)));
}

function isIsbn10(value: string): boolean {
  const digits = digitsOf(value);
  if (digits.length !== 10 || digits.some(Number.isNaN)) return false;
  return digits.reduce((sum, digit, i) => sum + (10 - i) * digit, 0) % 11 === 0;
}

function isIsbn13(value: string): boolean {
  const digits = digitsOf(value);
  if (digits.length !== 13 || digits.some((digit) => Number.isNaN(digit) || digit > 9)) return false;
  return digits.reduce((sum, digit, i) => sum + digit * (i % 2 === 0 ? 1 : 3), 0) % 10 === 0;
}

/** Luhn's check. */
function isCreditCard(value: string): boolean {
  const digits = value.replace(/[^0-9]/g, "");
  if (digits.length < 12 || digits.length > 19) return false;
  const sum = [...digits].reverse().reduce((total, text, i) => {
    const digit = Number(text) * (i % 2 === 0 ? 1 : 2);
    return total + (digit > 9 ? digit - 9 : digit);
  }, 0);
  return sum % 10 === 0;
}
