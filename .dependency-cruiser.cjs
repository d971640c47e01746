// The import rules of docs/architecture.md. Types count as imports. test/fixtures/violations/imports has a violation of
// each rule, and test/tidy/imports.test.ts shows that each is found.

/** Parts of node that do I/O, wait, or tell the time. */
const inputOutput =
  "^(node:)?(fs|net|dgram|dns|http|http2|https|tls|child_process|cluster|worker_threads|timers|readline|tty|inspector|repl|os|process|perf_hooks|module|vm)(/|$)";

/** What only computes: no I/O, no clock, no randomness. */
const pure =
  "^src/(model|errors|proxy/derive|proxy/modes|kernel/netlink)/|^src/.*/(derive|plan|render|decode)\\.ts$|^src/.*/derive/|" +
  "^cni/(environment|config|decode|result)\\.ts$";

const forbidden = [
  {
    name: "model-imports-nothing-of-ours",
    comment: "The nouns are the ground of everything else.",
    from: { path: "^src/model/" },
    to: { path: "^(src|cni|bench|test)/", pathNot: "^src/model/" },
  },
  {
    name: "errors-import-nothing-of-ours",
    comment: "The catalogue is what every part may throw from, so it can need none of them.",
    from: { path: "^src/errors/" },
    to: { path: "^(src|cni|bench|test)/", pathNot: "^src/errors/" },
  },
  {
    name: "pure-parts-do-no-io",
    comment:
      "Everything up to and including plan is a function of its arguments; only apply and observe touch the world.",
    from: { path: pure },
    to: { path: inputOutput },
  },
  {
    name: "pure-parts-know-no-kernel-access",
    comment: "A pure part that knows how to reach the kernel is not pure for long.",
    from: { path: pure },
    to: { path: "^src/(kernel/(native\\.ts|real/|fake/)|reconcile/|cmd/)" },
  },
  {
    name: "modes-stay-apart",
    comment:
      "A mode can be read, changed and removed alone; what two of them share is in proxy/derive, or modes/shared.",
    from: { path: "^src/proxy/modes/([^/]+)/" },
    to: { path: "^src/proxy/modes/([^/]+)/", pathNot: "^src/proxy/modes/($1|shared)/" },
  },
  {
    name: "controlplane-knows-no-node-part",
    comment: "The control plane reaches nodes through the API only, as any other cluster's would.",
    from: { path: "^src/controlplane/" },
    to: { path: "^src/(kernel|proxy|kubelet)/" },
  },
  {
    name: "kubelet-knows-no-proxy",
    comment: "Each must run where the other is somebody else's.",
    from: { path: "^src/kubelet/" },
    to: { path: "^src/proxy/" },
  },
  {
    name: "only-real-ports-reach-the-addon",
    comment: "Everything else takes a port, so that it runs on the fake too.",
    from: { path: "^(src|cni)/", pathNot: "^src/(kernel/real/|kernel/native\\.ts$|cmd/)" },
    to: { path: "^src/kernel/native\\.ts$" },
  },
  {
    name: "only-commands-join-real-ports",
    comment: "Parts are wired together in one place.",
    from: { path: "^(src|cni)/", pathNot: "^src/(cmd|kernel/real)/" },
    to: { path: "^src/kernel/real/" },
  },
  {
    name: "product-needs-no-fakes",
    comment: "Fakes are for tests.",
    from: { path: "^(src|cni)/", pathNot: "^src/kernel/fake/" },
    to: { path: "^src/kernel/fake/" },
  },
  {
    name: "cni-knows-no-api",
    comment: "The plugin must work where no API server answers.",
    from: { path: "^cni/" },
    to: { path: "^src/api/" },
  },
  {
    name: "product-needs-no-tests-or-bench",
    comment: "What is shipped is src and cni.",
    from: { path: "^(src|cni)/" },
    to: { path: "^(test|bench)/" },
  },
  {
    name: "commands-are-nobodys-library",
    comment: "src/cmd joins parts; a part that needs it is upside down.",
    from: { path: "^(src|cni)/", pathNot: "^src/(cmd/|main\\.ts$)" },
    to: { path: "^src/cmd/" },
  },
  {
    name: "product-needs-no-developers-package",
    comment: "npm ci --omit=dev must be enough to run.",
    from: { path: "^(src|cni)/" },
    to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
  },
  { name: "no-cycles", comment: "Two files that need each other are one.", from: {}, to: { circular: true } },
  { name: "everything-resolves", comment: "A missing file.", from: {}, to: { couldNotResolve: true } },
];

module.exports = {
  forbidden: forbidden.map((rule) => ({ severity: "error", ...rule })),
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    combinedDependencies: false,
    doNotFollow: { path: "node_modules" },
    exclude: { path: ["^dist/", "^test/fixtures/violations/"] },
    enhancedResolveOptions: {
      extensions: [".ts", ".js", ".cjs", ".mjs", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
    },
  },
};
