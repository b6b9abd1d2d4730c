import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ENGINE_NAMES } from '../../src/exec/engine.ts';
import { guestPath } from '../guests/expected.ts';
import { ONE_LINE, swapgs } from '../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'swapgs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A report that somebody has posted; runs of blanks are one blank, as the archive of the list has them. */
const POSTED = `[ 4.939358] BUG: kernel NULL pointer dereference, address: 0000000000000000
[ 4.940090] #PF: supervisor write access in kernel mode
[ 4.940090] #PF: error_code(0x0002) - not-present page
[ 4.940090] PGD 0 P4D 0
[ 4.940090] Oops: 0002 [#1] PREEMPT SMP PTI
[ 4.940090] CPU: 1 PID: 52 Comm: kworker/u4:1 Not tainted 6.6.0-rc6-00365-g0c09c1d70838-dirty #7
[ 4.940090] Hardware name: QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.16.2-1.fc37 04/01/2014
[ 4.940090] RIP: 0010:begin_new_exec+0x8f2/0xa30
[ 4.940090] Code: 31 f6 e8 c1 49 f9 ff e9 3c fa ff ff 31 f6 4c 89 ef e8 b2 4a f9 ff e9 19 fa ff ff 31 f6 4c 89 ef e8 23 4a f9 ff e9 ea fa ff ff <f0> 41 ff 0c 24 0f 85 55 fb ff ff 4c 89 e7 e8 4b 02 df ff e9 48 fb
[ 4.940090] RSP: 0000:ffff9c84c01e3d68 EFLAGS: 00010246
[ 4.940090] RAX: 0000000000000000 RBX: ffff9946e30c1f00 RCX: 0000000000000000
[ 4.940090] RDX: 0000000000000000 RSI: ffff9946e2ff0000 RDI: ffff9946e30c2718
[ 4.940090] RBP: ffff9946c03a7c00 R08: 00000000fffffffe R09: 00000000ffffffff
[ 4.940090] R10: 000001ffffffffff R11: 0000000000000001 R12: 0000000000000000
[ 4.940090] R13: 0000000000000000 R14: ffff9946e30c2718 R15: ffff9946e2ff0000
[ 4.940090] FS: 0000000000000000(0000) GS:ffff994763f00000(0000) knlGS:0000000000000000
[ 4.940090] CS: 0010 DS: 0000 ES: 0000 CR0: 0000000080050033
[ 4.940090] CR2: 0000000000000000 CR3: 00000001003a8000 CR4: 00000000000406f0
[ 4.940090] Call Trace:
[ 4.940090] <TASK>
[ 4.940090] ? __die+0x1e/0x60
[ 4.940090] ? page_fault_oops+0x17b/0x470
[ 4.940090] ? search_module_extables+0x14/0x50
[ 4.940090] ? exc_page_fault+0x66/0x140
[ 4.940090] ? asm_exc_page_fault+0x26/0x30
[ 4.940090] ? begin_new_exec+0x8f2/0xa30
[ 4.940090] ? begin_new_exec+0x3ce/0xa30
[ 4.940090] ? load_elf_phdrs+0x67/0xb0
[ 4.940090] load_elf_binary+0x2bb/0x1770
[ 4.940090] ? __kernel_read+0x136/0x2d0
[ 4.940090] bprm_execve+0x277/0x630
[ 4.940090] kernel_execve+0x145/0x1a0
[ 4.940090] call_usermodehelper_exec_async+0xcb/0x180
[ 4.940090] ? __pfx_call_usermodehelper_exec_async+0x10/0x10
[ 4.940090] ret_from_fork+0x2f/0x50
[ 4.940090] ? __pfx_call_usermodehelper_exec_async+0x10/0x10
[ 4.940090] ret_from_fork_asm+0x1b/0x30
[ 4.940090] </TASK>
[ 4.940090] Modules linked in:
[ 4.940090] CR2: 0000000000000000
[ 5.017606] ---[ end trace 0000000000000000 ]---
[ 5.018957] RIP: 0010:begin_new_exec+0x8f2/0xa30
[ 5.020299] Code: 31 f6 e8 c1 49 f9 ff e9 3c fa ff ff 31 f6 4c 89 ef e8 b2 4a f9 ff e9 19 fa ff ff 31 f6 4c 89 ef e8 23 4a f9 ff e9 ea fa ff ff <f0> 41 ff 0c 24 0f 85 55 fb ff ff 4c 89 e7 e8 4b 02 df ff e9 48 fb
[ 5.024765] RSP: 0000:ffff9c84c01e3d68 EFLAGS: 00010246
[ 5.026150] RAX: 0000000000000000 RBX: ffff9946e30c1f00 RCX: 0000000000000000
[ 5.027916] RDX: 0000000000000000 RSI: ffff9946e2ff0000 RDI: ffff9946e30c2718
[ 5.029714] RBP: ffff9946c03a7c00 R08: 00000000fffffffe R09: 00000000ffffffff
[ 5.031461] R10: 000001ffffffffff R11: 0000000000000001 R12: 0000000000000000
[ 5.033186] R13: 0000000000000000 R14: ffff9946e30c2718 R15: ffff9946e2ff0000
[ 5.034908] FS: 0000000000000000(0000) GS:ffff994763f00000(0000) knlGS:0000000000000000
[ 5.036907] CS: 0010 DS: 0000 ES: 0000 CR0: 0000000080050033
[ 5.038341] CR2: 0000000000000000 CR3: 00000001003a8000 CR4: 00000000000406f0
[ 5.040044] Kernel panic - not syncing: Fatal exception
[ 5.040647] Kernel Offset: 0x22e00000 from 0xffffffff81000000 (relocation range: 0xffffffff80000000-0xffffffffbfffffff)
`;

