import { littleEndianNumber } from '../../bits/bytes.ts';
import { hex } from '../../bits/hex.ts';
import { InsnStream, RIP_REGISTER, SEGMENT_FS, SEGMENT_GS } from '../../decode/stream.ts';
import { ACCESS, FLOW } from '../../decode/traits.ts';
import { type Fault, vectorName } from '../../exec/exit.ts';
import { BareGuest } from '../../machine/bare.ts';
import { peek } from '../../memory/page-walk.ts';
import { PAGE_SIZE } from '../../memory/physical.ts';
import { conditionHolds } from '../../state/rflags.ts';
import { X87 } from '../../state/x87.ts';
import { callKey, drawFloat, drawLength, drawResult } from './answers.ts';
import { Barriers } from './barriers.ts';
import {
  BEYOND_FRAME,
  BEYOND_OBJECTS,
  besideStack,
  isBelowStack,
  isStackArgument,
  leavesFrame,
  onStack,
  STACK_OVERFLOW,
} from './bounds.ts';
import { BUILTINS, comparesBytes, MOST_BYTES, NORETURN, takesLength } from './builtins.ts';
import { changesOf, StoredBytes, type SuppliedPage } from './changes.ts';
import { Comparisons, type OperandReader } from './compared.ts';
import { type Decoded, decodeFirst } from './decoded.ts';
import { type CallInput, enter, junk, junkSeed } from './entry.ts';
import type { CodeImage } from './image.ts';
import { type Externals, FS_BASE, GS_BASE, RETURN } from './layout.ts';
import { allocated, freedBy, isAllocation, noted, notedOutput } from './library.ts';
import { isObject, objectOf, unknownPage } from './memory.ts';
import type { CallEnd, CallOptions, CallOutcome, OutsideCall } from './outcome.ts';
import { withVariables } from './variables.ts';
import { type CallFrame, callFormatted } from './variadic.ts';

const ARGUMENTS = [7, 6, 2, 1, 8, 9] as const;
/** RCX RDX RSI RDI R8–R11: what a call may leave anything in, beside the result. */
const CLOBBERED = [1, 2, 6, 7, 8, 9, 10, 11] as const;
const RAX = 0;
const RDX = 2;
const VECTORS = 16;
/** Of what `junk` counts by. */
const FIRST_VECTOR = 0x20;
const RSP = 4;
const DEFAULT_LIMIT = 200_000;
const MOST_PAGES = 512;
/** Of what memcpy and its like touch: all of it fits into the guest's memory. */
const MOST_PAGES_OF_LIBRARY = 2048;
const GUEST_MEMORY = 16 << 20;
const LOWEST = 0x1000n;
/** Where pointers are drawn nothing is below: a member of a large structure at NULL. */
const LOWEST_OBJECT = 0x10_0000n;
const PF = 14;
const PRESENT = 1;
/** Of what a library function reads, so many bytes are varied. */
const MOST_NOTED = 1024;
/** How far from RSP an access still means the stack. */
const STACK_PAGE = BigInt(PAGE_SIZE);
const PAGE_MASK = ~(BigInt(PAGE_SIZE) - 1n);
const MAX_INSN = 15;
const ALL_REGISTERS = 0xffff;
const TOO_MANY_PAGES = 'it has touched too many pages';
/** Runs functions of one image, one call at a time, each from the same beginning. */
export class Caller {
  readonly #image: CodeImage;
  readonly #externals: Externals;
  readonly #guest = new BareGuest({ memory: GUEST_MEMORY, engine: 'interpreter' });
  readonly #decoded = new Map<bigint, Decoded>();
  readonly #stream = new InsnStream();

  constructor(image: CodeImage, externals: Externals) {
    this.#image = image;
    this.#externals = externals;
  }

  /**
   * Calls what is at `entry` and runs until it returns, faults, or has used up its limit. Memory that it touches and nobody has given is
   * supplied as `input.memory` says; calls out of the image are answered by stubs, by models of memcpy and its like, or by drawn values.
   */
  call(entry: bigint, input: CallInput, options: CallOptions = {}): CallOutcome {
    return new Run(
      this.#guest,
      this.#image,
      this.#externals,
      this.#decoded,
      this.#stream,
      entry,
      input,
      options,
    ).finish();
  }
}

