import { UserMemory } from '../../src/kernel/user-memory.ts';
import { AddressSpace } from '../../src/kernel/vm.ts';
import { PhysicalMemory } from '../../src/memory/physical.ts';

/** An address space on real memory, with the flushes that it asked for. */
export function addressSpace(bytes = 4 << 20) {
  const memory = new PhysicalMemory(bytes);
  const flushed: (bigint | 'all')[] = [];
  const limits = { stack: 8 << 20, address: Number.POSITIVE_INFINITY, data: Number.POSITIVE_INFINITY };
  const space = new AddressSpace(
    memory,
    { flushPage: (linear) => flushed.push(linear), flushTlb: () => flushed.push('all') },
    { stackLimit: () => limits.stack, addressLimit: () => limits.address, dataLimit: () => limits.data },
  );
  return { memory, space, flushed, limits, user: new UserMemory(space) };
}
