import { RAM } from '../../state/layout.ts';
import type { Kernel } from '../kernel.ts';
import { SharedPages } from '../vm/backing.ts';
import { PROT } from '../vm/flags.ts';
import { PAGE } from '../vm/layout.ts';
import type { AddressSpace } from '../vm.ts';
import { VDSO_IMAGE } from './image.ts';

/** Fields of the data page, as guest/vdso/vdso.c has them. */
const DATA = { slept: 0, epoch: 8, usable: 16, rdtscp: 20 } as const;
const READ_ONLY = { growsDown: false, backing: null, accounted: false };

/** The vDSO: an image with functions that programs call instead of the kernel, and the page of data that it reads. */
export class Vdso {
  readonly #kernel: Kernel;
  readonly #data: SharedPages;
  readonly #code: SharedPages;

  constructor(kernel: Kernel) {
    const { memory } = kernel.machine;
    this.#kernel = kernel;
    this.#data = new SharedPages(memory, (_, into) => this.#fill(into), null);
    const image = Buffer.from(VDSO_IMAGE, 'base64');
    this.#code = new SharedPages(memory, (offset, into) => image.copy(into, 0, offset), null);
    // Programs come and go; the pages stay.
    this.#data.retain();
    this.#code.retain();
    kernel.clock.onSleep = () => this.#update();
  }

  #fill(into: Uint8Array): number {
    const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
    const { clock, machine } = this.#kernel;
    view.setBigUint64(DATA.slept, clock.slept, true);
    view.setBigUint64(DATA.epoch, clock.epoch, true);
    view.setUint32(DATA.usable, clock.isVirtual ? 1 : 0, true);
    view.setUint32(DATA.rdtscp, machine.has('RDTSCP') ? 1 : 0, true);
    return PAGE;
  }

  /** Sleeping has moved virtual time. */
  #update(): void {
    if (!this.#data.has(0)) return;
    const { view } = this.#kernel.machine.memory;
    view.setBigUint64(RAM + this.#data.frame(0) + DATA.slept, this.#kernel.clock.slept, true);
  }

  /** Maps both where Linux does, on top of all mappings. Returns the image's address, for AT_SYSINFO_EHDR. */
  map(space: AddressSpace): number {
    const start = space.areas.place(0, 2 * PAGE);
    const common = { ...READ_ONLY, offset: 0 };
    const maxProt = PROT.READ | PROT.EXEC;
    space.mapArea({
      ...common,
      start,
      end: start + PAGE,
      prot: PROT.READ,
      maxProt,
      shared: this.#data,
      name: '[vvar]',
    });
    const code = start + PAGE;
    const prot = PROT.READ | PROT.EXEC;
    space.mapArea({ ...common, start: code, end: code + PAGE, prot, maxProt, shared: this.#code, name: '[vdso]' });
    return code;
  }
}
