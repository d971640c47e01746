/** `fairlead bench`: what loads a control plane. The rest of the suite runs from a checkout, by `npm run bench`. */
import { Option, type Command } from "commander";
import { messageOf } from "../errors/message.ts";
import { FairleadError } from "../errors/catalogue.ts";
import { wholeNumber } from "./flag_values.ts";

interface HollowFlags {
  readonly kubeconfig: string;
  readonly nodes: number;
  readonly podsPerNode: number;
  readonly namePrefix: string;
  readonly watch: "shared" | "node";
}

export function configure(command: Command): void {
  command.action(() => {
    const reason = "the suite runs only from a checkout so far, by 'npm run bench'; 'fairlead bench hollow' is there";
    throw new FairleadError("NOT_AVAILABLE", { subject: "'fairlead bench'", reason });
  });
  command
    .command("hollow")
    .description("stand for many nodes: register, renew leases, report pods as running, without running anything")
    .requiredOption(
      "--kubeconfig <file>",
      "credentials that may write nodes, leases and pods",
      process.env["KUBECONFIG"],
    )
    .option("--nodes <n>", "how many", wholeNumber(1, 16_000), 10)
    .option("--pods-per-node <n>", "most pods of one", wholeNumber(1, 250), 110)
    .option("--name-prefix <text>", "in front of the nodes' numbers", "hollow-")
    .addOption(
      new Option("--watch <how>", "one watch over all pods, or one for each node as kubelets have it")
        .choices(["shared", "node"])
        .default("shared"),
    )
    .action((flags: HollowFlags) => runHollow(flags));
}

async function runHollow({ kubeconfig, ...flags }: HollowFlags): Promise<void> {
  const [{ HttpClient }, { startHollow }, { systemClock }] = await Promise.all([
    import("../api/http/http_client.ts"),
    import("../hollow/hollow.ts"),
    import("../reconcile/clock.ts"),
  ]);
  const client = new HttpClient({ kubeconfig, userAgent: "fairlead-hollow" });
  const say = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);
  const complaints = new Complaints(say);
  const hollow = startHollow({
    ...flags,
    client,
    clock: systemClock,
    onError: (error, attempted) => complaints.add(error, attempted),
  });
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
  // Its timers hold up nothing, so that something has to hold the process.
  const alive = setInterval(() => say({ msg: "status", pods: hollow.podCount }), 60_000);
  void hollow.registered.then(() => say({ msg: "registered", nodes: flags.nodes }));
  await stopped;
  clearInterval(alive);
  await hollow.stop();
  client.close();
}

/** Most lines of one second: a server that is away is not told of a thousand times. */
const maxLines = 10;

class Complaints {
  readonly #say: (message: object) => void;
  #second = 0;
  #lines = 0;

  constructor(say: (message: object) => void) {
    this.#say = say;
  }

  add(error: unknown, attempted: string): void {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) [this.#second, this.#lines] = [second, 0];
    if (++this.#lines > maxLines) return;
    this.#say({
      msg: `cannot ${attempted}; it is tried again`,
      error: messageOf(error),
    });
  }
}
