import type { TraceSink } from '../../machine/system/trace-port.ts';
import type { Mmu } from '../../memory/mmu.ts';
import { PAGE_SIZE } from '../../memory/physical.ts';
import { eventByName } from '../../trace/events/events.ts';
import { decodeRecord, RECORD_SIZE } from '../../trace/events/record.ts';

const FREE = eventByName('mm_page_free')!;
const ALLOC = eventByName('mm_page_alloc')!;

/** Listens to the guest's tracepoints of its page allocator, so that walks through freed frames are known; the rest goes on to `sink`. */
export function watchingPages(sink: TraceSink | null, mmu: () => Mmu): TraceSink {
  const wanted = sink?.enabled ?? 0;
  return {
    enabled: wanted | (1 << FREE.id) | (1 << ALLOC.id),
    report: (report) => {
      const { memory, freedFrames } = mmu();
      if (report.at + RECORD_SIZE > memory.size) return;
      const event = decodeRecord(memory.bytes(report.at, RECORD_SIZE), report.cpu, report.time);
      if (event === null) return;
      if (event.type === FREE || event.type === ALLOC) {
        const first = Number(event.values['pfn']);
        const frames = 1 << Math.min(Number(event.values['order']), 20);
        for (let n = 0; n < frames; n++) {
          if (event.type === FREE) freedFrames.add((first + n) * PAGE_SIZE);
          else freedFrames.delete((first + n) * PAGE_SIZE);
        }
      }
      if (wanted & (1 << event.type.id)) sink?.report(report);
    },
  };
}
