import tty from 'node:tty';
import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];
export type Paint = (format: Format, text: string) => string;

/** Whether colours may be written to a descriptor: a terminal, and nobody said NO_COLOR (no-color.org). */
export function colourful(fd: number): boolean {
  return !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb' && tty.isatty(fd);
}

/** How text for a descriptor is coloured: not at all where colours are not wanted. */
export function painter(fd: number): Paint {
  return colourful(fd) ? (format, text) => styleText(format, text) : (_, text) => text;
}
