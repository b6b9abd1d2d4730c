import type { Random } from '../bits/random.ts';
import { decode } from '../decode/decode.ts';
import type { Insn } from '../decode/insn.ts';
import { constantFields, writtenRegisters } from '../decode/usage.ts';
import { CODE, WRITABLE_CODE } from '../oracle/layout.ts';
import { drawInstance } from './draw.ts';
import { endsJudgement, isOpen, openBehind, readsOpen } from './open.ts';
import { drawState, knownRegisters } from './state.ts';
import { type FuzzCase, offsetsOf, type StartState, type Step, withinBounds } from './steps.ts';
import { drawSystemPiece } from './system.ts';
import { drawTarget } from './targets.ts';
import { drawTilePiece } from './tiles.ts';
import type { Vocabulary, Word } from './vocabulary.ts';

export interface GenerateOptions {
  readonly vocabulary: Vocabulary;
  /** A CPU of another vendor than Intel judges: what the manual leaves open must not decide anything. */
  readonly strict: boolean;
  /** At most so many instructions. */
  readonly most: number;
}

const RCX = 1;
const RSP = 4;
const RSI = 6;
const RDI = 7;
const TRIES = 8;
const STRINGS = new Set('movs cmps stos lods scas'.split(' '));

/** Writes the steps of one sequence, with what is known of registers and open flags where the next one stands. */
class Writer {
  readonly steps: Step[] = [];
  readonly known: (number | null)[];
  readonly #random: Random;
  readonly #options: GenerateOptions;
  readonly #length: number;
  /** Flags that are open here, and at later steps because of branches that lead there. */
  #open = 0;
  readonly #openAt: number[];
  /** Tiles are configured. */
  #tiled = false;
  ended = false;

  constructor(random: Random, options: GenerateOptions, gpr: ArrayLike<bigint>, length: number) {
    this.#random = random;
    this.#options = options;
    this.#length = length;
    this.#openAt = new Array<number>(length + 1).fill(0);
    this.known = knownRegisters(gpr);
  }

  get full(): boolean {
    return this.ended || this.steps.length >= this.#length;
  }