/** What lies on the stack: return addresses by name, from where the handler's frames begin. */
const TRACE = [...POSTED.matchAll(/\] (\? )?(\w+)\+0x([0-9a-f]+)\/0x([0-9a-f]+)$/gm)].map(
  ([, unsure, name, offset, size]) => ({
    sure: unsure === undefined,
    name: name!,
    offset: BigInt(`0x${offset}`),
    size: Number.parseInt(size!, 16),
  }),
);
const TRACE_FROM = 0xffff9c84c01e3a00n;
const FUNCTION = 0xffffffffa42b5dd6n;
const RIP = FUNCTION + 0x8f2n;
/** Each function at a place of its own. */
const places = new Map(TRACE.map(({ name }, i) => [name, FUNCTION + BigInt(i) * 0x10000n] as const));
places.set('begin_new_exec', FUNCTION);
const text = (value: bigint): string => `0x${value.toString(16)}`;
const little = (value: bigint): string => Buffer.from(BigUint64Array.of(value).buffer).toString('hex');

const [, ...posted] = POSTED.matchAll(/^\[ ([\d.]+)\]/gm);
const registers = Object.fromEntries(
  [...POSTED.slice(0, POSTED.indexOf('CS: 0010')).matchAll(/\b(R\w\w): (?:0000:)?([0-9a-f]{16})/g)].map(
    ([, name, value]) => [name!.toLowerCase().replace(/^r0/, 'r'), `0x${value}`],
  ),
);
const info = {
  cpu: 1,
  pid: 52,
  comm: 'kworker/u4:1',
  release: '6.6.0-rc6-00365-g0c09c1d70838-dirty',
  build: '7',
  hardware: 'QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.16.2-1.fc37 04/01/2014',
  flags: 'PREEMPT SMP PTI',
  times: ['4.939358', ...posted.map(([, time]) => time!)],
  symbols: Object.fromEntries(
    TRACE.map(({ name, size }) => [name, `${text(places.get(name)!)}/${text(BigInt(size))}`]),
  ),
  registers: { cr3: '0x1003a8000' },
  traceFrom: text(TRACE_FROM),
  frames: [] as string[],
  panic: 'Fatal exception',
  kernelOffset: '0x22e00000',
};

describe('swapgs run --explain oops', () => {
  const onStack = TRACE;
  info.frames = onStack.flatMap(({ sure }, i) => (sure ? [text(TRACE_FROM + BigInt(8 * i))] : []));
  const file = join(folder, 'info.json');
  writeFileSync(file, JSON.stringify(info));
  const setting = (name: string, value: string): string[] => ['--reg', `${name}=${value}`];
  const args = [
    '--base', text(RIP - 42n), '--entry', text(RIP),
    '--map', '0xffff9c84c01e0000:16K:rw',
    '--mem', `${text(TRACE_FROM)}=${onStack.map(({ name, offset }) => little(places.get(name)! + offset)).join('')}`,
    ...Object.entries(registers).flatMap(([name, value]) => setting(name, value)),
    ...setting('eflags', '0x246'), ...setting('gsbase', '0xffff994763f00000'),
    ...setting('cr0', '0x80050033'), ...setting('cr4', '0x406f0'),
    ...['ss=0', 'ds=0', 'es=0', 'cs=0x10'].flatMap((one) => ['--reg', one]),
  ]; // biome-ignore format: options and their values

  it.each(ENGINE_NAMES)('prints the report of a NULL pointer from the machine as it stands (%s)', (engine) => {
    const done = swapgs([
      'run',
      '--bare',
      guestPath('bare/begin_new_exec.bin'),
      '--engine',
      engine,
      ...args,
      '--state',
      'none',
      '--explain',
      'oops',
      '--oops-info',
      file,
    ]);
    expect(done.stderr.replace(/[ \t]+/g, ' ').replace(/ $/gm, '')).toBe(POSTED);
    expect(done.stderr).toContain('[    4.940090] FS:  0000000000000000(0000) GS:ffff994763f00000(0000) knlGS:');
    expect(done.status).toBe(123);
  });

  it('refuses a file that says something else, in one line', () => {
    for (const [bad, word] of [
      ['{"cpu":"one"}', "'cpu'"],
      ['{"nobody":1}', "'nobody'"],
      ['[', 'JSON'],
      ['{"frames":["x"]}', "'frames'"],
    ] as const) {
      writeFileSync(join(folder, 'bad.json'), bad);
      const done = swapgs([
        'run',
        '--bare',
        guestPath('bare/begin_new_exec.bin'),
        ...args,
        '--explain',
        'oops',
        '--oops-info',
        join(folder, 'bad.json'),
        '--state',
        'none',
      ]);
      expect(done.stderr).toMatch(ONE_LINE);
      expect(done.stderr).toContain(word);
      expect(done.status).toBe(125);
    }
  });
});

