/**
 * The embedded store's file: a log of every revision and a table of the current ones, in SQLite.
 * Synchronous; it lives in the store's worker. A transaction is on the disk when it returns
 * (WAL, synchronous=FULL).
 */
import Database, { type Statement } from "better-sqlite3";
import { prefixEnd, type RangeOptions } from "../store.ts";
import type { Answers, LogRow, StoredRow, WriteFence, WriteOp, WriteOutcome } from "./protocol.ts";

/** Bumped when the tables change; a file of a newer version is refused. */
const schemaVersion = 1;

const schema = `
  CREATE TABLE log (
    revision INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    create_revision INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    value BLOB
  );
  CREATE INDEX log_key ON log (key, revision, deleted);
  CREATE TABLE current (
    key BLOB PRIMARY KEY,
    revision INTEGER NOT NULL,
    create_revision INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE expiry (key BLOB PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX expiry_at ON expiry (at_ms);
  CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 0), revision INTEGER NOT NULL, compacted INTEGER NOT NULL);
  INSERT INTO meta VALUES (0, 0, 0);
`;

/** Revisions looked at in one transaction of a compaction: some milliseconds, so that writes go on between. */
const compactStep = 2000;
/** Pages given back to the file system after a step. */
const vacuumPages = 256;

interface Row {
  key: Buffer;
  revision: number;
  create_revision: number;
  deleted: number;
  value: Buffer;
}

export class StoreDatabase {
  readonly #db: Database.Database;
  readonly #statement: ReturnType<typeof prepare>;
  #revision: number;
  #compacted: number;

