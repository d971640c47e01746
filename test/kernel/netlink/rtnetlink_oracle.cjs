// Prints what the npm package `netlink` reads of the namespace it is started in. It runs in a process of its
// own because the package knows no namespaces, and ends its process on a receive overrun.
"use strict";
const { createRtNetlink } = require("netlink");

const plain = (_name, value) => {
  if (typeof value === "bigint") return String(value);
  return value !== null && typeof value === "object" && value.type === "Buffer"
    ? Buffer.from(value.data).toString("hex")
    : value;
};

async function main() {
  const socket = createRtNetlink();
  const [links, addresses, routes] = [await socket.getLinks(), await socket.getAddresses(), await socket.getRoutes()];
  process.stdout.write(JSON.stringify({ links, addresses, routes }, plain), () => process.exit(0));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
