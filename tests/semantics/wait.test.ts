// biome-ignore-all format: a test is a line
import { expect, test } from 'vitest';
import { Machine } from '../../src/machine/machine.ts';
import { check, data, everyMnemonicOf } from '../support/check.ts';

const line = (at: number, value: bigint): Record<`m64[${number}]`, bigint> => Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((n) => [`m64[${at + 8 * n}]`, value]));

// the line is aligned by itself
check('0f 01 fc', 'clzero rax', [{ rax: data(0x27f), ...line(0x240, 0x77n) }, { ...line(0x240, 0n) }]);
check('67 0f 01 fc', 'clzero eax', [{ rax: 0xffff_ffff_0000_0000n | data(0x240), ...line(0x240, 0x77n) }, { ...line(0x240, 0n) }]);
check('0f 01 fc', 'clzero rax', [{ rax: 0x1000n }, { fault: '#PF(6)', cr2: 0x1000n }]);
check('0f 01 fc', 'clzero rax', [{ rax: 0x8000_0000_0000n }, { fault: '#GP(0)' }]);

check('0f 01 fa', 'monitorx', [{ rax: data(0x240), rcx: 0n }, {}]);
check('0f 01 fa', 'monitorx', [{ rax: data(0x240), rcx: 1n }, { fault: '#GP(0)' }]);
check('0f 01 fa', 'monitorx', [{ rax: 0x1000n, rcx: 0n }, { fault: '#PF(4)', cr2: 0x1000n }]);
check('0f 01 fb', 'mwaitx', [{ rcx: 3n, rbx: 100n }, {}]);
check('0f 01 fb', 'mwaitx', [{ rcx: 4n }, { fault: '#GP(0)' }]);
check('0f 01 fb', 'mwaitx', [{ rcx: 1n << 32n }, { fault: '#GP(0)' }]);

check('f3 0f ae f0', 'umonitor rax', [{ rax: data(0x240) }, {}]);
check('67 f3 0f ae f0', 'umonitor eax', [{ rax: 0xffff_ffff_0000_0000n | data(0x240) }, {}]);
check('f3 0f ae f0', 'umonitor rax', [{ rax: 0x1000n }, { fault: '#PF(4)', cr2: 0x1000n }]);
check('f2 0f ae f1', 'umwait ecx', [{ rcx: 1n }, { flags: '' }]);
check('f2 0f ae f1', 'umwait ecx', [{ rcx: 2n }, { fault: '#GP(0)' }]);
check('66 0f ae f1', 'tpause ecx', [{ rcx: 0xffff_ffff_0000_0000n }, { flags: '' }]);
check('66 0f ae f1', 'tpause ecx', [{ rcx: 3n }, { fault: '#GP(0)' }]);
check('66 0f ae f1', 'tpause ecx', [{ rcx: 0n, cr4: 0x4n }, { fault: '#GP(0)' }]);
check('66 0f ae f1', 'tpause ecx', [{ rcx: 0n, cr4: 0x4n }, { flags: '' }], { cpl: 0 });

check('f3 48 0f ae e0', 'ptwrite rax', [{}, {}]);
check('f3 0f ae 23', 'ptwrite dword ptr [rbx]', [{ rbx: data(0x240) }, {}]);
check('f3 0f ae 23', 'ptwrite dword ptr [rbx]', [{ rbx: 0x1000n }, { fault: '#PF(4)', cr2: 0x1000n }]);

everyMnemonicOf('wait');

test('IA32_UMWAIT_CONTROL is there with WAITPKG, and refuses reserved bits', () => {
  // wrmsr; rdmsr; hlt
  const code = Uint8Array.of(0x0f, 0x30, 0x0f, 0x32, 0xf4);
  const run = (cpu: string, value: bigint): string => {
    const machine = new Machine({ memory: 1 << 22, engine: 'interpreter', cpu });
    machine.memory.write(0x1000, code);
    for (const [at, entry] of [[0x2000, 0x3007n], [0x3000, 0x83n]] as const) machine.memory.writeU64(at, entry);
    machine.setRoot(0x2000);
    machine.setPrivilege(0);
    machine.memory.writeU64(0x3000, 0x4007n);
    machine.memory.writeU64(0x4000, 0x83n);
    machine.cpu.rip = 0x1000n;
    machine.cpu.setGpr(0, value & 0xffff_ffffn);
    machine.cpu.setGpr(1, 0xe1n);
    machine.cpu.setGpr(2, value >> 32n);
    const exit = machine.run(3);
    return exit.kind === 'fault' ? `vector ${exit.fault.vector}` : machine.cpu.gpr(0).toString(16);
  };
  expect(['max', 'x86-64-v4', 'x86-64,+waitpkg', 'max,-waitpkg'].map((cpu) => run(cpu, 0x1_86a1n))).toEqual(['186a1', 'vector 13', '186a1', 'vector 13']);
  expect(run('max', 2n)).toBe('vector 13');
  expect(run('max', 1n << 32n)).toBe('vector 13');
});
