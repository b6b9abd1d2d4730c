import { CpuState } from './cpu-state.ts';
import { EXEC, STATE, TILES_END } from './layout.ts';
import { setTileData, tileData } from './tiles.ts';

/** The state of a CPU or thread while another one's is in the registers. Tile data is kept only where there is some. */
export class SavedCpu {
  readonly #bytes = new Uint8Array(EXEC - STATE);
  readonly #view = new DataView(this.#bytes.buffer);
  #tiles: Uint8Array | null = null;

  /** Takes what is in the registers. */
  take(cpu: CpuState): this {
    this.#bytes.set(cpu.u8.subarray(STATE, EXEC));
    this.#tiles = tileData(cpu)?.slice() ?? null;
    return this;
  }

  /** Puts it into the registers. */
  put(cpu: CpuState): void {
    cpu.u8.set(this.#bytes, STATE);
    setTileData(cpu, this.#tiles);
  }

  /** Becomes a copy of another one, but for tile data, which is zero. */
  copyWithoutTiles(other: SavedCpu): void {
    this.#bytes.set(other.#bytes);
    this.#tiles = null;
  }

  /** A field by its layout address. */
  u64(at: number): bigint {
    return this.#view.getBigUint64(at - STATE, true);
  }
  setU64(at: number, value: bigint): void {
    this.#view.setBigUint64(at - STATE, BigInt.asUintN(64, value), true);
  }

  /** A CPU of its own with this state, for whoever wants to look at it. */
  window(): CpuState {
    const u8 = new Uint8Array(TILES_END);
    const cpu = new CpuState({ u8, view: new DataView(u8.buffer) });
    this.put(cpu);
    return cpu;
  }
}
