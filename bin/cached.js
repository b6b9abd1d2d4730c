const { readFileSync, writeFileSync } = require('node:fs');
const { createRequire, wrap } = require('node:module');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

// V8 takes a compiled form only under the flags that it was made with, so those that the engine sets later are set first.
const { setFlagsFromString } = require('node:v8');
for (const flag of ['--experimental-wasm-branch-hinting', '--no-turbo-use-mid-tier-regalloc-for-huge-functions'])
  try {
    setFlagsFromString(flag);
  } catch {
    // A V8 that does not know it.
  }

/** Scripts by their file, for `save`. */
const scripts = new Map();
const modules = new Map();

const cacheOf = (file) => `${file}.cache`;

function read(file) {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/**
 * Loads a CommonJS file with V8's compiled form of it, kept beside it by the build. V8 looks at its own version, its flags and the source
 * before it takes that form; otherwise it compiles as ever.
 */
function load(file) {
  const known = modules.get(file);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  modules.set(file, module);
  const script = new Script(wrap(readFileSync(file, 'latin1')), { filename: file, cachedData: read(cacheOf(file)) });
  scripts.set(file, script);
  const plain = createRequire(file);
  const require = (name) => (name.startsWith('.') ? load(join(dirname(file), name)) : plain(name));
  script.runInThisContext().call(module.exports, module.exports, require, module, file, dirname(file));
  return module.exports;
}

/** Writes the compiled form of everything loaded, with the functions that have run. */
function save() {
  for (const [file, script] of scripts) writeFileSync(cacheOf(file), script.createCachedData());
}

module.exports = { load, save };
