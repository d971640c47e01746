/** The program, started from its files; of `fairlead proxy` there is a bundle, too (scripts/bundle-proxy.mjs). */
import { start } from "./cmd/start.ts";

await start(process.argv.slice(2));
