import type { PortDevice } from './ports.ts';

/** How the guest ends the machine: by the debug-exit port, or by a reset. */
export type PowerEvent = { readonly kind: 'exit'; readonly status: number } | { readonly kind: 'reset' };

/** QEMU's isa-debug-exit: a write of `v` ends the machine with status (v << 1) | 1. */
export const debugExit = (end: (event: PowerEvent) => void): PortDevice => ({
  first: 0xf4,
  count: 4,
  read: () => 0,
  write: (_offset, _bytes, value) => end({ kind: 'exit', status: ((value << 1) | 1) & 0xff }),
});

/** The keyboard controller's pulse on the reset line. */
export const keyboardReset = (end: (event: PowerEvent) => void): PortDevice => ({
  first: 0x64,
  count: 1,
  // Nothing to be read, ready for a command.
  read: () => 0,
  write: (_offset, _bytes, value) => {
    if ((value & 0xf1) === 0xf0 && (value & 1) === 0) end({ kind: 'reset' });
  },
});

/** The reset control register of chipsets, port CF9. */
export const resetControl = (end: (event: PowerEvent) => void): PortDevice => ({
  first: 0xcf9,
  count: 1,
  read: () => 0,
  write: (_offset, _bytes, value) => {
    if (value & 4) end({ kind: 'reset' });
  },
});
