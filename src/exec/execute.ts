import { mapLanes, mask, wrap } from '../bits/width.ts';
import { operandWidth, rowOf } from '../ir/builder.ts';
import type { AddressFault, Block, FlagName, Node } from '../ir/nodes.ts';
import { helperNamed } from '../semantics/helpers/helper.ts';
import * as L from '../state/layout.ts';
import { PENDING_KIND } from '../state/pending.ts';
import { evenParity } from '../state/rflags.ts';
import type { ExecContext } from './context.ts';

/** How an instruction ended. */
export type Outcome = 'next' | 'jump' | 'again' | 'fault' | 'exit';

/** Executes the IR of one instruction, every node by its row's `eval`. RIP changes only where it jumps. */
export function execute(context: ExecContext, block: Block): Outcome {
  const { cpu, mmu } = context;
  const view = cpu.view;
  const values = new Map<Node, bigint>();
  const value = (node: Node): bigint => (node.op === 'const' ? node.attr.value! : values.get(node)!);
  for (const node of block.nodes) {
    const { op, args, attr, w } = node;
    const row = rowOf(op);
    if (row !== undefined) {
      values.set(node, wrap(row.eval(operandWidth(row, args), args.map(value), w), w));
      continue;
    }
    switch (op) {
      case 'const':
        break;
      case 'get':
        values.set(node, readPlace(view, attr.place as number, w));
        break;
      case 'put':
        writePlace(view, attr.place as number, value(args[0]!), args[0]!.w);
        break;
      case 'getflag':
        values.set(node, readFlag(view, attr.flag!));
        break;
      case 'putflag':
        writeFlag(view, attr.flag!, value(args[0]!));
        break;
      case 'load': {
        const loaded = mmu.read(value(args[0]!), w / 8, isStack(attr.fault!), attr.intent === 'write');
        if (loaded === null) return 'fault';
        values.set(node, loaded);
        break;
      }
      case 'store':
        if (!mmu.write(value(args[0]!), value(args[1]!), args[1]!.w / 8, isStack(attr.fault!))) return 'fault';
        break;
      case 'trapif':
        if (value(args[0]!) === 0n) break;
        context.fault(attr.vector!, attr.errorCode ?? null);
        return 'fault';
      case 'call': {
        const result = helperNamed(attr.helper!).run(context, ...args.map(value));
        if (view.getInt32(L.PENDING, true) !== PENDING_KIND.none) return 'fault';
        if (w > 0) values.set(node, wrap(result ?? 0n, w));
        break;
      }
      case 'calls': {
        const { run } = helperNamed(attr.helper!);
        const lanes = mapLanes(attr.lane!, (...lane) => run(context, ...lane) ?? 0n, ...args.map(value));
        values.set(node, lanes);
        break;
      }
      case 'jump':
        cpu.rip = value(args[0]!);
        return 'jump';
      case 'branch':
        if (value(args[0]!) === 0n) return 'next';
        cpu.rip = value(args[1]!);
        return 'jump';
      case 'skipif':
        if (value(args[0]!) !== 0n) return 'next';
        break;
      case 'again':
        return value(args[0]!) !== 0n ? 'again' : 'next';
      case 'exit':
        view.setInt32(L.PENDING, attr.exit!, true);
        return 'exit';
      default:
        throw new Error(`the reference engine does not know ${op}`);
    }
  }
  return 'next';
}

const isStack = (fault: AddressFault): boolean => fault === 'stack';

function readPlace(view: DataView, at: number, w: number): bigint {
  switch (w) {
    case 8:
      return BigInt(view.getUint8(at));
    case 16:
      return BigInt(view.getUint16(at, true));
    case 32:
      return BigInt(view.getUint32(at, true));
    case 64:
      return view.getBigUint64(at, true);
    default:
      return view.getBigUint64(at, true) | (view.getBigUint64(at + 8, true) << 64n);
  }
}

function writePlace(view: DataView, at: number, value: bigint, w: number): void {
  if (w === 8) view.setUint8(at, Number(value));
  else if (w === 16) view.setUint16(at, Number(value), true);
  else if (w === 32) view.setUint32(at, Number(value), true);
  else view.setBigUint64(at, value & mask(64), true);
  if (w === 128) view.setBigUint64(at + 8, value >> 64n, true);
}

function readFlag(view: DataView, flag: FlagName): bigint {
  switch (flag) {
    case 'zf':
      return view.getBigUint64(L.ZF_SLOT, true) === 0n ? 1n : 0n;
    case 'sf':
      return BigInt(view.getUint8(L.SF_SLOT + 7) >> 7);
    case 'pf':
      return BigInt(evenParity(view.getUint8(L.PF_SLOT)));
    case 'af':
      return BigInt((view.getUint8(L.AF_SLOT) >> 4) & 1);
    case 'cf':
      return BigInt(view.getUint8(L.CF_SLOT) & 1);
    case 'of':
      return BigInt(view.getUint8(L.OF_SLOT) & 1);
  }
}

function writeFlag(view: DataView, flag: FlagName, value: bigint): void {
  const on = value === 1n;
  switch (flag) {
    case 'zf':
      return view.setBigUint64(L.ZF_SLOT, on ? 0n : 1n, true);
    case 'sf':
      return view.setBigUint64(L.SF_SLOT, on ? 1n << 63n : 0n, true);
    case 'pf':
      return view.setUint8(L.PF_SLOT, on ? 0 : 1);
    case 'af':
      return view.setUint8(L.AF_SLOT, on ? 16 : 0);
    case 'cf':
      return view.setUint8(L.CF_SLOT, on ? 1 : 0);
    case 'of':
      return view.setUint8(L.OF_SLOT, on ? 1 : 0);
  }
}
