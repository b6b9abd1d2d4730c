#!/usr/bin/env node
import { statSync } from 'node:fs';

const root = new URL('..', import.meta.url);
const built = (path) => statSync(new URL(path, root), { throwIfNoEntry: false })?.mtimeMs ?? 0;

// The joined files start faster; after a build of the sources alone they are old.
const joined = 'dist/bundled/cli/main.js';
const fresh = built(joined) > 0 && built(joined) >= built('dist/.tsbuildinfo');
const { main } = await import(new URL(fresh ? joined : 'dist/cli/main.js', root).href);
await main(process.argv.slice(2), root);