/** One call on its way. */
class Run {
  readonly #guest: BareGuest;
  readonly #image: CodeImage;
  readonly #externals: Externals;
  readonly #decoded: Map<bigint, Decoded>;
  readonly #stream: InsnStream;
  readonly #entry: bigint;
  readonly #input: CallInput;
  readonly #options: CallOptions;
  readonly #pages = new Map<bigint, SuppliedPage>();
  readonly #calls: OutsideCall[] = [];
  readonly #branches = new Map<number, number>();
  readonly #conditions = new Map<number, number>();
  readonly #read = new Set<bigint>();
  /** Bytes that stores with an operand have written, outside the stack. */
  readonly #stored = new StoredBytes();
  readonly #size: number;
  readonly #targets = new Set<number>();
  /** Objects that were given back. */
  readonly #freed = new Set<bigint>();
  #wild: readonly bigint[] = [];
  readonly #comparisons = new Comparisons();
  readonly #barriers = new Barriers();
  /** The last instruction went to where memory or a register says. */
  #jumped = false;
  /** It was a call or jump through a pointer. */
  #through = false;
  #loads = 0;
  #stores = 0;
  #gsLoads = 0;
  #fresh = 0;
  /** Registers that nobody has read or written since the entry. */
  #untouched = ALL_REGISTERS;
  #resultWidth = 0;
  #explicit = false;
  #extended = false;
  #xmm0Width = 0;

  constructor(
    guest: BareGuest,
    image: CodeImage,
    externals: Externals,
    decoded: Map<bigint, Decoded>,
    stream: InsnStream,
    entry: bigint,
    input: CallInput,
    options: CallOptions,
  ) {
    this.#guest = guest;
    this.#image = image;
    this.#externals = externals;
    this.#decoded = decoded;
    this.#stream = stream;
    this.#entry = entry;
    this.#input = input;
    this.#options = options;
    this.#size = image.functionAt(entry)?.fn.size ?? 0;
    enter(guest, entry, input);
  }

