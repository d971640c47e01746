/** What a part of the tests comes to. */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** vitest's JSON report, as far as it is counted. */
export interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    /** The test file. */
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[] | undefined;
    }[];
  }[];
}

/** How a part ended. */
export interface Ending {
  /** Exit code; null when a signal ended it, or the bound of its time. */
  readonly status: number | null;
  /** Only of a part that vitest runs; undefined when it left none. */
  readonly report?: VitestReport | undefined;
}

export function countCheck({ status }: Ending): Counts {
  return status === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

/** A run that fails without a failed test (a file that does not load, a leak, no test at all) is one failure. */
export function countVitest({ status, report }: Ending): Counts {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const { numPassedTests: passed, numFailedTests, numPendingTests, numTodoTests } = report;
  const brokenFiles = report.testResults.filter(isBroken).length;
  const failed = numFailedTests + brokenFiles;
  const succeeded = status === 0 && passed + failed > 0;
  return { passed, failed: succeeded || failed > 0 ? failed : 1, skipped: numPendingTests + numTodoTests };
}

function isBroken({ status, assertionResults }: VitestReport["testResults"][number]): boolean {
  return status === "failed" && !assertionResults.some((test) => test.status === "failed");
}

/** A paragraph for each test and file that failed: what a reader of a long log looks for. */
export function describeFailures({ testResults }: VitestReport): string[] {
  return testResults.flatMap((file) => {
    if (isBroken(file)) return [`FAILED ${file.name}: the file itself`];
    const failed = file.assertionResults.filter(({ status }) => status === "failed");
    return failed.map(({ fullName, failureMessages = [] }) =>
      [`FAILED ${file.name}: ${fullName}`, ...failureMessages.map(shortened)].join("\n"),
    );
  });
}

/** Characters of one failure's message that are repeated at the end. */
const maxMessage = 1500;

function shortened(message: string): string {
  return message.length <= maxMessage ? message : `${message.slice(0, maxMessage)} …`;
}

export function sum(all: readonly Counts[]): Counts {
  return all.reduce(
    (total, { passed, failed, skipped }) => ({
      passed: total.passed + passed,
      failed: total.failed + failed,
      skipped: total.skipped + skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

export function describeCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
