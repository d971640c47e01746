// What the compiler cannot see and a reviewer should not have to. Formatting is prettier's, import rules are
// .dependency-cruiser.cjs's. test/tidy/lint.test.ts shows that these rules fail what they should.
import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

const typescript = ["**/*.ts"];

// What only computes, as in .dependency-cruiser.cjs: that forbids these the modules of node, this the globals.
const pure = [
  "src/{model,errors}/**/*.ts",
  "src/proxy/{derive,modes}/**/*.ts",
  "src/kernel/netlink/**/*.ts",
  "src/**/{derive,plan,render,decode}.ts",
  "cni/{environment,config,decode,result}.ts",
];
const impureGlobals = [
  "process",
  "performance",
  "fetch",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
];

export default tseslint.config(
  { ignores: ["dist/", "build/", "build-*/", "node_modules/", ".cache/", "test/fixtures/violations/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  { files: ["**/*.js", "**/*.cjs"], extends: [eslint.configs.recommended] },
  {
    files: ["**/*.cjs"],
    languageOptions: {
      sourceType: "commonjs",
      globals: { Buffer: "readonly", console: "readonly", process: "readonly" },
    },
  },
  {
    files: typescript,
    extends: [eslint.configs.recommended, tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/prefer-readonly": "error",
      // As the compiler has it: what begins with _ is there to be left out.
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true },
      ],
      "@typescript-eslint/return-await": ["error", "error-handling-correctness-only"],
      eqeqeq: "error",
      "no-console": "error",
      // Numbers in messages are what messages are made of.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      // `noUncheckedIndexedAccess` asks about every index; where the bound was just checked, `!` says so.
      "@typescript-eslint/no-non-null-assertion": "off",
      // Types promise more than what bytes, files and other programs hold: a check too many stays.
      "@typescript-eslint/no-unnecessary-condition": "off",
      // An asynchronous interface may have an implementation that has nothing to wait for; it still has to reject, not throw.
      "@typescript-eslint/require-await": "off",
      // The compiler (erasableSyntaxOnly) allows no enums; looking for them takes a quarter of the time of all rules.
      "@typescript-eslint/no-unsafe-enum-assignment": "off",
      "@typescript-eslint/no-unsafe-enum-comparison": "off",
      // Matters of taste that forbid plain code.
      "@typescript-eslint/no-dynamic-delete": "off",
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/no-meaningless-void-operator": "off",
      "@typescript-eslint/no-misused-spread": "off",
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      "@typescript-eslint/use-unknown-in-catch-callback-variable": "off",
    },
  },
  {
    // vitest's asymmetric matchers (expect.any) are of type any, and it gathers what tests print.
    files: ["test/**/*.ts"],
    rules: { "@typescript-eslint/no-unsafe-assignment": "off", "no-console": "off" },
  },
  {
    // These look into what a server answered: JSON of any shape, which the expectations check.
    files: ["test/e2e/**/*.ts", "test/unit/controlplane/api/**/*.ts"],
    rules: {
      "@typescript-eslint/no-explicit-any": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
    },
  },
  {
    files: pure,
    rules: {
      "no-restricted-globals": [
        "error",
        ...impureGlobals.map((name) => ({ name, message: "This part only computes." })),
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector:
            "CallExpression[callee.object.name='Date'][callee.property.name='now'], NewExpression[callee.name='Date'][arguments.length=0], CallExpression[callee.object.name='Math'][callee.property.name='random']",
          message: "This part only computes: take the time or the random number as an argument.",
        },
      ],
    },
  },
  {
    // Only kernel/native.ts loads the add-on.
    files: typescript,
    ignores: ["src/kernel/native.ts", "test/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          paths: [
            {
              name: "node:module",
              importNames: ["createRequire"],
              message: "Only src/kernel/native.ts loads the native add-on.",
            },
          ],
          patterns: [{ regex: "\\.node$", message: "Only src/kernel/native.ts loads the native add-on." }],
        },
      ],
      "no-restricted-properties": [
        "error",
        { object: "process", property: "dlopen", message: "Only src/kernel/native.ts loads the native add-on." },
      ],
    },
  },
);
