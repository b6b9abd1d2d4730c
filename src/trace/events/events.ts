/** What a field of an event holds: it decides how a filter compares it and how it is printed. */
export type FieldKind = 'int' | 'pointer' | 'cpumask' | 'string';

export interface EventField {
  readonly name: string;
  readonly kind: FieldKind;
  /** Bytes, of a number. */
  readonly size: number;
  /** C's name of the type, as format files have it. */
  readonly type: string;
}

/** A tracepoint: its fields, and what stands behind its name in a line. */
export interface EventType {
  /** Number under which a guest reports it. */
  readonly id: number;
  readonly system: string;
  readonly name: string;
  readonly fields: readonly EventField[];
  /** printk format: `%u`, `%lx`, `%pS` (symbol and offset), `%ps` (symbol), `%p`, `%s`. */
  readonly format: string;
}

const u32 = (name: string): EventField => ({ name, kind: 'int', size: 4, type: 'unsigned int' });
const u64 = (name: string): EventField => ({ name, kind: 'int', size: 8, type: 'unsigned long' });
const pointer = (name: string): EventField => ({ name, kind: 'pointer', size: 8, type: 'void *' });
const mask = (name: string): EventField => ({ name, kind: 'cpumask', size: 4, type: '__data_loc cpumask_t' });
const text = (name: string): EventField => ({ name, kind: 'string', size: 8, type: 'const char *' });

const event = (id: number, name: string, format: string, ...fields: EventField[]): EventType => {
  const [system = '', short = ''] = name.split(':');
  return { id, system, name: short, fields, format };
};

/** Linux include/trace/events/ipi.h, csd.h and kmem.h, and one of ours: an exception found `current` to be another task than the stack's. Fields are in the order in which the format wants them. */
export const EVENTS: readonly EventType[] = [
  event(1, 'ipi:ipi_send_cpu', 'cpu=%u callsite=%pS callback=%pS', u32('cpu'), pointer('callsite'), pointer('callback')),
  event(2, 'ipi:ipi_send_cpumask', 'cpumask=%s callsite=%pS callback=%pS', mask('cpumask'), pointer('callsite'), pointer('callback')),
  event(3, 'ipi:ipi_raise', 'target_mask=%s (%s)', mask('target_cpus'), text('reason')),
  event(4, 'ipi:ipi_entry', '(%s)', text('reason')),
  event(5, 'ipi:ipi_exit', '(%s)', text('reason')),
  event(6, 'csd:csd_queue_cpu', 'cpu=%u callsite=%pS func=%ps csd=%p', u32('cpu'), pointer('callsite'), pointer('func'), pointer('csd')),
  event(7, 'csd:csd_function_entry', 'func=%ps, csd=%p', pointer('func'), pointer('csd')),
  event(8, 'csd:csd_function_exit', 'func=%ps, csd=%p', pointer('func'), pointer('csd')),
  event(9, 'sched:current_not_stack_owner', 'current=%u owner=%u sp=%p ip=%pS', u32('current'), u32('owner'), pointer('sp'), pointer('ip')),
  event(10, 'kmem:mm_page_free', 'page=%p pfn=0x%lx order=%u', pointer('page'), u64('pfn'), u32('order')),
  event(11, 'kmem:mm_page_alloc', 'page=%p pfn=0x%lx order=%u', pointer('page'), u64('pfn'), u32('order')),
]; // biome-ignore format: one event a line

export const eventById = (id: number): EventType | undefined => EVENTS.find((type) => type.id === id);
export const eventByName = (name: string): EventType | undefined => EVENTS.find((type) => type.name === name);

/** A pattern with `*` and `?` and `[…]`, as trace filters and event lists have them. */
export function glob(pattern: string): RegExp {
  const source = pattern.replace(/\[(!?)([^\]]*)\]|[\s\S]/g, (part: string, not?: string, set?: string) => {
    if (set !== undefined && set !== '') return `[${not ? '^' : ''}${set.replace(/[\\\]^]/g, '\\$&')}]`;
    if (part === '*') return '[\\s\\S]*';
    return part === '?' ? '[\\s\\S]' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  try {
    return new RegExp(`^${source}$`);
  } catch {
    // A set such as [z-a] matches nothing.
    return /(?!)/;
  }
}

/** The events of `csd_queue_cpu`, `ipi:*`, `ipi`, `csd:csd_*`. */
export function eventsNamed(pattern: string): readonly EventType[] {
  const [first = '', second] = pattern.split(':');
  const whole = EVENTS.filter(({ system }) => second === undefined && system === first);
  if (whole.length > 0) return whole;
  const [system, name] = second === undefined ? ['*', first] : [first, second];
  return EVENTS.filter((type) => glob(system).test(type.system) && glob(name || '*').test(type.name));
}
