// Joins the compiled sources of the command line into one file: Node then opens three instead of two hundred. A command's modules still
// run only when it is named.
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist/bundled', { recursive: true, force: true });
await build({
  entryPoints: ['dist/cli/main.js'],
  outdir: 'dist/bundled/cli',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  external: ['iced-x86'],
  // commander is CommonJS and asks for modules of Node.
  banner: {
    js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
  },
  legalComments: 'none',
  logLevel: 'warning',
});
