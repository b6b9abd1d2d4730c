// Joins the compiled sources of the command line into one file and the decoder library into another, and keeps V8's compiled form of both: a
// start then reads two files instead of two hundred and compiles little. A command's modules still run only when it is named.
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);
const decoder = require.resolve('iced-x86');
const shared = {
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  legalComments: 'none',
  logLevel: 'warning',
};

const { sources } = JSON.parse(readFileSync('dist/handlers/index.json', 'utf8'));
rmSync('dist/bundled', { recursive: true, force: true });
await build({ ...shared, entryPoints: [decoder], outfile: 'dist/bundled/iced.cjs', minifyWhitespace: true });
copyFileSync(join(dirname(decoder), 'iced_x86_bg.wasm'), 'dist/bundled/iced_x86_bg.wasm');
await build({
  ...shared,
  entryPoints: ['dist/cli/main.js'],
  outfile: 'dist/bundled/cli/main.cjs',
  minifyWhitespace: true,
  minifySyntax: true,
  external: ['../iced.cjs'],
  define: { 'import.meta.url': 'moduleUrl', SOURCES: String(sources) },
  banner: { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
  plugins: [
    {
      name: 'decoder',
      setup: (b) =>
        b.onLoad({ filter: /[\\/]decode[\\/]iced\.js$/ }, ({ path }) => ({
          contents: readFileSync(path, 'utf8').replace(
            "createRequire(import.meta.url)('iced-x86')",
            "require('../iced.cjs')",
          ),
        })),
    },
    {
      // Only a command that is a program of its own would need it, and it takes as long to load as all of commander.
      name: 'commander',
      setup: (b) =>
        b.onLoad({ filter: /[\\/]commander[\\/]lib[\\/]command\.js$/ }, ({ path }) => ({
          contents: readFileSync(path, 'utf8').replace(
            "const childProcess = require('node:child_process');",
            "const childProcess = { spawn: (...args) => require('node:child_process').spawn(...args) };",
          ),
        })),
    },
  ],
});

// It is read a byte a letter. Raw templates are what is left as it was written: their text has to be ASCII.
const letters = /^.*[^\0-\x7f].*$/m.exec(readFileSync('dist/bundled/cli/main.cjs', 'utf8'));
if (letters !== null) throw new Error(`letters that are not ASCII in the joined file: ${letters[0].slice(0, 120)}`);

// What a short run uses is what is worth keeping.
const run = `
  const { load, save } = require('./bin/cached.js');
  process.on('exit', save);
  const { main } = load(require('node:path').resolve('dist/bundled/cli/main.cjs'));
  main(['run', 'guest/user/rounds', '20000'], require('node:url').pathToFileURL(process.cwd() + '/'));
`;
const { status, stderr } = spawnSync(process.execPath, ['-e', run], { encoding: 'utf8' });
if (status !== 0) throw new Error(`the joined file does not run: ${stderr}`);
