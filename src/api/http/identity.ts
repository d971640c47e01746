/** What a connection is made with; another one means another connection. */
export interface TlsIdentity {
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
}

export interface Credentials {
  readonly tls: TlsIdentity;
  readonly headers: Readonly<Record<string, string>>;
}

/** Whether two connect alike. */
export function sameIdentity(a: TlsIdentity, b: TlsIdentity): boolean {
  const text = ({ ca, cert, key, servername, rejectUnauthorized }: TlsIdentity): string =>
    [ca, cert, key, servername, rejectUnauthorized].map((part) => String(part)).join("\0");
  return a === b || text(a) === text(b);
}
