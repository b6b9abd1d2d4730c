import { describe, expect, test } from 'vitest';
import '../../src/semantics/index.ts';
import { Random } from '../../src/bits/random.ts';
import { createBuilder } from '../../src/ir/builder.ts';
import type { Node } from '../../src/ir/nodes.ts';
import { removeDeadStores } from '../../src/ir/passes/dead-stores.ts';
import { print } from '../../src/ir/print.ts';
import { verify } from '../../src/ir/verify.ts';
import { drawInsn, findEncodings } from '../../src/oracle/encodings.ts';
import { definedMnemonics, instructionNamed } from '../../src/semantics/define.ts';
import { liftInsn } from '../../src/semantics/lift.ts';
import { gprAt } from '../../src/state/layout.ts';

const RAX = gprAt(0);

describe('building', () => {
  test('constants fold by the rows', () => {
    const b = createBuilder();
    const sum = b.add(b.constant(250n, 8), b.constant(10n, 8));
    expect(sum).toMatchObject({ op: 'const', w: 8, attr: { value: 4n } });
  });

  test('neutral operands give the other one back', () => {
    const b = createBuilder();
    const x = b.get(RAX, 32);
    expect(b.add(x, b.constant(0n, 32))).toBe(x);
    expect(b.and(b.constant(0xffff_ffffn, 32), x)).toBe(x);
    expect(b.select(b.constant(0n, 1), b.constant(1n, 32), x)).toBe(x);
  });

  test('operands of different widths are refused at once', () => {
    const b = createBuilder();
    expect(() => b.add(b.get(RAX, 32), b.get(RAX, 64))).toThrow('add: operands of 32, 64 bits');
  });
});

describe('verify', () => {
  test('a node before its argument', () => {
    const b = createBuilder();
    const x = b.get(RAX, 64);
    b.put(RAX, x);
    const [get, put] = b.block().nodes as [Node, Node];
    expect(verify({ nodes: [put, get] })).toEqual(['%0 put: uses get before it stands in the block']);
  });

  test('every definition lifts to a sound block, with and without dead stores', () => {
    const random = new Random(1);
    let lifted = 0;
    for (const encoding of findEncodings((insn) => instructionNamed(insn.mnemonic) !== undefined)) {
      const insn = drawInsn(encoding, random);
      const block = insn && liftInsn(insn, 0x1000n);
      if (!block) continue;
      expect(verify(block), encoding.codeName).toEqual([]);
      expect(verify(removeDeadStores(block)), encoding.codeName).toEqual([]);
      lifted++;
    }
    expect(lifted).toBeGreaterThan(definedMnemonics().length);
  });
});

describe('dead stores', () => {
  test('a flag that is written twice keeps the last write', () => {
    const b = createBuilder();
    b.putFlag('cf', b.eqz(b.get(RAX, 64)));
    b.putFlag('cf', b.constant(1n, 1));
    expect(print(removeDeadStores(b.block()))).toBe('putflag [flag cf] 0x1');
  });

  test('a load in between keeps both: it may fault and show the first', () => {
    const b = createBuilder();
    b.putFlag('cf', b.constant(0n, 1));
    b.put(RAX, b.load(b.get(gprAt(3), 64), 64, 'general'));
    b.putFlag('cf', b.constant(1n, 1));
    expect(removeDeadStores(b.block()).nodes.filter((n) => n.op === 'putflag')).toHaveLength(2);
  });

  test('a narrower write does not cover a wider one', () => {
    const b = createBuilder();
    b.put(RAX, b.constant(1n, 64));
    b.put(RAX, b.constant(2n, 8));
    expect(removeDeadStores(b.block()).nodes.filter((n) => n.op === 'put')).toHaveLength(2);
  });
});

test('print shows one node a line', () => {
  const b = createBuilder();
  b.put(RAX, b.add(b.get(RAX, 64), b.constant(1n, 64)));
  expect(print(b.block())).toBe(`%0 = get.64 [place 0x1000]\n%1 = add.64 %0 0x1\nput [place 0x1000] %1`);
});
