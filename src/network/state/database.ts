/**
 * What the pod network must know after its process was killed: attachments and the addresses that they have, in
 * SQLite. A transaction that was committed outlives the process (WAL); it need not outlive the kernel, which takes
 * every pod's network with it, so that nothing waits for the disk. docs/decisions/060-leases.md has the measurements.
 */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { FairleadError } from "../../errors/catalogue.ts";

export type StateDatabase = Database.Database;

/** Bumped when the tables change. */
const schemaVersion = 1;

const tables = ["resting", "range", "lease", "attachment", "boot"];
const schema = `
  CREATE TABLE boot (id TEXT NOT NULL);
  CREATE TABLE attachment (
    network TEXT NOT NULL,
    container_id TEXT NOT NULL,
    if_name TEXT NOT NULL,
    host_link TEXT NOT NULL,
    -- Whether ADD has been answered: what was not is rolled back.
    ready INTEGER NOT NULL,
    -- Of the process that adds it.
    pid INTEGER NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (network, container_id, if_name)
  ) WITHOUT ROWID;
  CREATE UNIQUE INDEX attachment_link ON attachment (host_link);
  CREATE TABLE lease (
    network TEXT NOT NULL,
    address TEXT NOT NULL,
    container_id TEXT NOT NULL,
    if_name TEXT NOT NULL,
    PRIMARY KEY (network, address)
  ) WITHOUT ROWID;
  CREATE INDEX lease_owner ON lease (network, container_id, if_name);
  -- From "next" on no address of the range has been given yet.
  CREATE TABLE range (
    id INTEGER PRIMARY KEY,
    network TEXT NOT NULL,
    subnet TEXT NOT NULL,
    first TEXT NOT NULL,
    size INTEGER NOT NULL,
    excluded TEXT NOT NULL,
    next INTEGER NOT NULL,
    UNIQUE (network, subnet, first, size, excluded)
  );
  -- Addresses that were freed, the oldest first.
  CREATE TABLE resting (
    range INTEGER NOT NULL REFERENCES range (id),
    sequence INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    PRIMARY KEY (range, sequence)
  ) WITHOUT ROWID;
  CREATE UNIQUE INDEX resting_offset ON resting (range, offset);
`;

/** How long a process waits for another one's transaction, in ms: that takes well below one. */
const busyMs = 1000;

/**
 * Opens the state, made anew where there is none, and emptied where it is of an earlier boot of the machine: no pod
 * has outlived that. One that cannot be read is made anew too: what addresses are in use is in the kernel's routes.
 *
 * @param options.bootId what tells this boot from others
 * @throws FairleadError DATA_DIR
 */
export function openState(file: string, options: { readonly bootId: string }): StateDatabase {
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    try {
      return open(file, options.bootId);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
    for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
    return open(file, options.bootId);
  } catch (cause) {
    throw new FairleadError("DATA_DIR", { subject: file, cause });
  }
}

/** Of this boot of the machine. */
export function readBootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function open(file: string, bootId: string): StateDatabase {
  const db = new Database(file, { timeout: busyMs });
  try {
    db.pragma("journal_mode = WAL");
    // No fsync, not even at a checkpoint, for which a pod would wait: what the kernel was given outlives this process, and
    // what a machine's end spoils is of another boot, or not to be read.
    db.pragma("synchronous = OFF");
    db.transaction(() => adopt(db, bootId)).immediate();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** In one transaction, because several processes may do it at the same time. */
function adopt(db: StateDatabase, bootId: string): void {
  const version = db.pragma("user_version", { simple: true }) as number;
  if (version === schemaVersion) {
    const boot = db.prepare("SELECT id FROM boot").get() as { id: string } | undefined;
    if (boot?.id === bootId) return;
  }
  // Of an earlier boot: the machine may have ended before the disk had all of it.
  if (db.pragma("quick_check(1)", { simple: true }) !== "ok") throw new Torn();
  for (const table of tables) db.exec(`DROP TABLE IF EXISTS ${table}`);
  db.exec(schema);
  db.prepare("INSERT INTO boot VALUES (?)").run(bootId);
  db.pragma(`user_version = ${schemaVersion}`);
}

class Torn extends Error {
  override readonly name = "Torn";
}

/** The second has forms of its own for parts of the file, as SQLITE_CORRUPT_INDEX. */
function isUnreadable(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return error instanceof Torn || code === "SQLITE_NOTADB" || String(code).startsWith("SQLITE_CORRUPT");
}
