/** package.json, its lock file and what the README and CI call: they say one thing. */
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

interface PackageFile {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

interface LockFile {
  readonly packages: Readonly<
    Record<string, { readonly resolved?: string; readonly hasInstallScript?: true; readonly os?: readonly string[] }>
  >;
}

const root = path.resolve(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");
const manifest = JSON.parse(read("package.json")) as PackageFile;
const lock = JSON.parse(read("package-lock.json")) as LockFile;

test("every version is exact", () => {
  const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
});

test("the lock file names no registry", () => {
  const addresses = Object.values(lock.packages).flatMap(({ resolved }) => resolved ?? []);
  expect(addresses).toEqual([]);
});

test("what may run an install script is decided for every package that has one", () => {
  const withScript = Object.entries(lock.packages)
    .filter(([folder, entry]) => folder !== "" && entry.hasInstallScript && (entry.os ?? ["linux"]).includes("linux"))
    .map(([folder]) => folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length));
  expect(withScript.sort()).toEqual(Object.keys(manifest.allowScripts).sort());
});

test("package.json's scripts are the whole developer's interface", () => {
  const interfaceScripts = [
    "build",
    "test",
    "test:unit",
    "test:kernel",
    "test:vm",
    "test:e2e",
    "lint",
    "format",
    "bench",
  ];
  expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(interfaceScripts));
});

test("the README has the two commands, and CI calls the second", () => {
  const readme = read("README.md");
  expect(readme).toMatch(/^ {4}\$ \.\/fairlead up\b/m);
  expect(readme).toMatch(/^ {4}\$ npm test\b/m);
  expect(read(".ci/run")).toMatch(/^exec npm test$/m);
});

test.each(["fairlead", ".ci/run", "scripts/setup", "scripts/build", "scripts/test", "scripts/lint", "scripts/format"])(
  "%s is executable",
  (file) => {
    expect(statSync(path.join(root, file)).mode & 0o111).toBe(0o111);
  },
);
