/**
 * The file of a worker thread that stands beside a module. A worker is started from the compiled
 * program, also where a test runs the sources: node runs no TypeScript.
 *
 * @param here the module's import.meta.url
 * @param name the worker's file without its ending: "worker"
 */
export function workerFile(here: string, name: string): URL {
  if (here.endsWith(".js")) return new URL(`${name}.js`, here);
  return new URL(here.replace("/src/", "/dist/src/").replace(/[^/]*$/, `${name}.js`));
}