describe('KASAN’s check of a per-CPU offset', () => {
  const base = 0xffffffff810c4c8fn;
  const common = [
    '--base', text(base), '--reg', 'cs=0x10', '--reg', 'r13=1', '--reg', 'cr2=0xffff8881ab1ff000', '--reg', 'rbx=0xffff88817700a000',
    '--reg', 'gsbase=0xffff888177000000', '--map', '0xffff888177027000:4K:rw', '--mem', '0xffff888177027310=efbeadde00000000',
    '--map', '0xffffffff85151000:4K:r', '--mem', '0xffffffff85151948=0000007781888fff',
    '--map', '0xffffffff810c0000:16K:rx', '--mem', '0xffffffff810c0840=c3',
  ]; // biome-ignore format: options and their values
  const file = join(folder, 'early.json');
  writeFileSync(
    file,
    JSON.stringify({ early: true, symbols: { cpu_init_exception_handling: `${text(base + 42n - 0x179n)}/0x740` } }),
  );

  it.each(ENGINE_NAMES)('#GP(0) at the shadow of 0x27310, CR2 as it was (%s)', (engine) => {
    const run = (...more: string[]) =>
      swapgs(['run', '--bare', guestPath('bare/kasan_shadow.bin'), '--engine', engine, ...common, ...more]);
    const { stderr, stdout, status } = run('--explain', 'oops', '--oops-info', file, '--json');
    expect(status).toBe(123);
    expect(JSON.parse(stdout)).toMatchObject({
      stop: { vector: 13, errorCode: 0 },
      regs: { rip: '0xffffffff810c4cb9', rax: '0x4e62' },
    });
    const lines = stderr.split('\n');
    expect(lines[0]).toBe('PANIC: early exception 0x0d IP 10:ffffffff810c4cb9 error 0 cr2 0xffff8881ab1ff000');
    expect(lines[1]).toBe('RIP: 0010:cpu_init_exception_handling+0x179/0x740');
    const why = swapgs(['decodecode'], { input: stderr }).stdout;
    expect(why).toContain('2a:* 80 3c 10 00');
    expect(why).toContain('the access that is checked is at 0x27310');
    expect(why).toContain('0x27310 is a bare per-CPU offset');
    // Without the check, the access itself reads the CPU's variable.
    const access = run('--entry', text(base + 52n), '--until', text(base + 60n), '--json');
    expect(access.status).toBe(0);
    expect(JSON.parse(access.stdout).regs.rax).toBe('0xdeadbeef');
  });
});

describe('swapgs decodecode', () => {
  it('reads standard input or a file, as text or JSON', () => {
    const text = swapgs(['decodecode'], { input: POSTED });
    expect(text).toMatchObject({ status: 0, stderr: '' });
    expect(text.stdout).toMatch(/^ {2}2a:\* f0 41 ff 0c 24 +lock decl \(%r12\)\t\t<-- trapping instruction$/m);
    writeFileSync(join(folder, 'oops.txt'), POSTED);
    const json = JSON.parse(swapgs(['decodecode', '--json', join(folder, 'oops.txt')]).stdout);
    expect(json.instructions.filter(({ trapping }: { trapping: boolean }) => trapping)).toEqual([
      { offset: 0x2a, bytes: 'f041ff0c24', text: 'lock decl (%r12)', trapping: true },
    ]);
    expect(json.explanation).toContain('a NULL pointer in r12');
  });

  it('says in one line what is wrong', () => {
    for (const [args, input] of [
      [['decodecode'], ''],
      [['decodecode'], 'no code here'],
      [['decodecode', '/nowhere'], ''],
    ] as const) {
      const done = swapgs(args, { input });
      expect(done.stderr).toMatch(ONE_LINE);
      expect(done.status).toBe(125);
    }
  });
});
