/** Backends of a frontend, packed: a node has them by the hundred thousand, and an object of each is most of a proxy's memory. */
import { ipBytes, ipText, ipv4Number, type IpAddress } from "../../model/address.ts";
import type { Endpoint, IpFamily } from "../../model/service.ts";

/** An endpoint as packets need it. */
export type Backend = Pick<Endpoint, "ip" | "port">;

/** Of an address, and behind it the port in network byte order and two zeros. */
const addressBytes: Readonly<Record<IpFamily, number>> = { IPv4: 4, IPv6: 16 };
const portBytes = 4;

/** Bytes that a backend takes of {@link Backends.row}. */
export function backendBytes(family: IpFamily): number {
  return addressBytes[family] + portBytes;
}

export class Backends implements Iterable<Backend> {
  readonly family: IpFamily;
  /** One character a byte. */
  readonly row: string;

  private constructor(family: IpFamily, row: string) {
    this.family = family;
    this.row = row;
  }

  /** @param backends of the family, in their order */
  static of(family: IpFamily, backends: readonly Backend[]): Backends {
    return new Backends(family, backends.map(packed).join(""));
  }

  /** @param row as it is kept */
  static ofRow(family: IpFamily, row: string): Backends {
    return new Backends(family, row);
  }

  get length(): number {
    return this.row.length / backendBytes(this.family);
  }

  *[Symbol.iterator](): Iterator<Backend> {
    const bytes = Buffer.from(this.row, "latin1");
    const each = backendBytes(this.family);
    for (let at = 0; at < bytes.length; at += each) {
      const portAt = at + each - portBytes;
      yield { ip: ipText(bytes.subarray(at, portAt))!, port: bytes.readUInt16BE(portAt) };
    }
  }
}

function packed({ ip, port }: Backend): string {
  const number = ipv4Number(ip);
  if (number === undefined) return addressText(ip) + String.fromCharCode(port >>> 8, port & 255, 0, 0);
  // In one piece: text that is added to text keeps its parts.
  return String.fromCharCode(
    number >>> 24,
    (number >>> 16) & 255,
    (number >>> 8) & 255,
    number & 255,
    port >>> 8,
    port & 255,
    0,
    0,
  );
}

/** An address's bytes, one character each. @throws TypeError: the text was validated when it became an address */
export function addressText(ip: IpAddress): string {
  const bytes = ipBytes(ip);
  if (!bytes) throw new TypeError(`"${ip}" is not an IP address`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