  /** @param file path of the database; it is made where it is not there */
  constructor(file: string) {
    this.#db = open(file);
    this.#statement = prepare(this.#db);
    const meta = this.#db.prepare("SELECT revision, compacted FROM meta").get() as {
      revision: number;
      compacted: number;
    };
    this.#revision = meta.revision;
    this.#compacted = meta.compacted;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Carries out the writes in order, each for itself, and commits them together. */
  write(ops: readonly WriteOp[]): WriteOutcome[] {
    const before = this.#revision;
    try {
      return this.#db.transaction(() => {
        const outcomes = ops.map((op) => this.#writeOne(op));
        this.#statement.setRevision.run(this.#revision);
        return outcomes;
      })();
    } catch (error) {
      this.#revision = before;
      throw error;
    }
  }

  #writeOne(op: WriteOp): WriteOutcome {
    const key = Buffer.from(op.key);
    if (op.fence && !this.#isUp(op.fence)) return { refused: "fenced", current: 0 };
    const current = this.#statement.current.get(key) as { revision: number; create_revision: number } | undefined;
    if (op.op === "create") {
      if (current) return { refused: "exists", current: current.revision };
    } else if (current?.revision !== op.expected) {
      return { refused: "conflict", current: current?.revision ?? 0 };
    }
    const revision = ++this.#revision;
    const createRevision = current?.create_revision ?? revision;
    if (op.op === "delete") this.#remove(key, revision, createRevision);
    else this.#put(key, revision, createRevision, op.value, op.expiresAtMs);
    return { revision, createRevision };
  }

  #isUp({ key, value }: WriteFence): boolean {
    const held = this.get(key)?.value;
    return held !== undefined && Buffer.from(held).equals(value);
  }

  #put(key: Buffer, revision: number, createRevision: number, value: Uint8Array, expiresAtMs: number | null): void {
    this.#statement.log.run(revision, key, createRevision, 0, value);
    this.#statement.setCurrent.run(key, revision, createRevision);
    if (expiresAtMs === null) this.#statement.keep.run(key);
    else this.#statement.expireAt.run(key, expiresAtMs);
  }

  #remove(key: Buffer, revision: number, createRevision: number): void {
    this.#statement.log.run(revision, key, createRevision, 1, null);
    this.#statement.forget.run(key);
    this.#statement.keep.run(key);
  }

  get(key: string): StoredRow | undefined {
    const row = this.#statement.get.get(Buffer.from(key)) as Row | undefined;
    return row && stored(row);
  }

  range(options: RangeOptions): Answers["range"] {
    const revision = options.revision ?? this.#revision;
    if (revision > this.#revision) return { refused: "future", revision: this.#revision };
    if (revision < this.#compacted) return { refused: "compacted", revision: this.#compacted };
    // A key behind `after` is greater than it: the smallest such key is `after` and a zero byte.
    const from = options.after === undefined ? Buffer.from(options.prefix) : Buffer.from(`${options.after}\0`);
    const to = prefixEnd(options.prefix);
    const now = revision === this.#revision;
    // One more than asked for says whether any remain.
    const limit = options.limit === undefined ? -1 : options.limit + 1;
    const rows = (
      now ? this.#statement.range.all(from, to, limit) : this.#statement.rangeAt.all({ from, to, revision, limit })
    ) as Row[];
    let remaining = rows.length === limit ? 1 : 0;
    if (remaining > 0) {
      if (options.counted !== false) remaining = this.#count(from, to, now ? undefined : revision) - rows.length + 1;
      rows.pop();
    }
    return { rows: rows.map(stored), revision, remaining };
  }

  #count(from: Buffer, to: Buffer, revision: number | undefined): number {
    const row =
      revision === undefined
        ? this.#statement.count.get(from, to)
        : this.#statement.countAt.get({ from, to, revision });
    return (row as { n: number }).n;
  }

  /** Events of the prefix behind `after`, at most `limit`; the revision says how far they reach. */
  history(prefix: string, after: number, limit: number): Answers["history"] {
    if (after > this.#revision) return { refused: "future", revision: this.#revision };
    if (after < this.#compacted) return { refused: "compacted", revision: this.#compacted };
    const rows = this.#statement.history.all(after, Buffer.from(prefix), prefixEnd(prefix), limit) as Row[];
    const complete = rows.length < limit;
    const revision = complete ? this.#revision : rows[rows.length - 1]!.revision;
    return { rows: rows.map(logged), revision, complete };
  }

  /** Deletes what has expired, at most 500 keys at once. */
  expire(nowMs: number): LogRow[] {
    const due = this.#statement.due.all(nowMs) as { key: Buffer; revision: number }[];
    if (due.length === 0) return [];
    const outcomes = this.write(
      due.map(({ key, revision }) => ({ op: "delete", key: key.toString(), expected: revision })),
    );
    return due.flatMap(({ key }, i) => {
      const outcome = outcomes[i]!;
      return "revision" in outcome ? [{ deleted: true, key: key.toString(), modRevision: outcome.revision }] : [];
    });
  }

  /**
   * Does one step of forgetting history up to `target`.
   *
   * @returns whether it is done
   */
  compactStep(target: number): boolean {
    const goal = Math.min(target, this.#revision);
    if (goal <= this.#compacted) return true;
    const to = Math.min(goal, this.#compacted + compactStep);
    this.#db.transaction(() => {
      // Steps go up by revision: when a deletion is forgotten, nothing older of its key is left to come back.
      this.#statement.forgetOverwritten.run({ from: this.#compacted, to });
      this.#statement.forgetDeletions.run({ from: this.#compacted, to });
      this.#statement.setCompacted.run(to);
    })();
    this.#compacted = to;
    this.#db.pragma(`incremental_vacuum(${vacuumPages})`);
    return to === goal;
  }

  close(): void {
    this.#db.close();
  }
}

function stored(row: Row): StoredRow {
  return {
    key: row.key.toString(),
    value: row.value,
    createRevision: row.create_revision,
    modRevision: row.revision,
  };
}

function logged(row: Row): LogRow {
  if (row.deleted) return { deleted: true, key: row.key.toString(), modRevision: row.revision };
  return { deleted: false, ...stored(row) };
}

function open(file: string): Database.Database {
  const db = new Database(file, { timeout: 1000 });
  try {
    // auto_vacuum counts only before the first table is made.
    db.pragma("auto_vacuum = INCREMENTAL");
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma("locking_mode = EXCLUSIVE");
    db.pragma("journal_size_limit = 67108864");
    migrate(db, file);
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

function migrate(db: Database.Database, file: string): void {
  const version = db.pragma("user_version", { simple: true }) as number;
  if (version === schemaVersion) return;
  if (version !== 0) throw new Error(`${file} has version ${version}, this program reads ${schemaVersion}`);
  db.transaction(() => {
    db.exec(schema);
    db.pragma(`user_version = ${schemaVersion}`);
  })();
}

/** Every statement of the store, prepared once. */
function prepare(db: Database.Database) {
  const sql = (text: string): Statement => db.prepare(text);
  return {
    setRevision: sql("UPDATE meta SET revision = ?"),
    setCompacted: sql("UPDATE meta SET compacted = ?"),
    current: sql("SELECT revision, create_revision FROM current WHERE key = ?"),
    log: sql("INSERT INTO log (revision, key, create_revision, deleted, value) VALUES (?, ?, ?, ?, ?)"),
    setCurrent: sql("INSERT OR REPLACE INTO current (key, revision, create_revision) VALUES (?, ?, ?)"),
    forget: sql("DELETE FROM current WHERE key = ?"),
    expireAt: sql("INSERT OR REPLACE INTO expiry (key, at_ms) VALUES (?, ?)"),
    keep: sql("DELETE FROM expiry WHERE key = ?"),
    due: sql(
      "SELECT e.key, c.revision FROM expiry e JOIN current c USING (key) WHERE e.at_ms <= ? ORDER BY e.at_ms LIMIT 500",
    ),
    get: sql("SELECT l.* FROM current c JOIN log l ON l.revision = c.revision WHERE c.key = ?"),
    range: sql(`SELECT l.* FROM current c JOIN log l ON l.revision = c.revision
                WHERE c.key >= ? AND c.key < ? ORDER BY c.key LIMIT ?`),
    count: sql("SELECT count(*) AS n FROM current WHERE key >= ? AND key < ?"),
    rangeAt: sql(`SELECT l.* FROM (SELECT key, max(revision) AS revision FROM log
                    WHERE key >= :from AND key < :to AND revision <= :revision GROUP BY key) newest
                  JOIN log l ON l.revision = newest.revision WHERE l.deleted = 0 ORDER BY l.key LIMIT :limit`),
    countAt: sql(`SELECT count(*) AS n FROM (SELECT deleted, max(revision) FROM log
                    WHERE key >= :from AND key < :to AND revision <= :revision GROUP BY key) WHERE deleted = 0`),
    history: sql("SELECT * FROM log WHERE revision > ? AND key >= ? AND key < ? ORDER BY revision LIMIT ?"),
    forgetOverwritten: sql(`DELETE FROM log WHERE revision IN (
                  SELECT old.revision FROM log new JOIN log old ON old.key = new.key AND old.revision < new.revision
                  WHERE new.revision > :from AND new.revision <= :to)`),
    forgetDeletions: sql("DELETE FROM log WHERE revision > :from AND revision <= :to AND deleted = 1"),
  };
}
