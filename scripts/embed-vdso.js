// Puts guest/vdso/vdso.so into src/kernel/vdso/image.ts, so that the kernel stub needs no file to map it.
import { readFileSync, writeFileSync } from 'node:fs';

const at = (path) => new URL(`../${path}`, import.meta.url);
const text = readFileSync(at('guest/vdso/vdso.so')).toString('base64');
const lines = text.match(/.{1,110}/g).map((line) => `  '${line}',`);
writeFileSync(
  at('src/kernel/vdso/image.ts'),
  `// Made from guest/vdso/vdso.so by scripts/embed-vdso.js.\n\n/** The bytes of the vDSO, in base64. */\nexport const VDSO_IMAGE = [\n${lines.join('\n')}\n].join('');\n`,
);
