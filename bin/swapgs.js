#!/usr/bin/env node
const { statSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const root = join(__dirname, '..');
const built = (path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;

// The joined file starts faster; after a build of the sources alone it is old.
const joined = 'dist/bundled/cli/main.cjs';
const fresh = built(joined) > 0 && built(joined) >= built('dist/.tsbuildinfo');
const loaded = fresh
  ? Promise.resolve(require('./cached.js').load(join(root, joined)))
  : import(pathToFileURL(join(root, 'dist/cli/main.js')).href);
loaded.then(({ main }) => main(process.argv.slice(2), pathToFileURL(`${root}/`)));
