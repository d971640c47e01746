/** The store that the options name: the embedded one, or etcd. */
import { readFileSync } from "node:fs";
import { FairleadError } from "../../errors/catalogue.ts";
import { EmbeddedStore } from "../store/embedded/embedded_store.ts";
import type { Store } from "../store/store.ts";
import { storeFile } from "./data_dir.ts";
import type { EtcdOptions, ServerOptions } from "./options.ts";

/** @throws FairleadError STORE_UNAVAILABLE, DATA_DIR_IN_USE, CERTIFICATE_FILE */
export async function openStore({ dataDir, etcd }: Pick<ServerOptions, "dataDir" | "etcd">): Promise<Store> {
  return etcd ? openEtcd(etcd) : openEmbedded(dataDir);
}

async function openEmbedded(dataDir: string): Promise<Store> {
  try {
    return await EmbeddedStore.open({ file: storeFile(dataDir) });
  } catch (cause) {
    // SQLITE_BUSY: its lock is another process's (in another namespace, or started in this moment).
    if (!(cause instanceof FairleadError) || !/database is locked/.test(cause.message)) throw cause;
    throw new FairleadError("DATA_DIR_IN_USE", { subject: dataDir, reason: "another process has its store", cause });
  }
}

async function openEtcd({ servers, prefix, caFile, certFile, keyFile }: EtcdOptions): Promise<Store> {
  const tls = {
    ...(caFile === undefined ? {} : { ca: readPem(caFile) }),
    ...(certFile === undefined ? {} : { cert: readPem(certFile) }),
    ...(keyFile === undefined ? {} : { key: readPem(keyFile) }),
  };
  // Its gRPC client is loaded only where it is wanted: it takes 10 MB.
  const { EtcdStore } = await import("../store/etcd/etcd_store.ts");
  const store = new EtcdStore({ endpoints: servers, prefix, tls });
  try {
    await store.revision();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new FairleadError("CERTIFICATE_FILE", { subject: file, cause });
  }
}
