/** Attachments of pods to networks, and their addresses: begun, ready, gone. Each step is one transaction. */
import type { Statement } from "better-sqlite3";
import type { IpAddress } from "../../model/address.ts";
import { Leases, type Lease, type Owner } from "../ipam/leases.ts";
import type { RangeSet } from "../ipam/range.ts";
import type { StateDatabase } from "./database.ts";

export interface StoredAttachment<Detail> extends Owner {
  readonly hostLink: string;
  readonly isReady: boolean;
  /** Of the process that began it. */
  readonly pid: number;
  readonly detail: Detail;
}

interface Row {
  readonly network: string;
  readonly container_id: string;
  readonly if_name: string;
  readonly host_link: string;
  readonly ready: 0 | 1;
  readonly pid: number;
  readonly detail: string;
}

/** @typeParam Detail what is kept of an attachment beside its addresses: JSON */
export class Attachments<Detail extends object> {
  readonly #db: StateDatabase;
  readonly #sql: ReturnType<typeof prepare>;
  readonly leases: Leases;

  constructor(db: StateDatabase) {
    this.#db = db;
    this.#sql = prepare(db);
    this.leases = new Leases(db);
  }

  /**
   * Notes that an attachment is being made, and takes its addresses.
   *
   * @param detailOf what is to be kept, given the addresses
   * @returns undefined where it is there already
   * @throws FairleadError ADDRESSES_EXHAUSTED, ADDRESS_REFUSED: nothing is noted
   */
  begin(
    owner: Owner & { readonly hostLink: string },
    sets: readonly RangeSet[],
    requested: readonly IpAddress[],
    detailOf: (leases: readonly Lease[]) => Detail,
  ): Detail | undefined {
    return this.#db
      .transaction(() => {
        if (this.#sql.find.get(owner.network, owner.containerId, owner.ifName)) return undefined;
        const detail = detailOf(this.leases.take(owner, sets, requested));
        this.#add(owner, detail, 0);
        return detail;
      })
      .immediate();
  }

  /** Notes an attachment that is there although nobody knows of it, so that nobody gets its addresses. */
  adopt(owner: Owner & { readonly hostLink: string }, addresses: readonly IpAddress[], detail: Detail): void {
    this.#db
      .transaction(() => {
        this.#add(owner, detail, 1);
        for (const address of addresses) this.leases.adopt(owner, address);
      })
      .immediate();
  }

  /** ADD is about to be answered. */
  ready({ network, containerId, ifName }: Owner): void {
    this.#sql.ready.run(network, containerId, ifName);
  }

  /** Forgets the attachment; its addresses rest. */
  end(owner: Owner): readonly IpAddress[] {
    return this.#db
      .transaction(() => {
        this.#sql.remove.run(owner.network, owner.containerId, owner.ifName);
        return this.leases.release(owner);
      })
      .immediate();
  }

  find({ network, containerId, ifName }: Owner): StoredAttachment<Detail> | undefined {
    const row = this.#sql.find.get(network, containerId, ifName) as Row | undefined;
    return row && attachmentOf<Detail>(row);
  }

  byLink(hostLink: string): StoredAttachment<Detail> | undefined {
    const row = this.#sql.byLink.get(hostLink) as Row | undefined;
    return row && attachmentOf<Detail>(row);
  }

  /** All of them, or those of one network. */
  list(network?: string): readonly StoredAttachment<Detail>[] {
    const rows = network === undefined ? this.#sql.list.all() : this.#sql.listOf.all(network);
    return (rows as Row[]).map((row) => attachmentOf<Detail>(row));
  }

  close(): void {
    this.#db.close();
  }

  #add(owner: Owner & { readonly hostLink: string }, detail: Detail, ready: 0 | 1): void {
    const { network, containerId, ifName, hostLink } = owner;
    this.#sql.add.run(network, containerId, ifName, hostLink, ready, process.pid, JSON.stringify(detail));
  }
}

function attachmentOf<Detail>(row: Row): StoredAttachment<Detail> {
  return {
    network: row.network,
    containerId: row.container_id,
    ifName: row.if_name,
    hostLink: row.host_link,
    isReady: row.ready === 1,
    pid: row.pid,
    detail: JSON.parse(row.detail) as Detail,
  };
}

function prepare(db: StateDatabase) {
  const sql = (text: string): Statement => db.prepare(text);
  const one = "network = ? AND container_id = ? AND if_name = ?";
  return {
    add: sql(
      "INSERT INTO attachment (network, container_id, if_name, host_link, ready, pid, detail) VALUES (?,?,?,?,?,?,?)",
    ),
    find: sql(`SELECT * FROM attachment WHERE ${one}`),
    byLink: sql("SELECT * FROM attachment WHERE host_link = ?"),
    list: sql("SELECT * FROM attachment"),
    listOf: sql("SELECT * FROM attachment WHERE network = ?"),
    ready: sql(`UPDATE attachment SET ready = 1 WHERE ${one}`),
    remove: sql(`DELETE FROM attachment WHERE ${one}`),
  };
}
