import { mask, type Width, wrap } from '../bits/width.ts';
import type { AddressFault, Attr, Block, Field, FlagName, Node, Place, Val } from './nodes.ts';
import { type Row, SCALAR_ROWS } from './ops.ts';
import { ACROSS_ROWS } from './ops-across.ts';
import { CRYPTO_ROWS } from './ops-crypto.ts';
import { LANE_ROWS, VECTOR_ROWS } from './ops-vector.ts';

/** Every pure operation: the one table behind the builder, the folder, both engines, the printer and the property test. */
export const ROWS = {
  ...SCALAR_ROWS,
  ...VECTOR_ROWS,
  ...ACROSS_ROWS,
  ...CRYPTO_ROWS,
  ...LANE_ROWS,
} as const satisfies Record<string, Row>;
export type RowName = keyof typeof ROWS;

interface Signatures {
  unary: (a: Val) => Val;
  binary: (a: Val, b: Val) => Val;
  ternary: (a: Val, b: Val, c: Val) => Val;
  test: (a: Val) => Val;
  compare: (a: Val, b: Val) => Val;
  resize: (a: Val, width: number) => Val;
  join: (low: Val, high: Val) => Val;
  select: (condition: Val, a: Val, b: Val) => Val;
}
type Pure = { readonly [K in RowName]: Signatures[(typeof ROWS)[K]['kind']] };

/** The row of a pure operation, or undefined for an effect, a constant or a field. */
export function rowOf(op: string): Row | undefined {
  return Object.hasOwn(ROWS, op) ? (ROWS as Record<string, Row>)[op] : undefined;
}

/** The result width of a pure row applied to these arguments. */
export function resultWidth(row: Row, args: readonly Val[], requested?: Width): Width {
  switch (row.kind) {
    case 'test':
    case 'compare':
      return 1;
    case 'resize':
      return requested!;
    case 'join':
      return (args[0]!.w * 2) as Width;
    case 'select':
      return args[1]!.w;
    default:
      return args[0]!.w;
  }
}

/** Width at which a row operates: its first argument's, a select's second. */
export const operandWidth = (row: Row, args: readonly Node[]): number =>
  (row.kind === 'select' ? args[1]! : args[0]!).w;

const NO_ATTR: Attr = Object.freeze({});

const at = (place: Place, offset: number): Attr =>
  typeof place === 'number' ? { place: place + offset } : { place, offset };

/** The effects of a block under construction; the rows' methods are added to its prototype below. */
export class Effects {
  readonly nodes: Node[] = [];

  protected push<T extends Node>(node: T): T {
    this.nodes.push(node);
    return node;
  }

  protected node(op: string, w: Width | 0, args: readonly Node[], attr: Attr): Node {
    return this.push({ op, w, args, attr });
  }

  /** The value of a pure operation: an argument where that is the same, else a new node from `make`. */
  intern(op: string, _w: Width, args: readonly Val[], make: () => Val): Val {
    return identity(op, args) ?? make();
  }

  constant(value: bigint, w: Width): Val {
    return this.node('const', w, [], { value: wrap(value, w) }) as Val;
  }

  /** A value that the record holds (an immediate, a displacement). */
  field(field: Field, w: Width): Val {
    return this.node('field', w, [], { field }) as Val;
  }

  /** Reads `w` bits of the CPU state, `offset` bytes behind `place`. */
  get(place: Place, w: Width, offset = 0): Val {
    return this.node('get', w, [], at(place, offset)) as Val;
  }

  /** Writes exactly the value's bits: neighbours stay as they are. */
  put(place: Place, value: Val, offset = 0): void {
    this.node('put', 0, [value], at(place, offset));
  }

  getFlag(flag: FlagName): Val {
    return this.node('getflag', 1, [], { flag }) as Val;
  }

  putFlag(flag: FlagName, value: Val): void {
    this.node('putflag', 0, [value], { flag });
  }

  /** Loads `w` bits. With intent `write` the page must be writable too, as for the load of a read-modify-write. */
  load(address: Val, w: Width, fault: AddressFault, intent: 'read' | 'write' = 'read'): Val {
    return this.node('load', w, [address], { fault, intent }) as Val;
  }

