// Joins the compiled sources of the command line into a few files: Node then opens three instead of two hundred.
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist/bundled', { recursive: true, force: true });
await build({
  entryPoints: ['dist/cli/main.js'],
  outdir: 'dist/bundled/cli',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['iced-x86'],
  // commander is CommonJS and asks for modules of Node.
  banner: {
    js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
  },
  legalComments: 'none',
  logLevel: 'warning',
});
