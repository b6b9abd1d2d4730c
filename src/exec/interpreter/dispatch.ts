import type { Block, Field, Node } from '../../ir/nodes.ts';
import { TYPE, W } from '../../ir/wasm-opcodes.ts';
import * as L from '../../state/layout.ts';
import { PENDING_KIND } from '../../state/pending.ts';
import { importCallee } from '../wasm/callees.ts';
import { emitBlock, type Target } from '../wasm/emit-ir.ts';
import { FunctionBuilder, type Label } from '../wasm/function.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { pushTargetSlot } from '../wasm/targets.ts';
import { OUTCOME } from './handlers.ts';
import { pushField } from './operands.ts';
import { RECORD, RECORD_SIZE } from './record.ts';

/** Arms of the dispatcher that are no instructions; they do not count. */
export const PSEUDO = {
  /** Look the address of this record up again: the end of a decoded run, or a record whose bytes have changed. */
  lookup: 0,
  /** The next record spans two pages: go on only if the second page is still the one whose map is in `imm`. */
  cross: 1,
  /** Stop here if the address is the one in UNTIL. */
  until: 2,
  /** An instruction whose handler is the function in the record. */
  outOfLine: 3,
  /** Counts down in `imm`; at zero the code here is hot. */
  head: 4,
  /** A compiled region is entered here: its function, `imm` the linear address, `displacement` generation and entry number. */
  region: 5,
} as const;
/** The first inline shape's arm. */
export const FIRST_INLINE = 6;

/** Slots that the dispatcher shares with TypeScript. */
export const LEFT = L.BUDGET;
export const UNTIL = L.UNTIL;
/** What UNTIL holds while there is no such address: RIP is always canonical. */
export const NOWHERE = 1n << 63n;

/** A jump whose target is the page of the instruction plus a record field, as near branches are lifted. */
function isPageRelative(node: Node): boolean {
  const [page, field] = node.args;
  return (
    node.op === 'add' &&
    page?.op === 'get' &&
    page.attr.place === L.RIP_PAGE &&
    field?.op === 'field' &&
    field.attr.field === 'imm'
  );
}

/**
 * The interpreter: one function, `run`, with an arm for every inline shape. It returns a number of PENDING_KIND with RIP and LEFT
 * stored; LEFT counts down one an instruction, so a run stops at an exact count.
 */
