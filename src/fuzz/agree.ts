import { avx512Differences } from '../oracle/avx512.ts';
import type { OracleCase, OracleResult } from '../oracle/case.ts';
import { REGIONS, regionOf } from '../oracle/layout.ts';
import { hostFeatures } from '../oracle/native.ts';
import type { Sandbox } from '../oracle/sandbox.ts';
import { FX, FXSAVE_WRITTEN, fxsaveImage } from '../state/fxsave.ts';
import { FS_BASE, GPR, GS_BASE, vectorAt } from '../state/layout.ts';
import { FLAG } from '../state/rflags.ts';
import type { Ending } from './oracles.ts';

/** The quick look: bytes against bytes. Where it says no, `differences.ts` says what, and whether the manual leaves it open. */

const same = (a: Uint8Array, from: number, b: Uint8Array, at: number, length: number): boolean =>
  Buffer.compare(a.subarray(from, from + length), b.subarray(at, at + length)) === 0;

const WRITABLE = REGIONS.filter((region) => region.writable);
const expected = new Map(WRITABLE.map((region) => [region, new Uint8Array(region.size)]));

/** Whether memory is what the sequence started with and the host changed. */
function memoryAgrees(sandbox: Sandbox, c: OracleCase, host: OracleResult): boolean {
  for (const region of WRITABLE) expected.get(region)!.fill(region.background);
  const put = (address: bigint, bytes: Uint8Array): void => {
    const region = regionOf(address, bytes.length);
    const image = region && expected.get(region);
    if (image) image.set(bytes, Number(address - region.base));
  };
  for (const { address, bytes } of c.memory ?? []) put(address, bytes);
  put(c.codeAddress!, c.code);
  for (const { address, bytes } of host.changes) put(address, bytes);
  return WRITABLE.every((region) => {
    const bytes = sandbox.machine.memory.bytes(sandbox.physical(region.base), region.size);
    return Buffer.compare(bytes, expected.get(region)!) === 0;
  });
}

function endingsAgree(ending: Ending, { ending: host }: OracleResult): boolean {
  if (ending.kind !== 'fault' || host.kind !== 'fault') return ending.kind === host.kind;
  const { vector, errorCode, cr2 } = ending.fault;
  return vector === host.vector && (errorCode ?? 0) === Number(host.error) && (cr2 === null || cr2 === host.cr2);
}

/** Whether the sandbox and the host left the same state, but for these flags. */
export function agrees(
  sandbox: Sandbox,
  ending: Ending,
  c: OracleCase,
  host: OracleResult,
  openFlags: number,
  ymm: boolean,
  zmm = ymm && hostFeatures().has('AVX512F'),
): boolean {
  const { cpu } = sandbox.machine;
  if (!endingsAgree(ending, host) || cpu.rip !== host.rip) return false;
  if ((cpu.rflags ^ host.rflags) & ~(openFlags | FLAG.RF)) return false;
  const gpr = new Uint8Array(host.gpr.buffer, host.gpr.byteOffset, 128);
  if (!same(cpu.u8, GPR, gpr, 0, 128)) return false;
  const image = fxsaveImage(cpu);
  const hostImage = host.fxsave;
  if (!same(image, 0, hostImage, 0, FX.op)) return false;
  if (!same(image, FX.mxcsr, hostImage, FX.mxcsr, 4)) return false;
  if (!same(image, FX.st, hostImage, FX.st, FXSAVE_WRITTEN - FX.st)) return false;
  if (ymm) {
    const high = host.ymmHighBytes;
    for (let n = 0; n < 16; n++) if (!same(cpu.u8, vectorAt(n) + 16, high, 16 * n, 16)) return false;
  }
  if (zmm && avx512Differences(cpu, host.avx512).length > 0) return false;
  if (cpu.u64(FS_BASE) !== host.fsBase || cpu.u64(GS_BASE) !== host.gsBase) return false;
  return memoryAgrees(sandbox, c, host);
}
