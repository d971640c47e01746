import { defineConfig } from "vitest/config";

/**
 * One project a kind of test. `unit` needs nothing but node; `kernel` needs root and this kernel;
 * `vm` runs inside the virtual machine only (`npm run test:vm`); `e2e` starts the product.
 * A contract suite runs on the fakes with `unit` and on the real ports with `kernel`.
 */
export default defineConfig({
  test: {
    projects: [
      project("unit", ["test/{unit,golden,trace,tidy}/**/*.test.ts", "test/contract/**/*.fake.test.ts"], 10_000),
      project("kernel", ["test/kernel/**/*.test.ts", "test/contract/**/*.real.test.ts"], 60_000, [
        "test/fixtures/leaks.ts",
      ]),
      project("vm", ["test/vm/**/*.test.ts"], 120_000),
      project("e2e", ["test/e2e/**/*.test.ts"], 300_000),
    ],
  },
});

function project(name: string, include: string[], timeout: number, setupFiles: string[] = []) {
  return {
    test: {
      name,
      include,
      setupFiles,
      pool: "forks" as const,
      maxWorkers: 2,
      testTimeout: timeout,
      // A server that starts or stops on a machine with much else to do.
      hookTimeout: Math.max(timeout, 60_000),
    },
  };
}
