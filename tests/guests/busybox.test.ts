import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../src/bits/random.ts';
import { readImage } from '../../src/elf/image.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { Machine } from '../../src/machine/machine.ts';

/** Debian's busybox-static: its single-process applets on real files, against its own native output. */
const BUSYBOX = '/bin/busybox';
const here = process.platform === 'linux' && process.arch === 'x64' && existsSync(BUSYBOX) && isStatic(BUSYBOX);

function isStatic(file: string): boolean {
  try {
    readImage(readFileSync(file));
    return true;
  } catch {
    return false;
  }
}

/** One command a line; the words are split at spaces, `·` stands for one inside a word, `<FILE` feeds standard input. */
const COMMANDS = `
sha256sum r.bin t.txt
sha512sum r.bin
md5sum r.bin t.txt
sha1sum t.txt
cksum r.bin t.txt
sort s.txt
sort -n -k3 s.txt
sort -u -r s.txt
awk {print·$3*2.5,·length($0)} t.txt
awk -F, {c[$2]++}·END{for(k·in·c)n++;print·n,·sqrt(NR),·NR/7} t.txt
awk BEGIN{printf("%d·%5.2f·%e·%g·%x·%s\\n",42,3.14159,1e10,1e-5,255,"hi")}
sed s/fox/dog/g t.txt
sed -n 10,20p t.txt
sed -E s/([a-z]+)·([0-9]+)/\\2·\\1/ t.txt
grep -E 7[0-9]+·abc t.txt
grep -c fox t.txt
grep -vn 1 t.txt
tr a-z A-Z <t.txt
tr -d aeiou <t.txt
wc t.txt r.bin
cut -d, -f2 t.txt
cut -c3-9 t.txt
od -A x -t x1z r.bin
od -c t.txt
gzip -c t.txt
gzip -9 -c r.bin
gunzip -c t.txt.gz
bzip2 -c t.txt
xz -d -c t.txt.xz
tar cf - d
tar tvf x.tar
tar xOf x.tar d/a
find d
find . -type f -size +1k
ls -l
ls -la d
expr 3 * 4
expr length hello
dc -e 2·3·^·p
dc -e 10k·2·v·p
diff t.txt u.txt
diff -u t.txt u.txt
base64 r.bin
uniq s.txt
head -5 t.txt
tail -5 t.txt
rev t.txt
seq 1 200
printf %5.3f|%d\\n 3.5 7
stat -c %n·%s·%a·%F t.txt
factor 1234567890
hexdump -C r.bin
strings r.bin
cmp t.txt u.txt
fold -w 20 t.txt
sh -c echo·$((3*4))
false
`
  .trim()
  .split('\n');

const words = (line: string): string[] => line.split(' ').map((word) => word.replaceAll('·', ' '));

describe.skipIf(!here)('busybox, byte for byte as natively', () => {
  let dir = '';

  beforeAll(() => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'swapgs-busybox-')));
    const random = new Random(1);
    const lines = Array.from(
      { length: 600 },
      (_, i) => `line ${i} ${(i * 7919) % 1000} abc,${(i * 31) % 97} the quick brown fox`,
    );
    const text = `${lines.join('\n')}\n`;
    writeFileSync(join(dir, 't.txt'), text);
    writeFileSync(join(dir, 's.txt'), `${[...lines].sort(() => random.below(3) - 1).join('\n')}\n`);
    writeFileSync(join(dir, 'u.txt'), text.replaceAll('fox 1', 'dog 1').replace(/line 2\d .*\n/g, ''));
    writeFileSync(join(dir, 'r.bin'), random.bytes(40_000));
    writeFileSync(join(dir, 't.txt.gz'), gzipSync(text));
    mkdirSync(join(dir, 'd'));
    for (const name of ['a', 'b', 'c']) writeFileSync(join(dir, 'd', name), text.repeat(2));
    spawnSync(BUSYBOX, ['tar', 'cf', 'x.tar', 'd'], { cwd: dir });
    // A stored stream would not exercise the decoder: this one was compressed by xz.
    writeFileSync(join(dir, 't.txt.xz'), Buffer.from(XZ, 'base64'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const image = here ? readImage(readFileSync(BUSYBOX)) : null;

  test.each(COMMANDS)('%s', (line) => {
    const parts = words(line);
    const from = parts.findIndex((part) => part.startsWith('<'));
    const input = from < 0 ? Buffer.alloc(0) : readFileSync(join(dir, parts.splice(from, 1)[0]!.slice(1)));
    const native = spawnSync(BUSYBOX, parts, { cwd: dir, input, env: { PATH: '/bin' }, maxBuffer: 1 << 26 });

    const out: Uint8Array[] = [];
    let rest: Uint8Array = input;
    const kernel = new Kernel(new Machine({ syscall: true, memory: 256 << 20 }), {
      cwd: dir,
      grants: [{ host: dir, guest: dir, readOnly: true }],
      stdio: {
        read: (length) => {
          const part = rest.subarray(0, length);
          rest = rest.subarray(length);
          return part;
        },
        write: (stream, bytes) => {
          if (stream === 1) out.push(bytes.slice());
          return bytes.length;
        },
      },
    });
    kernel.exec(image!, ['busybox', ...parts], ['PATH=/bin'], '/bin/busybox');
    const end = kernel.run({ milliseconds: 60_000 });
    kernel.close();
    expect(end).toEqual({ kind: 'exited', status: native.status });
    expect(Buffer.concat(out).equals(native.stdout)).toBe(true);
    expect(native.error).toBeUndefined();
  });
});

