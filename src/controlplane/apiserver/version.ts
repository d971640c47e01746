/** The version of the API that the types and the behaviour are of. */
export const versionInfo = {
  major: "1",
  minor: "34",
  gitVersion: "v1.34.0+fairlead",
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "none",
  compiler: "none",
  platform: `linux/${process.arch === "x64" ? "amd64" : process.arch}`,
};
