/**
 * Our API server as a program: node server_process.js FOLDER PORT [ETCD]
 */
import path from "node:path";
import { startControlPlaneApi } from "../../../src/controlplane/apiserver/compose.ts";
import { EmbeddedStore } from "../../../src/controlplane/store/embedded/embedded_store.ts";
import { EtcdStore } from "../../../src/controlplane/store/etcd/etcd_store.ts";

const [folder, port, endpoint] = process.argv.slice(2) as [string, string, string?];
const store =
  endpoint === undefined
    ? await EmbeddedStore.open({ file: path.join(folder, "store.db") })
    : new EtcdStore({ endpoints: [endpoint] });
await startControlPlaneApi({
  dataDir: folder,
  store,
  host: "127.0.0.1",
  port: Number(port),
  serviceCidrs: ["10.96.0.0/16"],
  onInternalError: (error, where) => process.stderr.write(`${where}: ${(error as Error).stack}\n`),
});
process.on("disconnect", () => process.exit());
