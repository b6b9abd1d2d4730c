import { expect, test } from 'vitest';
import { swapgs } from '../support/cli.ts';

test('--hash-every tells the same state on both engines', () => {
  const lines = (engine: string): string[] =>
    swapgs(['run', '--engine', engine, '--hash-every', '500', 'guest/user/status', '3']).stderr.trim().split('\n');
  const interpreter = lines('interpreter');
  expect(interpreter.length).toBeGreaterThan(2);
  expect(interpreter[0]).toMatch(/^swapgs: hash 500 [0-9a-f]{16}$/);
  expect(new Set(interpreter).size).toBe(interpreter.length);
  expect(lines('reference')).toEqual(interpreter);
});