export function dispatchModule(blocks: readonly Block[]): ModuleBuilder {
  const module = new ModuleBuilder();
  module.useTable();
  const f = new FunctionBuilder([], [TYPE.i32]);
  const fetch = module.import('fetch', [TYPE.i64], [TYPE.i32]);
  // Handlers take a record, regions the number of an entry.
  const handlerType = module.type([TYPE.i32], [TYPE.i32]);
  const record = f.allocate(TYPE.i32);
  const map = f.allocate(TYPE.i32);
  const left = f.allocate(TYPE.i32);
  const page = f.allocate(TYPE.i64);
  const target = f.allocate(TYPE.i64);

  const load = (opcode: number, at: number): void => {
    f.get(record);
    f.access(opcode, at);
  };
  const storeLeft = (): void => f.storeState(LEFT, 32, () => f.get(left));
  /** Linear address of the current record's instruction. */
  const pushRip = (): void => {
    f.get(page);
    load(W.i64_load16_u, RECORD.offset);
    f.op(W.i64_add);
  };
  const leave = (kind: () => void): void => {
    storeLeft();
    kind();
    f.op(W.return);
  };
  /** One more in the counter at a base, with its offset on the stack. */
  const count = (base: number): void =>
    f.temp(TYPE.i32, (at) => {
      f.tee(at);
      f.get(at);
      f.access(W.i64_load, base);
      f.i64(1n);
      f.op(W.i64_add);
      f.access(W.i64_store, base);
    });
  const step = (by: number): void => {
    f.get(left);
    f.i32(by);
    f.op(W.i32_add);
    f.set(left);
  };
  const fetchSlot = (local: number, address: () => void): void => {
    address();
    f.i64(8n);
    f.op(W.i64_shr_u, W.i32_wrap_i64);
    f.i32((L.TLB_ENTRIES - 1) * L.TLB_ENTRY_SIZE);
    f.op(W.i32_and);
    f.set(local);
  };

  /** Returns with RIP at the target where the condition holds. */
  const stopAt = (kind: number, condition: () => void): void => {
    condition();
    f.ifElse(null, () => {
      f.storeState(L.RIP, 64, () => f.get(target));
      leave(() => f.i32(kind));
    });
  };

  f.loadState(LEFT, 32);
  f.set(left);
  f.loadState(L.RIP, 64);
  f.set(target);
  // No page is current: the first look-up goes through the TLB.
  f.i64(-1n);
  f.set(page);

  f.loop((goto) => {
    const slot = f.allocate(TYPE.i32);
    // Another page than the current one: find its map in the fetch TLB.
    f.get(target);
    f.i64(-4096n);
    f.op(W.i64_and);
    f.get(page);
    f.op(W.i64_ne);
    f.ifElse(null, () => {
      fetchSlot(slot, () => f.get(target));
      f.get(slot);
      f.access(W.i64_load, L.TLB_FETCH);
      f.get(target);
      f.i64(-4096n);
      f.op(W.i64_and, W.i64_ne);
      f.ifElse(null, () => {
        // Where the run ends nothing is fetched any more: no fault, no accessed bit.
        stopAt(PENDING_KIND.until, () => {
          f.get(target);
          f.loadState(UNTIL, 64);
          f.op(W.i64_eq);
        });
        stopAt(PENDING_KIND.count, () => {
          f.get(left);
          f.op(W.i32_eqz);
        });
        f.get(target);
        f.call(fetch);
        f.op(W.i32_eqz);
        f.ifElse(null, () => {
          f.storeState(L.RIP, 64, () => f.get(target));
          leave(() => f.i32(PENDING_KIND.fault));
        });
      });
      f.get(target);
      f.i64(-4096n);
      f.op(W.i64_and);
      f.set(page);
      f.storeState(L.RIP_PAGE, 64, () => f.get(page));
      f.get(slot);
      f.access(W.i32_load, L.TLB_FETCH + 12);
      f.set(map);
    });
    f.get(map);
    f.get(target);
    f.op(W.i32_wrap_i64);
    f.i32(0xfff);
    f.op(W.i32_and);
    f.i32(2);
    f.op(W.i32_shl, W.i32_add);
    f.access(W.i32_load, 0);
    f.tee(record);
    f.op(W.i32_eqz);
    f.ifElse(null, () => {
      f.storeState(L.RIP, 64, () => f.get(target));
      leave(() => f.i32(PENDING_KIND.decode));
    });

    f.loop((dispatch) => {
      f.get(left);
      f.op(W.i32_eqz);
      f.ifElse(null, () => {
        f.storeState(L.RIP, 64, pushRip);
        leave(() => f.i32(PENDING_KIND.count));
      });
      step(-1);

      const advance = (): void => {
        f.get(record);
        f.i32(RECORD_SIZE);
        f.op(W.i32_add);
        f.set(record);
        f.br(dispatch);
      };
      f.block((fault) => {
        const inline = (block: Block): void => {
          emitBlock(block, inlineTarget(fault, dispatch, goto, advance));
        };
        arms(f, [lookup, cross, until, outOfLine, head, region, ...blocks.map((block) => () => inline(block))], () => {
          load(W.i32_load16_u, RECORD.handler);
        });

        function lookup(): void {
          step(1);
          pushRip();
          f.tee(target);
          f.i64(-4096n);
          f.op(W.i64_and);
          f.get(page);
          f.op(W.i64_ne);
          f.brIf(goto);
          f.get(map);
          load(W.i32_load16_u, RECORD.offset);
          f.i32(2);
          f.op(W.i32_shl, W.i32_add);
          f.access(W.i32_load, 0);
          f.tee(slot);
          f.ifElse(null, () => {
            f.get(slot);
            f.set(record);
            f.br(dispatch);
          });
          f.storeState(L.RIP, 64, () => f.get(target));
          leave(() => f.i32(PENDING_KIND.decodeNext));
        }
        function cross(): void {
          step(1);
          // The next page must still be in the fetch TLB with the same map; otherwise decode anew.
          pushRip();
          f.i64(4096n);
          f.op(W.i64_add);
          f.i64(-4096n);
          f.op(W.i64_and);
          f.set(target);
          fetchSlot(slot, () => f.get(target));
          f.get(slot);
          f.access(W.i64_load, L.TLB_FETCH);
          f.get(target);
          f.op(W.i64_eq);
          f.get(slot);
          f.access(W.i32_load, L.TLB_FETCH + 12);
          load(W.i32_load, RECORD.imm);
          f.op(W.i32_eq, W.i32_and);
          f.ifElse(null, advance);
          f.storeState(L.RIP, 64, pushRip);
          leave(() => f.i32(PENDING_KIND.decode));
        }
        function until(): void {
          step(1);
          pushRip();
          f.loadState(UNTIL, 64);
          f.op(W.i64_ne);
          f.ifElse(null, advance);
          f.storeState(L.RIP, 64, pushRip);
          leave(() => f.i32(PENDING_KIND.until));
        }
        function head(): void {
          step(1);
          f.get(record);
          load(W.i32_load, RECORD.imm);
          f.i32(1);
          f.op(W.i32_sub);
          f.tee(slot);
          f.access(W.i32_store, RECORD.imm);
          f.get(slot);
          f.ifElse(null, advance);
          f.storeState(L.RIP, 64, pushRip);
          leave(() => f.i32(PENDING_KIND.hot));
        }
        function region(): void {
          step(1);
          f.loadState(L.PLAIN, 32);
          f.ifElse(null, () => {
            f.storeState(L.PLAIN, 32, () => f.i32(0));
            advance();
          });
          // Another alias of the page than the one it was compiled for.
          pushRip();
          f.tee(target);
          load(W.i64_load, RECORD.imm);
          f.op(W.i64_ne);
          f.ifElse(null, advance);
          stopAt(PENDING_KIND.check, () => {
            load(W.i32_load, RECORD.displacement);
            f.loadState(L.GENERATION, 32);
            f.op(W.i32_ne);
          });
          // From now on other regions find it by its address.
          pushTargetSlot(f, target);
          f.tee(slot);
          f.get(target);
          f.access(W.i64_store, L.TARGETS);
          f.get(slot);
          load(W.i32_load16_u, RECORD.function);
          f.access(W.i32_store, L.TARGETS + 8);
          f.get(slot);
          load(W.i32_load, RECORD.displacement + 4);
          f.access(W.i32_store, L.TARGETS + 12);
          f.storeState(L.STALE, 32, () => f.i32(0));
          f.i32(0);
          count(L.REGION_ENTRIES);
          f.loop((enter) => {
            storeLeft();
            f.get(slot);
            f.access(W.i32_load, L.TARGETS + 12);
            f.get(slot);
            f.access(W.i32_load, L.TARGETS + 8);
            f.callIndirect(handlerType);
            f.set(slot);
            f.get(slot);
            f.i32(3);
            f.op(W.i32_shl);
            count(L.REGION_EXITS);
            f.loadState(LEFT, 32);
            f.set(left);
            f.loadState(L.RIP, 64);
            f.set(target);
            f.i64(-1n);
            f.set(page);
            f.get(slot);
            f.i32(OUTCOME.jump);
            f.op(W.i32_eq);
            f.ifElse(null, () => {
              pushTargetSlot(f, target);
              f.tee(slot);
              f.access(W.i64_load, L.TARGETS);
              f.get(target);
              f.op(W.i64_eq);
              f.brIf(enter);
              f.br(goto);
            });
          });
          f.get(slot);
          f.i32(OUTCOME.plain);
          f.op(W.i32_eq);
          f.ifElse(null, () => {
            f.storeState(L.PLAIN, 32, () => f.i32(1));
            f.br(goto);
          });
          leave(() => f.loadState(L.PENDING, 32));
        }
        function outOfLine(): void {
          storeLeft();
          f.get(record);
          load(W.i32_load16_u, RECORD.function);
          f.callIndirect(handlerType);
          f.tee(slot);
          f.op(W.i32_eqz);
          f.ifElse(null, advance);
          f.get(slot);
          f.i32(OUTCOME.fault);
          f.op(W.i32_eq);
          f.brIf(fault);
          f.get(slot);
          f.i32(OUTCOME.again);
          f.op(W.i32_eq);
          f.brIf(dispatch);
          f.get(slot);
          f.i32(OUTCOME.jump);
          f.op(W.i32_eq);
          f.ifElse(null, () => {
            // It may have changed paging: the page's translation counts no more than any other's.
            f.i64(-1n);
            f.set(page);
            f.loadState(L.RIP, 64);
            f.set(target);
            f.br(goto);
          });
          exit();
        }
      });
      // A fault: the instruction has not retired.
      step(1);
      f.storeState(L.RIP, 64, pushRip);
      leave(() => f.loadState(L.PENDING, 32));
    });
    f.release(slot);
  });
  f.op(W.unreachable);
  module.define('run', f);
  return module;

  /** Returns behind the current instruction with what is pending. */
  function exit(): void {
    f.storeState(L.RIP, 64, () => {
      f.get(page);
      pushField(f, record, 'next', 64);
      f.op(W.i64_add);
    });
    leave(() => f.loadState(L.PENDING, 32));
  }

  function inlineTarget(fault: Label, dispatch: Label, goto: Label, advance: () => void): Target {
    return {
      f,
      callee: (name) => importCallee(module, name),
      placeAddress: (field: Field) => pushField(f, record, field, 32),
      field: (field, w) => pushField(f, record, field, w),
      stackOperand: () => load(W.i32_load8_u, RECORD.stack),
      beforeCall: storeLeft,
      fault: () => f.br(fault),
      jump: (node, push) => {
        if (isPageRelative(node)) {
          // Within the page the map is at hand; a record that is not there yet goes the long way.
          load(W.i64_load, RECORD.imm);
          f.i64(4096n);
          f.op(W.i64_lt_u);
          f.ifElse(null, () => {
            f.get(map);
            load(W.i32_load, RECORD.imm);
            f.i32(2);
            f.op(W.i32_shl, W.i32_add);
            f.access(W.i32_load, 0);
            f.temp(TYPE.i32, (found) => {
              f.tee(found);
              f.ifElse(null, () => {
                f.get(found);
                f.set(record);
                f.br(dispatch);
              });
            });
          });
        }
        push();
        f.set(target);
        f.br(goto);
      },
      again: () => f.br(dispatch),
      next: advance,
      exit,
    };
  }
}

/** `br_table` over `bodies`: body i is reached for index i; each ends in a branch of its own. */
function arms(f: FunctionBuilder, bodies: readonly (() => void)[], index: () => void): void {
  const labels: Label[] = [];
  const open = (i: number): void => {
    if (i < 0) {
      f.block((unknown) => {
        index();
        f.brTable(labels, unknown);
      });
      f.op(W.unreachable);
      return;
    }
    f.block((label) => {
      labels[i] = label;
      open(i - 1);
    });
    bodies[i]!();
  };
  open(bodies.length - 1);
}
