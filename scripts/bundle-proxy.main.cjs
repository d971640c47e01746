/**
 * Starts `fairlead proxy` from its bundle (bundle-proxy.mjs puts this file beside it), with code that V8 has compiled
 * before. Where that is of another version of node, or was made with other flags, V8 compiles as it otherwise would.
 */
"use strict";
const { readFileSync } = require("node:fs");
const path = require("node:path");
const { Script } = require("node:vm");

const filename = path.join(module.path, "program.cjs");
const cacheFile = path.join(module.path, "program.cache");

/** @param {Buffer | undefined} cachedData */
function compile(cachedData) {
  // ASCII: of other characters V8 would keep two bytes for each.
  const source = readFileSync(filename, "latin1");
  return new Script(source, { filename, cachedData });
}

function cached() {
  try {
    return readFileSync(cacheFile);
  } catch {
    return undefined;
  }
}

function start() {
  const program = { exports: {} };
  // Code from a cache knows no import() of its own.
  const importModule = (/** @type {string} */ name) => import(name);
  compile(cached()).runInThisContext()(program.exports, require, program, filename, importModule);
  return program.exports.start(process.argv.slice(2));
}

module.exports = { compile, cached, cacheFile };
if (require.main === module) void start();
