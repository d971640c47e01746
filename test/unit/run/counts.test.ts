/** What `npm test` counts: nothing that failed may count as passed. */
import { expect, test } from "vitest";
import { countCheck, countVitest, describeCounts, describeFailures, sum, type VitestReport } from "../../run/counts.ts";

const empty: VitestReport = {
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [],
};

const brokenFile = { name: "broken.test.ts", status: "failed", assertionResults: [] };
const fileWithFailure = {
  name: "failing.test.ts",
  status: "failed",
  assertionResults: [
    { status: "failed", fullName: "adds", failureMessages: ["expected 3 to be 2"] },
    { status: "passed", fullName: "subtracts" },
  ],
};

test("a check is one test", () => {
  expect(countCheck({ status: 0 })).toEqual({ passed: 1, failed: 0, skipped: 0 });
  expect(countCheck({ status: 2 })).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(countCheck({ status: null })).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test("vitest's tests are counted by their state", () => {
  const report = { ...empty, numPassedTests: 5, numFailedTests: 2, numPendingTests: 1, numTodoTests: 1 };
  expect(countVitest({ status: 1, report })).toEqual({ passed: 5, failed: 2, skipped: 2 });
});

test("a file that does not load is a failure", () => {
  const report = { ...empty, numPassedTests: 5, testResults: [brokenFile] };
  expect(countVitest({ status: 1, report })).toEqual({ passed: 5, failed: 1, skipped: 0 });
});

test("a file with a failed test is that test's failure only", () => {
  const report = { ...empty, numPassedTests: 1, numFailedTests: 1, testResults: [fileWithFailure] };
  expect(countVitest({ status: 1, report })).toEqual({ passed: 1, failed: 1, skipped: 0 });
});

test("a run that fails without a failed test is a failure", () => {
  expect(countVitest({ status: 1, report: { ...empty, numPassedTests: 5 } })).toMatchObject({ failed: 1 });
  expect(countVitest({ status: null, report: { ...empty, numPassedTests: 5 } })).toMatchObject({ failed: 1 });
});

test("no report, or a report of nothing, is a failure", () => {
  expect(countVitest({ status: 0 })).toMatchObject({ failed: 1 });
  expect(countVitest({ status: 0, report: empty })).toMatchObject({ failed: 1 });
});

test("what failed is named at the end, with its message", () => {
  expect(describeFailures({ ...empty, testResults: [brokenFile, fileWithFailure] })).toEqual([
    "FAILED broken.test.ts: the file itself",
    "FAILED failing.test.ts: adds\nexpected 3 to be 2",
  ]);
});

test("the sum is the last line", () => {
  const total = sum([
    { passed: 1, failed: 0, skipped: 0 },
    { passed: 5, failed: 2, skipped: 3 },
  ]);
  expect(describeCounts(total)).toBe("6 passed, 2 failed, 3 skipped");
});
