/** What a light skeleton of bpftool's holds, without the functions around it: its bytes, and how many there are of what. */
import { readFileSync } from "node:fs";

const text = readFileSync(process.argv[2], "utf8");

function bytesOf(field) {
  const literal = new RegExp(`opts\\.${field} = \\(void \\*\\)"((?:[^"\\\\]|\\\\[^])*)"`).exec(text)[1];
  const size = Number(new RegExp(`opts\\.${field}_sz = (\\d+);`).exec(text)[1]);
  const bytes = [];
  for (const [, hex, octal] of literal.matchAll(/\\x([0-9a-f]{2})|\\([0-7])|\\\n/g)) {
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
  }
  if (bytes.length !== size) throw new Error(`${field}: ${bytes.length} bytes, not ${size}`);
  return bytes;
}

function array(name, bytes) {
  const lines = [];
  for (let from = 0; from < bytes.length; from += 128) lines.push(bytes.slice(from, from + 128).join(",") + ",");
  return `alignas(8) constexpr uint8_t ${name}[] = {\n${lines.join("\n")}\n};`;
}

const count = (kind) => (text.match(new RegExp(`struct ${kind} `, "g")) ?? []).length;
console.log("// Made by scripts/bpf. Do not edit.");
console.log(`constexpr unsigned kMaps = ${count("bpf_map_desc")};`);
console.log(`constexpr unsigned kPrograms = ${count("bpf_prog_desc")};`);
console.log(array("kData", bytesOf("data")));
console.log(array("kInstructions", bytesOf("insns")));