  push(insn: Insn, extra: Omit<Step, 'bytes' | 'insn'> = {}): void {
    this.steps.push({ bytes: insn.bytes, insn, ...extra });
    this.#open = openBehind(insn, this.#open);
    if (extra.to !== undefined) this.#openAt[extra.to]! |= this.#open;
    this.#open |= this.#openAt[this.steps.length] ?? 0;
    const string = STRINGS.has(insn.mnemonic);
    // The stack pointer and the pointers of strings stay near where they were.
    for (const n of writtenRegisters(insn))
      if (n === RSP ? insn.operands[0]?.kind === 'reg' && insn.operands[0].register.n === RSP : !string || n === RCX)
        this.known[n] = null;
    if (this.#options.strict && endsJudgement(insn)) this.ended = true;
  }

  /** `mov $value, %reg`, by an encoding that reaches every register. */
  setRegister(n: number, value: number): void {
    const bytes = [...(n > 7 ? [0x41] : []), 0xb8 | (n & 7)];
    for (let i = 0; i < 4; i++) bytes.push((value >> (8 * i)) & 0xff);
    this.push(decode(Uint8Array.from(bytes)) as Insn);
    this.known[n] = value;
  }

  readonly #target = (): number => drawTarget(this.#random);

  /** A conditional or plain branch to a step ahead, where the vocabulary has any. */
  branch(): void {
    const { branches } = this.#options.vocabulary;
    if (branches.length > 0) this.any(() => this.#random.pick(branches));
  }

  /** Any instruction of the vocabulary. */
  any(pick: () => Word = () => this.#options.vocabulary.pick(this.#random)): void {
    const { strict } = this.#options;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const { template, mnemonic } = pick();
      if (STRINGS.has(mnemonic) && this.#prepareString()) return;
      if (mnemonic === 'ldtilecfg' && this.#configureTiles()) return;
      if (template.tiles && !this.#tiled && this.#configureTiles() && this.full) return;
      const drawn = drawInstance(template, this.#random, this.known, this.#target);
      if (drawn === null) continue;
      const { insn, place } = drawn;
      if (strict && (isOpen(insn) || readsOpen(insn, this.#open))) continue;
      // A stack pointer that leads nowhere ends most sequences.
      const first = insn.operands[0];
      if (first?.kind === 'reg' && first.register.file === 'gpr' && first.register.n === RSP && this.#random.below(8))
        continue;
      if (template.relative !== 0) this.push(insn, { to: this.#ahead() });
      else this.push(insn, place === undefined ? {} : { place });
      return;
    }
  }

  /** Somewhere ahead, the end included. */
  #ahead(): number {
    const here = this.steps.length + 1;
    return Math.min(this.#length, here + this.#random.below(Math.min(6, this.#length - here + 1)));
  }

  /** Gives a string instruction registers to work with, now and then; true when the sequence is full behind that. */
  #prepareString(): boolean {
    if (this.#random.below(3) === 0) return false;
    if (this.known[RCX] === null || this.known[RCX]! > 64) this.setRegister(RCX, this.#random.below(24));
    for (const n of [RSI, RDI]) if (!this.full && this.known[n] === null) this.setRegister(n, drawTarget(this.#random));
    return this.full;
  }

  /** A configuration that LDTILECFG takes, mostly: tiles that fit each other; false where there is no room for it. */
  #configureTiles(): boolean {
    const random = this.#random;
    const piece = drawTilePiece(random);
    if (random.below(8) === 0 || this.steps.length + piece.length > this.#length) return false;
    for (const bytes of piece) this.push(decode(Uint8Array.from(bytes)) as Insn);
    this.#tiled = true;
    return true;
  }

  /** A register that is not known any more points at memory again. */
  renew(): void {
    const lost = this.known.flatMap((value, n) => (value === null && n !== RSP ? [n] : []));
    const n = lost.length > 0 ? this.#random.pick(lost) : this.#random.below(16);
    if (n !== RSP) this.setRegister(n, this.#random.below(4) ? drawTarget(this.#random) : this.#random.below(64));
  }

  /** A jump or call through a register to a step ahead. */
  jumpThrough(): void {
    const n = this.#random.pick([0, 2, 3, 5, 6, 7, 9, 15]);
    const rex = n > 7 ? 0x4c : 0x48;
    const lea = Uint8Array.of(rex, 0x8d, 5 | ((n & 7) << 3), 0, 0, 0, 0);
    const to = Math.min(this.#length, this.steps.length + 2 + this.#random.below(3));
    this.push(decode(lea) as Insn, { within: { step: to, offset: 0 } });
    if (this.full) return;
    const opcode = this.#random.below(3) ? 0xe0 : 0xd0;
    const jump = Uint8Array.from([...(n > 7 ? [0x41] : []), 0xff, opcode | (n & 7)]);
    this.#openAt[to]! |= this.#open;
    this.push(decode(jump) as Insn);
  }

  /** A short loop: some steps, a counter that counts down, a branch back. */
  loop(): void {
    const counter = this.#random.pick([3, 5, 8, 13]);
    this.setRegister(counter, 1 + this.#random.below(5));
    const head = this.steps.length;
    for (let n = 1 + this.#random.below(4); n > 0 && !this.full; n--) this.any();
    if (this.full || this.steps.length + 2 > this.#length) return;
    const dec = [...(counter > 7 ? [0x49] : [0x48]), 0xff, 0xc8 | (counter & 7)];
    const open = this.#open;
    this.push(decode(Uint8Array.from(dec)) as Insn);
    // CF is what DEC leaves alone: open here, it would be open at the head as well.
    if (this.#options.strict && (this.#open | open) !== 0) return;
    this.push(decode(Uint8Array.of(0x75, 0)) as Insn, { to: head });
  }

  /** System instructions with what they need, where all of it fits. */
  system(): void {
    const piece = drawSystemPiece(this.#random);
    const end = this.steps.length + piece.length;
    if (end > this.#length) return this.any();
    for (const { bytes, behind } of piece) {
      const insn = decode(Uint8Array.from(bytes)) as Insn;
      this.push(insn, behind ? { within: { step: end, offset: 0 } } : {});
    }
  }

  /** A store into the immediate of a step that is already there, or of the next. */
  modifyCode(): void {
    const victims = this.steps.flatMap((step, i) => {
      const { immediate } = constantFields(step.bytes);
      return immediate.size > 0 && step.to === undefined ? [{ step: i, offset: immediate.at }] : [];
    });
    const store = (): Insn => {
      const imm = this.#random.u32() & 0x7f;
      const opcode = this.#random.pick([0xc6, 0x80] as const);
      const reg = opcode === 0x80 ? this.#random.pick([0, 1, 4, 5, 6]) : 0;
      return decode(Uint8Array.of(opcode, (reg << 3) | 5, 0, 0, 0, 0, imm)) as Insn;
    };
    const alias = this.#random.below(3) === 0 ? { alias: true } : {};
    if (this.#random.below(2) && victims.length > 0)
      return this.push(store(), { within: { ...this.#random.pick(victims), ...alias } });
    const at = this.steps.length;
    if (at + 1 >= this.#length) return;
    // ADD, OR … EAX, imm32 directly behind the store, as CPUs of today still let it see the new bytes.
    this.push(store(), { within: { step: at + 1, offset: 1 + this.#random.below(4), ...alias } });
    const opcode = this.#random.pick([0x05, 0x0d, 0x25, 0x2d, 0x35, 0x3d, 0xb8]);
    this.push(decode(Uint8Array.of(opcode, ...this.#random.bytes(4))) as Insn);
  }
}

/** Where the code stands: mostly in the middle of a page, else across two or up to the end of its region. */
function placeCode(length: number, writable: boolean, random: Random): bigint {
  const { base, size } = writable ? WRITABLE_CODE : CODE;
  const kind = random.below(16);
  if (kind === 0) return base + BigInt(size - length);
  if (kind < 3) return base + 0x1000n - BigInt(random.below(length + 1));
  return base + 0x100n + BigInt(random.below(64));
}

/** Adds some step to what is there. */
export function writeSteps(
  random: Random,
  options: GenerateOptions,
  state: StartState,
  length: number,
  writable: boolean,
): Step[] {
  const writer = new Writer(random, options, state.gpr, length);
  const { whole, system } = options.vocabulary;
  for (let turn = 0; !writer.full && turn < 4 * length; turn++) {
    const kind = random.below(64);
    if (system && whole && random.below(3) === 0) writer.system();
    else if (kind < 3) writer.renew();
    else if (kind >= 13 || !whole) writer.any();
    else if (kind === 3) writer.jumpThrough();
    else if (kind === 4) writer.loop();
    else if (kind < 8) writer.branch();
    else if (writable) writer.modifyCode();
    else writer.any();
  }
  if (writer.steps.length === 0) writer.setRegister(0, random.below(64));
  return withinBounds(writer.steps);
}

/** One sequence: a function of the generator's state and the options alone. */
export function generate(random: Random, options: GenerateOptions): FuzzCase {
  const state = drawState(random, options.vocabulary.system);
  const most = random.below(4) ? Math.min(12, options.most) : options.most;
  const length = 1 + random.below(most);
  const writable = random.below(4) === 0;
  const steps = writeSteps(random, options, state, length, writable);
  const bytes = offsetsOf(steps).at(-1)!;
  return { steps, codeAddress: placeCode(bytes, writable, random), state };
}