  store(address: Val, value: Val, fault: AddressFault): void {
    this.node('store', 0, [address, value], { fault });
  }

  trapIf(condition: Val, vector: number, errorCode: number | null = null): void {
    if (condition.op === 'const' && condition.attr.value === 0n) return;
    this.node('trapif', 0, [condition], { vector, errorCode });
  }

  /** Calls a helper. `w` 0: no result. */
  call(helper: string, w: Width | 0, ...args: Val[]): Val {
    return this.node('call', w, args, { helper }) as Val;
  }

  /** Calls a helper that does not fault in each lane of `lane` bits of vectors, lowest first; the results are a vector. */
  callLanes(helper: string, lane: 32 | 64, ...vectors: Val[]): Val {
    return this.node('calls', 128, vectors, { helper, lane }) as Val;
  }

  jump(target: Val): void {
    this.node('jump', 0, [target], NO_ATTR);
  }

  branch(condition: Val, target: Val): void {
    this.node('branch', 0, [condition, target], NO_ATTR);
  }

  skipIf(condition: Val): void {
    if (condition.op === 'const' && condition.attr.value === 0n) return;
    this.node('skipif', 0, [condition], NO_ATTR);
  }

  again(condition: Val): void {
    this.node('again', 0, [condition], NO_ATTR);
  }

  exit(reason: number): void {
    this.node('exit', 0, [], { exit: reason });
  }

  block(): Block {
    return Object.freeze({ nodes: Object.freeze([...this.nodes]) });
  }
}

function isConstant(node: Node): boolean {
  return node.op === 'const';
}

function rowMethod(name: string, row: Row) {
  return function (this: Effects, ...args: unknown[]): Val {
    const requested = row.kind === 'resize' ? (args.pop() as Width) : undefined;
    const values = args as Val[];
    const first = values[0]!;
    checkWidths(name, row, values);
    const w = resultWidth(row, values, requested);
    if ((name === 'zext' || name === 'trunc' || name === 'sext') && w === first.w) return first;
    if (values.every(isConstant)) {
      const folded = row.eval(
        operandWidth(row, values),
        values.map((v) => v.attr.value!),
        w,
      );
      return this.constant(folded, w);
    }
    return this.intern(name, w, values, () => {
      const node = { op: name, w, args: values, attr: NO_ATTR } as Val;
      this.nodes.push(node);
      return node;
    });
  };
}

/** Every row's operands have one width (a select's condition aside), and it is one that the row knows. */
function checkWidths(name: string, row: Row, args: readonly Val[]): void {
  const operands = row.kind === 'select' ? args.slice(1) : args;
  const w = operands[0]!.w;
  if (!row.widths.some((known) => known === w) || operands.some((v) => v.w !== w))
    throw new TypeError(`${name}: operands of ${args.map((v) => v.w).join(', ')} bits`);
}

/** Rows that give back an argument: x + 0, x ∧ −1, select of a constant … */
export function identity(name: string, args: readonly Val[]): Val | undefined {
  const [a, b, c] = args;
  const is = (v: Val | undefined, value: bigint): boolean => v !== undefined && isConstant(v) && v.attr.value === value;
  switch (name) {
    case 'add':
    case 'or':
    case 'xor':
      return is(b, 0n) ? a : is(a, 0n) ? b : undefined;
    case 'sub':
    case 'shl':
    case 'shr':
    case 'sar':
      return is(b, 0n) ? a : undefined;
    case 'and':
      return is(b, mask(b!.w)) ? a : is(a, mask(a!.w)) ? b : undefined;
    case 'select':
      return is(a, 1n) ? b : is(a, 0n) ? c : undefined;
    default:
      return undefined;
  }
}

for (const [name, row] of Object.entries(ROWS))
  Object.defineProperty(Effects.prototype, name, { value: rowMethod(name, row), enumerable: false });

/** Builds the IR of one instruction or block: one method a row, typed from the table, and the effects. */
export type Builder = Effects & Pure;

export function createBuilder(): Builder {
  return new Effects() as Builder;
}
