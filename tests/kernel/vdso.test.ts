import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readImage } from '../../src/elf/image.ts';
import { DEFAULT_EPOCH } from '../../src/kernel/clock.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { VDSO_IMAGE } from '../../src/kernel/vdso/image.ts';
import { Machine } from '../../src/machine/machine.ts';
import { guestPath } from '../guests/expected.ts';
import { elfFile } from '../support/elf-file.ts';
import { SyscallBench } from '../support/syscalls.ts';

/** How a program of these bytes ends. */
function end(code: string) {
  const kernel = new Kernel(new Machine({ syscall: true, memory: 16 << 20 }));
  kernel.exec(readImage(elfFile({ body: Uint8Array.from(Buffer.from(code.replaceAll(' ', ''), 'hex')) })), ['x'], []);
  return kernel.run({ instructions: 1e6 });
}

describe('the vDSO', () => {
  it('is the committed image', () => {
    expect(Buffer.from(VDSO_IMAGE, 'base64').equals(readFileSync(guestPath('vdso/vdso.so')))).toBe(true);
  });

  it('is mapped into every process, its data before it, and neither can be written', () => {
    const b = new SyscallBench();
    const maps = b.contents('/proc/self/maps');
    const [, vvar, vdso] = /([0-9a-f]+)-[0-9a-f]+ r--s .*\[vvar\]\n([0-9a-f]+)-[0-9a-f]+ r-xs .*\[vdso\]/.exec(maps)!;
    expect(Number.parseInt(vdso!, 16) - Number.parseInt(vvar!, 16)).toBe(4096);
    expect(b.user.u32(Number.parseInt(vdso!, 16))).toBe(0x464c_457f);
    expect(b.call('mprotect', Number.parseInt(vvar!, 16), 4096, 3)).toBe('EACCES');
    const auxv = new DataView(b.process.program.auxv.buffer);
    expect(auxv.getBigUint64(0, true)).toBe(33n);
    expect(auxv.getBigUint64(8, true)).toBe(BigInt(`0x${vdso}`));
  });
});

describe('the vsyscall page', () => {
  it('is emulated: time', () => {
    // mov rax,-10 MiB + 0x400; xor edi,edi; call rax; mov edi,eax; shr edi,24; mov eax,231; syscall
    const seconds = Number(DEFAULT_EPOCH / 1_000_000_000n);
    expect(end('48c7c0000460ff 31ff ffd0 89c7 c1ef18 b8e7000000 0f05')).toEqual({
      kind: 'exited',
      status: seconds >>> 24,
    });
  });

  it('has nothing between its entries', () => {
    expect(end('48c7c0010460ff ffd0')).toMatchObject({ kind: 'killed', signal: 11 });
    expect(end('488b042500 0060ff'.replaceAll(' ', ''))).toMatchObject({ kind: 'killed', signal: 11 });
  });
});