  finish(): CallOutcome {
    const { machine } = this.#guest;
    const { cpu } = machine;
    const start = cpu.icount;
    const end = this.#run(this.#options.instructions ?? DEFAULT_LIMIT);
    const x87 = new X87(cpu);
    return {
      end,
      rax: cpu.gpr(RAX),
      rdx: cpu.gpr(RDX),
      xmm0: cpu.xmm(0),
      xmm1: cpu.xmm(1),
      st0: x87.read(0),
      st1: x87.read(1),
      resultWidth: this.#resultWidth,
      explicit: this.#explicit,
      extended: this.#extended,
      xmm0Width: this.#xmm0Width,
      instructions: cpu.icount - start,
      loads: this.#loads,
      stores: this.#stores,
      gsLoads: this.#gsLoads,
      calls: this.#calls,
      barriers: this.#barriers.passed,
      ...changesOf(this.#kept(), this.#stored, this.#image, (at, size) => peek(machine.memory, cpu, at, size)),
      supplied: [...this.#pages].filter(([, { known }]) => !known).map(([page]) => page),
      size: this.#size,
      branches: this.#branches,
      conditions: this.#conditions,
      targets: this.#targets,
      compared: this.#comparisons.kept,
      read: new Set([...this.#read].filter((word) => this.#isInput(word))),
      variables: this.#variablesRead(),
      wild: this.#wild,
    };
  }

  /** The pages that were touched, but for those of memory that was given back. */
  #kept(): ReadonlyMap<bigint, SuppliedPage> {
    if (this.#freed.size === 0) return this.#pages;
    return new Map([...this.#pages].filter(([page]) => !isObject(page) || !this.#freed.has(objectOf(page))));
  }

  /** Whether a word is of unknown memory, or an argument on the stack. */
  #isInput(word: bigint): boolean {
    return onStack(word) ? this.#input.memory.words.has(word) : this.#pages.get(word & PAGE_MASK)?.known === false;
  }

  #variablesRead(): ReadonlyMap<string, bigint> {
    const found = new Map<string, bigint>();
    for (const word of this.#read) {
      if (this.#pages.get(word & PAGE_MASK)?.known !== true) continue;
      for (const { name, address, size } of this.#image.variables.at(word)) {
        const page = this.#pages.get(address & PAGE_MASK);
        const at = Number(address & ~PAGE_MASK);
        if (page !== undefined) found.set(name, littleEndianNumber(page.before.subarray(at, at + size)));
      }
    }
    return found;
  }

  #run(most: number): CallEnd {
    const { machine } = this.#guest;
    const { cpu } = machine;
    for (let executed = 0; executed < most; executed++) {
      const { rip } = cpu;
      if (rip === BigInt(RETURN)) return { reason: 'return' };
      const outside = this.#outside(rip);
      if (outside !== null) {
        if (outside.end !== undefined) return outside.end;
        continue;
      }
      if (!this.#decoded.has(rip) && !this.#image.holdsCode(rip)) {
        // A jump out of a listing has its target in the code; what memory or a register holds may be anything.
        return this.#jumped
          ? { reason: 'fault', text: 'jumps to where no code is', at: rip, address: rip }
          : { reason: 'left', text: 'leaves the code', at: rip };
      }
      const insn = this.#decode(rip);
      const place = insn === null || insn.memory === 0 ? null : this.#placeOf(insn, rip);
      if (insn !== null && place !== null && leavesFrame(insn, place)) return limit(BEYOND_FRAME);
      if (insn !== null && place !== null) this.#noteReach(insn, place);
      if (insn?.comparison != null) this.#comparisons.note(insn, insn.comparison, this.#reader(place));
      const holds = insn !== null && insn.condition !== null && conditionHolds(insn.condition, cpu.rflags);
      const exit = machine.run(1);
      switch (exit.kind) {
        case 'count':
        case 'until':
          if (insn !== null) this.#note(insn, rip, place, holds);
          break;
        case 'fault': {
          const end = this.#fault(exit.fault, rip);
          if (end !== null) return end;
          break;
        }
        case 'unimplemented':
          return { reason: 'limit', text: `not implemented: ${exit.mnemonic}` };
        default:
          return { reason: 'left', text: exit.kind, at: rip };
      }
    }
    return { reason: 'limit', text: 'the limit of instructions is reached' };
  }

  /** The instruction at an address, once its page is there. */
  #decode(rip: bigint): Decoded | null {
    const known = this.#decoded.get(rip);
    if (known !== undefined) return known;
    const { machine } = this.#guest;
    const bytes = peek(machine.memory, machine.cpu, rip, MAX_INSN);
    if (bytes.length === 0) return null;
    const decoded = decodeFirst(bytes, this.#stream);
    // A page's end may have cut it off.
    if (bytes.length === MAX_INSN) this.#decoded.set(rip, decoded);
    return decoded;
  }

  /** The linear address of an explicit memory operand. */
  #placeOf(insn: Decoded, rip: bigint): bigint {
    const { cpu } = this.#guest.machine;
    const { gsBase = GS_BASE, fsBase = FS_BASE } = this.#input;
    const value = (register: number): bigint =>
      register === RIP_REGISTER
        ? rip + BigInt(insn.length)
        : register >= 0 && register < RIP_REGISTER
          ? cpu.gpr(register)
          : 0n;
    const segment = insn.segment === SEGMENT_GS ? gsBase : insn.segment === SEGMENT_FS ? fsBase : 0n;
    return BigInt.asUintN(
      64,
      segment + value(insn.base) + value(insn.index) * BigInt(insn.scale || 1) + BigInt(insn.displacement),
    );
  }

  #note(insn: Decoded, rip: bigint, place: bigint | null, holds: boolean): void {
    const { cpu } = this.#guest.machine;
    this.#loads += insn.loads;
    this.#stores += insn.stores;
    if (insn.segment === SEGMENT_GS) this.#gsLoads += insn.loads;
    if (place !== null && !onStack(place)) this.#barriers.access();
    if (insn.barrier !== null) this.#barriers.pass(insn.barrier, this.#calls.length);
    if (place !== null && (!onStack(place) || isStackArgument(place))) {
      const last = place + BigInt(Math.max(1, insn.size) - 1);
      if (insn.memory & ACCESS.read) for (let word = place & ~7n; word <= last; word += 8n) this.#read.add(word);
      if (insn.memory & ACCESS.write) this.#stored.add(place, insn.size);
    }
    this.#through = insn.flow === FLOW.indirectJump || insn.flow === FLOW.indirectCall;
    this.#jumped = this.#through || insn.flow === FLOW.return;
    if (insn.flow === FLOW.indirectJump) this.#targets.add(Number(cpu.rip - this.#entry));
    const { use } = insn;
    // RET and the epilogue read nothing of the result; a register that is written and not read again is meant for somebody.
    this.#fresh = (this.#fresh & ~use.reads) | use.writes;
    this.#untouched &= ~(use.reads | use.writes);
    if (use.writes & 1) {
      // POP is how compilers give stack back: nobody means its value.
      this.#resultWidth = insn.pops ? 0 : use.raxWidth;
      this.#explicit = true;
      this.#extended = insn.extends;
    } else if (use.reads & 1) this.#resultWidth = 0;
    if (use.vectorWrites & 1) this.#xmm0Width = use.xmm0Width;
    else if (use.vectorReads & 1) this.#xmm0Width = 0;
    if (insn.flow === FLOW.conditional) this.#decide(this.#branches, rip, cpu.rip !== rip + BigInt(insn.length));
    else if (insn.condition !== null) this.#decide(this.#conditions, rip, holds);
  }

  /** Notes which way a condition went, and what it compared. */
  #decide(decided: Map<number, number>, rip: bigint, holds: boolean): void {
    const offset = Number(rip - this.#entry);
    this.#comparisons.decided(offset);
    decided.set(offset, (decided.get(offset) ?? 0) | (holds ? 2 : 1));
  }

  /** Reads what operands hold now. @param place of the memory operand */
  #reader(place: bigint | null): OperandReader {
    const { memory, cpu } = this.#guest.machine;
    return {
      place,
      register: (n) => cpu.gpr(n),
      vector: (n) => cpu.xmm(n),
      memory: (size) => {
        if (place === null) return null;
        const bytes = peek(memory, cpu, place, size);
        return bytes.length < size ? null : littleEndianNumber(bytes);
      },
    };
  }

  /** Answers a call that leaves the image, or that has a stub; null where RIP is at code that runs. */
  #outside(rip: bigint): { readonly end?: CallEnd } | null {
    const external = this.#externals.at(rip);
    let name: string | null = external === null ? null : external.name;
    // Code that a pointer in unknown memory leads to: whatever is there, both builds call the same.
    if (name === null && this.#through && isObject(rip)) name = `*${hex(rip)}`;
    if (name === null) {
      const stubs = this.#options.stubs;
      if (stubs === undefined || stubs.size === 0 || rip === this.#entry) return null;
      const hit = this.#image.functionAt(rip);
      if (hit === null || hit.offset !== 0 || !stubs.has(hit.fn.name)) return null;
      name = hit.fn.name;
    }
    try {
      return this.#answer(name, rip);
    } catch (error) {
      if (error instanceof TooManyPages) return { end: limit(TOO_MANY_PAGES) };
      if (!(error instanceof BadAddress)) throw error;
      return { end: { reason: 'fault', text: `${name} at a bad address`, at: rip, address: error.address } };
    }
  }

  /** Does what a function outside does, or notes that it was called. @throws BadAddress */
  #answer(name: string, rip: bigint): { readonly end?: CallEnd } {
    const { cpu } = this.#guest.machine;
    const args = ARGUMENTS.map((register) => cpu.gpr(register));
    const among = (registers: number): number =>
      ARGUMENTS.reduce<number>((bits, register, i) => (registers & (1 << register) ? bits | (1 << i) : bits), 0);
    const meant = among(this.#fresh);
    const passed = among(this.#untouched);
    const stub = this.#options.stubs?.get(name);
    const builtin = stub === undefined ? BUILTINS[name] : undefined;
    if (builtin !== undefined) {
      if (takesLength(name) && args[2]! > BigInt(MOST_BYTES)) {
        return { end: { reason: 'fault', text: `${name} of ${args[2]} bytes`, at: rip, address: null } };
      }
      const result = builtin(this.#memory(), args[0]!, args[1]!, args[2]!);
      if (comparesBytes(name)) {
        const length = takesLength(name) || name === 'strncmp' ? args[2]! : null;
        this.#comparisons.noteBytes(this.#memory(), args[0]!, args[1]!, length, result);
      }
      return this.#back(result, rip);
    }
    const written = stub === undefined ? callFormatted(name, this.#frame(args), this.#memory()) : null;
    if (written !== null && written.stream === undefined && written.text !== null) {
      return this.#back(BigInt(written.length), rip);
    }
    const text = written?.text ?? null;
    const call = text === null ? noted(name, args, this.#memory()) : notedOutput(text, written!.stream!);
    const freed = freedBy(name);
    if (freed !== null) this.#freed.add(objectOf(args[freed]!));
    const nth = this.#calls.filter((other) => other.name === call.name).length;
    const key = callKey(call.name, nth);
    const drawn = (): bigint => {
      if (isAllocation(name)) return allocated(this.#input.memory.seed, nth);
      return written === null
        ? drawResult(this.#input.memory, key, this.#options.resultOf?.(name) ?? null)
        : drawLength(this.#input.memory, key);
    };
    const returned = stub ?? this.#input.returned?.get(key) ?? drawn();
    if (returned !== 0n && call.zeroed > 0) this.#memory().write(returned, new Uint8Array(call.zeroed));
    this.#calls.push({ ...call, args: call.name === name ? args : call.args, meant, passed, returned, nth });
    if (stub === undefined && NORETURN.has(name)) {
      return { end: { reason: 'left', text: `ends in ${name}`, at: rip } };
    }
    return this.#back(returned, rip, drawFloat(this.#input.memory, key, this.#options.resultOf?.(name) ?? null));
  }

  /** Comes back from a call that has not run, with everything lost that a call may lose. */
  #back(returned: bigint, rip: bigint, float = 0n): { readonly end?: CallEnd } {
    const { cpu } = this.#guest.machine;
    cpu.setGpr(RAX, returned);
    const salt = this.#junkSeed + this.#calls.length;
    for (const register of CLOBBERED) cpu.setGpr(register, junk(salt, register));
    cpu.setXmm(0, float);
    for (let n = 1; n < VECTORS; n++) cpu.setXmm(n, junk(salt, FIRST_VECTOR + n));
    const rsp = cpu.gpr(RSP);
    const back = peek(this.#guest.machine.memory, cpu, rsp, 8);
    if (back.length < 8) return { end: { reason: 'fault', text: 'the stack is gone', at: rip, address: rsp } };
    cpu.rip = new DataView(back.buffer, back.byteOffset, 8).getBigUint64(0, true);
    cpu.setGpr(RSP, BigInt.asUintN(64, rsp + 8n));
    this.#fresh = 0;
    // What a call has left in them is nobody's argument.
    this.#untouched = 0;
    this.#explicit = false;
    this.#extended = false;
    this.#resultWidth = 64;
    this.#xmm0Width = 0;
    return {};
  }

  /** Registers and stack as a function of the printf family finds them. */
  #frame(args: readonly bigint[]): CallFrame {
    const { cpu } = this.#guest.machine;
    return {
      args,
      xmm: (n) => BigInt.asUintN(64, cpu.xmm(n)),
      stack: cpu.gpr(RSP) + 8n,
      pointer: (address) => this.#image.nameOf(address) ?? (onStack(address) ? 'stack' : `0x${address.toString(16)}`),
    };
  }

  #memory(): { read(address: bigint, length: number): Uint8Array; write(address: bigint, bytes: Uint8Array): void } {
    const { machine } = this.#guest;
    const touch = (address: bigint, length: number): void => {
      for (let page = address & PAGE_MASK; page < address + BigInt(length); page += BigInt(PAGE_SIZE)) {
        if (onStack(page) || this.#pages.has(page)) continue;
        if (this.#pages.size >= MOST_PAGES_OF_LIBRARY) throw new TooManyPages();
        if (!this.#supply(page)) throw new BadAddress(page);
      }
    };
    return {
      read: (address, length) => {
        if (length === 0) return new Uint8Array(0);
        touch(address, length);
        const noted = BigInt(Math.min(length, MOST_NOTED));
        for (let word = address & ~7n; word < address + noted; word += 8n) {
          if (!onStack(word)) this.#read.add(word);
        }
        return peek(machine.memory, machine.cpu, address, length);
      },
      write: (address, bytes) => {
        if (bytes.length === 0) return;
        touch(address, bytes.length);
        this.#guest.poke(address, bytes);
      },
    };
  }

  get #junkSeed(): number {
    return junkSeed(this.#input);
  }

  /** Supplies the page that a fault asks for; an end for every other fault. */
  #fault({ vector, errorCode, cr2 }: Fault, rip: bigint): CallEnd | null {
    const code = errorCode ?? 0;
    const { cpu } = this.#guest.machine;
    if (vector === PF && cr2 !== null && (code & PRESENT) === 0) {
      const page = cr2 & PAGE_MASK;
      if (isBelowStack(cr2) && cpu.gpr(RSP) < cr2 + STACK_PAGE) return limit(STACK_OVERFLOW);
      if (besideStack(page)) return limit(BEYOND_FRAME);
      if (this.#options.withinObjects && this.#isAnchored(rip) && this.#image.isBeyondObjects(page))
        return limit(BEYOND_OBJECTS);
      if (this.#pages.size >= MOST_PAGES) return limit(TOO_MANY_PAGES);
      // A page that is there already is asked for again where the code has loaded page tables of its own.
      if (!this.#pages.has(page) && this.#supply(page)) return null;
    }
    const insn = this.#decode(rip);
    if (insn !== null && insn.memory !== 0) this.#wild = this.#anchors(insn).slice(1);
    const where = cr2 === null ? '' : ` at 0x${cr2.toString(16)}`;
    return { reason: 'fault', text: `${vectorName(vector)}${where}`, at: rip, address: cr2 };
  }

  #noteReach(insn: Decoded, place: bigint): void {
    const access = { anchors: this.#anchors(insn), displacement: BigInt(insn.displacement), place };
    this.#options.reach?.note(this.#image, access);
  }

  /** What the address of an operand is the sum of, without its segment and RIP. */
  #anchors(insn: Decoded): bigint[] {
    const { cpu } = this.#guest.machine;
    const registers = [insn.base, insn.index].filter((register) => register >= 0 && register < RIP_REGISTER);
    return [BigInt.asUintN(64, BigInt(insn.displacement)), ...registers.map((register) => cpu.gpr(register))];
  }

  /** Whether an instruction counts its operand from something in the image. */
  #isAnchored(rip: bigint): boolean {
    const insn = this.#decode(rip);
    return insn !== null && this.#anchors(insn).some((address) => this.#image.holds(address));
  }

  /** Maps a page with what belongs there; false where nothing may. */
  #supply(page: bigint): boolean {
    const low = BigInt.asIntN(64, page);
    // No program means an address next to NULL, from either side.
    const lowest = this.#options.withinObjects === true ? LOWEST_OBJECT : LOWEST;
    if (low < lowest && low >= -LOWEST) return false;
    if (low >= 1n << 47n || low < -(1n << 47n)) return false;
    const known = this.#image.page(page);
    const { memory, variables } = this.#input;
    const own = known === null ? unknownPage(memory, page) : known.bytes;
    const bytes =
      known === null || variables === undefined ? own : withVariables(own, page, variables, this.#image.variables);
    this.#guest.supply(
      { address: page, size: PAGE_SIZE, write: known?.write ?? true, execute: known?.execute ?? false, user: false },
      bytes,
    );
    this.#pages.set(page, { before: bytes, known: known !== null });
    return true;
  }
}

const limit = (text: string): CallEnd => ({ reason: 'limit', text });

class TooManyPages extends Error {}

class BadAddress extends Error {
  readonly address: bigint;
  constructor(address: bigint) {
    super('bad address');
    this.address = address;
  }
}
