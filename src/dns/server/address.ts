export interface ServerAddress {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
}
