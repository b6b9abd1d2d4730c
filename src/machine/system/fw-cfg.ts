import type { PortDevice } from './ports.ts';

/** Keys of QEMU's firmware configuration device that have a value here. */
export const FW_CFG = {
  signature: 0,
  id: 1,
  memory: 3,
  cpus: 5,
  maxCpus: 0xf,
  kernelCmdline: 0x15,
  directory: 0x19,
} as const;

const little = (value: number, bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => Math.floor(value / 2 ** (8 * i)) & 0xff);

/** QEMU's fw_cfg: a key goes to port 510, its bytes come from port 511. */
export class FwCfg implements PortDevice {
  readonly first = 0x510;
  readonly count = 2;
  readonly #items = new Map<number, Uint8Array>();
  #selected: Uint8Array = new Uint8Array();
  #at = 0;

  constructor(cpus: number, memory: number) {
    this.#items.set(FW_CFG.signature, new TextEncoder().encode('QEMU'));
    this.#items.set(FW_CFG.id, little(1, 4));
    this.#items.set(FW_CFG.memory, little(memory, 8));
    this.#items.set(FW_CFG.cpus, little(cpus, 2));
    this.#items.set(FW_CFG.maxCpus, little(cpus, 2));
    this.#items.set(FW_CFG.directory, new Uint8Array(4));
  }

  read(offset: number, bytes: number): number {
    if (offset === 0) return 0;
    let value = 0;
    for (let i = 0; i < bytes; i++) value |= (this.#selected[this.#at++] ?? 0) << (8 * i);
    return value;
  }

  write(offset: number, _bytes: number, value: number): void {
    if (offset !== 0) return;
    this.#selected = this.#items.get(value & 0x3fff) ?? new Uint8Array();
    this.#at = 0;
  }
}
