import { ElfError } from '../../elf/error.ts';
import { type ElfImage, readImage } from '../../elf/image.ts';
import { E, fail } from '../errno.ts';
import { placeImage } from '../exec.ts';
import type { Inode, RegularInode } from '../fs/inode.ts';

/** A file that has been executed: reading it again is spared as long as it does not change. */
export interface ExecutedFile {
  readonly bytes: Uint8Array;
  /** Null: it is no program that can be loaded. */
  readonly image: ElfImage | null;
  readonly mtime: bigint;
  readonly size: number;
}

/** Larger programs are refused before they are read. */
const MOST_BYTES = 1 << 30;

function contents(inode: RegularInode): Uint8Array {
  const content = inode.open(true, false);
  try {
    if (content.size > MOST_BYTES) fail(E.ENOMEM);
    const bytes = new Uint8Array(content.size);
    let done = 0;
    for (let got = 1; got > 0 && done < bytes.length; done += got) got = content.read(done, bytes.subarray(done));
    return bytes.subarray(0, done);
  } finally {
    content.release();
  }
}

function imageOf(bytes: Uint8Array): ElfImage | null {
  try {
    const image = readImage(bytes);
    placeImage(image);
    return image;
  } catch (error) {
    if (error instanceof ElfError) return null;
    throw error;
  }
}

/** Programs that have been executed, and the memory that their processes share. */
export class Programs {
  /** By device and inode. */
  readonly #files = new Map<string, ExecutedFile>();
  readonly #frames = new WeakMap<ElfImage, Map<number, number>>();

  /** A file as it is now. @throws SysError of reading it */
  read(inode: RegularInode): ExecutedFile {
    const { dev, ino, mtime, size } = inode.attributes();
    const key = `${dev}:${ino}`;
    const known = this.#files.get(key);
    if (known !== undefined && known.mtime === mtime && known.size === size) return known;
    const bytes = contents(inode);
    const file = { bytes, image: imageOf(bytes), mtime, size };
    this.#files.set(key, file);
    return file;
  }

  /** Keeps a program that has been read already: a process that executes it again finds it. */
  remember(inode: Inode, image: ElfImage): void {
    const { dev, ino, mtime, size } = inode.attributes();
    if (size === image.bytes.length) this.#files.set(`${dev}:${ino}`, { bytes: image.bytes, image, mtime, size });
  }

  /** Frames of a program that all its processes share as long as they only read and execute them. */
  framesOf(image: ElfImage): Map<number, number> {
    let frames = this.#frames.get(image);
    if (frames === undefined) {
      frames = new Map();
      this.#frames.set(image, frames);
    }
    return frames;
  }
}
