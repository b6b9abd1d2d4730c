import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { EngineName } from '../../src/exec/engine.ts';
import { RoundRobin, Seeded } from '../../src/machine/system/scheduler.ts';
import type { SystemOptions } from '../../src/machine/system/system.ts';
import { guestPath } from '../guests/expected.ts';
import { boot } from './boot.ts';

/** The small kernel of guest/kernel. */
export const KERNEL = guestPath('kernel/kernel.elf');
export const image = new Uint8Array(readFileSync(KERNEL));

export interface Run extends SystemOptions {
  readonly cpus?: number;
  readonly engine?: EngineName;
  readonly seed?: number;
}

/** Boots it with a scenario, until it ends by the debug-exit port. */
export function start(commandLine: string, { cpus = 3, engine = 'jit', seed = 0, ...options }: Run = {}) {
  const scheduler = seed > 0 ? new Seeded(seed, 500) : new RoundRobin(500);
  const booted = boot(image, { cpus, engine, scheduler, hotAfter: 200, ...options }, { commandLine, modules: [] });
  const stop = booted.system.run({ instructions: 20_000_000 });
  return { ...booted, stop };
}

/** The lines that a scenario says. */
export function said(commandLine: string, options?: Run): string[] {
  const { said: text, stop } = start(commandLine, options);
  expect([stop, text()]).toEqual([{ reason: 'exit', status: 1 }, expect.anything()]);
  return text().trimEnd().split('\n');
}
