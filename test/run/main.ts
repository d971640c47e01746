/** `npm test`, once set-up and build are done: runs the parts, goes on after a failure, and prints the sum last. */
import { describeCounts, sum } from "./counts.ts";
import { parts, type Part } from "./parts.ts";
import { runPart, type PartResult } from "./run_part.ts";

/** The parts of these names, all without any. */
function choose(names: readonly string[]): readonly Part[] {
  const unknown = names.filter((name) => !parts.some((part) => part.name === name));
  if (unknown.length > 0) {
    process.stderr.write(
      `test: ${unknown.join(", ")}: no such part; there are ${parts.map(({ name }) => name).join(", ")}\n`,
    );
    process.exit(2);
  }
  return names.length === 0 ? parts : parts.filter(({ name }) => names.includes(name));
}

async function main(): Promise<void> {
  const results: PartResult[] = [];
  for (const part of choose(process.argv.slice(2))) {
    process.stdout.write(`\n==> ${part.name}: ${part.argv.join(" ")}\n`);
    results.push(await runPart(part));
    if (process.exitCode === 130) break;
  }
  const total = sum(results);
  for (const failure of results.flatMap(({ failures }) => failures)) process.stdout.write(`\n${failure}\n`);
  process.stdout.write(`\n${results.map(describeResult).join("\n")}\n\n${describeCounts(total)}\n`);
  if (total.failed > 0 || total.passed === 0) process.exitCode ??= 1;
}

function describeResult({ name, seconds, failures: _failures, ...counts }: PartResult): string {
  return `${name.padEnd(14)}${seconds.toFixed(1).padStart(7)} s   ${describeCounts(counts)}`;
}

await main();
