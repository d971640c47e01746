/** `fairlead image`: images for a machine without a registry. */
import { statSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { FairleadError } from "../errors/catalogue.ts";
import { runtimeEndpointOf } from "../up/settings.ts";
import { instanceFlags, startedContext, type InstanceFlags } from "./instance_flags.ts";
import { repeatedWhole } from "./flag_values.ts";

interface StoreFlags extends InstanceFlags {
  readonly containerRuntimeEndpoint?: string;
}

interface ImportFlags extends StoreFlags {
  readonly name?: string;
  readonly entrypoint?: string;
  readonly cmd?: string;
  readonly env?: readonly string[];
}

export function configure(command: Command): void {
  store(command.command("import").description("hand an archive, or a folder as an image of one layer, to the runtime"))
    .argument("<oci-tar|rootfs-dir>", "an OCI or docker archive, or the folder of a root file system")
    .option("--name <name>", "the image's; for an archive in the place of its own names")
    .option("--entrypoint <command>", "of a folder's image, words apart by blanks")
    .option("--cmd <command>", "of a folder's image, words apart by blanks", "sh")
    .option("--env <name=value>", "of a folder's image (repeatable)", repeatedWhole)
    .action(async (source: string, flags: ImportFlags) => {
      for (const name of await imported(path.resolve(source), flags)) say(flags, name);
      process.exit(0);
    });
  store(command.command("list").description("list the images that the runtime has")).action(
    async (flags: StoreFlags) => {
      const { openRuntime } = await import("../kubelet/cri/grpc_runtime.ts");
      const runtime = openRuntime({ endpoint: await endpointOf(flags), timeoutMs: 20_000 });
      try {
        const images = await runtime.listImages();
        const rows = images.flatMap(({ repoTags, size, id }) => repoTags.map((name) => ({ name, size, id })));
        for (const row of rows.sort((a, b) => (a.name < b.name ? -1 : 1))) {
          const text = `${(row.size / 1e6).toFixed(1).padStart(8)} MB  ${row.name}`;
          process.stdout.write(`${flags.json ? JSON.stringify(row) : text}\n`);
        }
      } finally {
        runtime.close();
      }
      process.exit(0);
    },
  );
}

function store(command: Command): Command {
  return instanceFlags(command).option(
    "--container-runtime-endpoint <url>",
    "the runtime's; default: that of the cluster in --data-dir",
  );
}

async function endpointOf(flags: StoreFlags): Promise<string> {
  if (flags.containerRuntimeEndpoint !== undefined) return flags.containerRuntimeEndpoint;
  const { instance, settings } = await startedContext(flags);
  return runtimeEndpointOf(instance, settings);
}

async function imported(source: string, flags: ImportFlags): Promise<readonly string[]> {
  const { importArchive, importRootfs } = await import("../up/images/import.ts");
  const store = { endpoint: await endpointOf(flags) };
  const isFolder = statSync(source, { throwIfNoEntry: false })?.isDirectory();
  if (isFolder === undefined) throw refuse(source, "it is not there");
  if (!isFolder) return importArchive(store, source, flags.name);
  if (flags.name === undefined) throw refuse(source, "a folder has no name: give --name");
  const words = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== "");
  const config = {
    ...(flags.entrypoint === undefined ? {} : { Entrypoint: words(flags.entrypoint) }),
    ...(flags.entrypoint !== undefined || flags.cmd === undefined ? {} : { Cmd: words(flags.cmd) }),
    Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...(flags.env ?? [])],
  };
  return [await importRootfs(store, { folder: source, name: flags.name, config })];
}

function say({ json }: ImportFlags, name: string): void {
  process.stdout.write(json ? `${JSON.stringify({ imported: name })}\n` : `imported ${name}\n`);
}

function refuse(subject: string, reason: string): FairleadError {
  return new FairleadError("IMAGE_IMPORT", { subject, reason });
}