/** 400 lines of text, compressed by xz. */
const XZ =
  '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4EQQBANdADYaSh8IoCYDTQad7+2MoT/IOM9thS+YBVT3V81fWtWh6jScnXByA1GAiepPT0oNu5/OSz' +
  'w5vH0CpfFMoAbffflQtFVm6k75NaA5kZfWM2OJtAs+o8yMPCYdEql24fw8pC4MIQ+uqm+QG2ZY/4+CfJ4hiST+JgHoHT/q1N3uKIFyXTCtpLiv' +
  '1pQNREFlXqNczGbFysykQoy7hQXA24yP7aYHDpyD/+OIXqhgkTou4I89Ps5D3lr/xcacnzfg5es5nD91PWIl08vhaDdnTF0onzjcDoxxn3od2G' +
  '/8f4uhu5JlkkPxoUo22pV9EAojOUDLfsUohx+hg2WKrGz3ZQXyJmB2Sf89RJFCuOvSFyqFLFKej274YEdQGMBI9gnvvRONZQNHucdUq+UCyzi3' +
  'qkAbS3yiVs9q/2vXVJv5F193uAPT5swTTpGySX6bexjnSvdt8RDk7iIFMc367WPZvhbRAK4nsV+ceGVgCLAQzgXzFyCIOgac2zNPKRV5cc+Jwu' +
  'UZfAJpT5JrEcktpK2vWGyJGZSOGVLtcX1K/ZL2Mq51AJv2/dAEXQS9GMo0oLf8/P5/LF/bl3SaFyQr0t8qzP4J8EcETlIssR9j9YP8XuWx15t2' +
  'BrVD4iwm5XTVxktWmnx+3HuOmy3IUcbP5VbdUTyBnVnRu7aor4DrsdgdyJ0HW8iXrTY5/cON0h0rSoaZvXzMypMxb0OIXR+CH0Tz5C1I+DaIVa' +
  'GJURkIpDLEM3/cOdLsp477I4Vg7NgVtBzsHTHsQ84Ni/n3BW1qw1qwwOO64pr78JmL9hniYYqdz8byoRWg1zFwxDQYFfcO2/cl9wrEfrTKbBlz' +
  'zgXZPkx3b3kQYFquog6Wh3600MDAgXdk3sB9ewrpd1b35/sNZ6BNJQfo5nd8uMFYbNIDX/RzmxyLbQ6EFPeFhQTnEzgyoq1yIyjsfNmWmT6Ilx' +
  'tlfK8rDRBS9Cus6v0u63i7O5vfXgjtb+bLLLCEH8LQfDlrvEkRuXmIAMJRPxJNP/02g9nu1ubycgizqt2twJi18035Er4Z+DYxMj5YyB1Rl46b' +
  'LkPAYZ5//vL98j3aJYLhXdR4W1uNtwN2mgkGgnKM8J4T/PZpTsQuYByTnIyzkmNuuQuUcGK6boqum7vyFeTnYYFAqFoQMGyE3US7QiVirAvBoF' +
  'HMYCRGTEg+GREH0Ta8c8zEZCnRcLHfVa9MC3/HbUtUfbUwdeiEm4CLJMC606NroexaBE7q1NKfJwLjByhdl4IsU9F5irmtKaNWrfHpbDLN0RbZ' +
  'ahKIJ88eEB06HXaX5zGJvL9vMxmJdigb8QVMkRBAtUQH/ymMyzDU7DqvmhKUaKZE3JuCOKPyR+gS7agGPJGsDHD6PKAAAIns0eGjhBh3AAGfCJ' +
  'GIAQAyxtTsscRn+wIAAAAABFla';
