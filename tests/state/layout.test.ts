import { expect, test } from 'vitest';
import * as layout from '../../src/state/layout.ts';

/** Names for where a block of fields begins, and numbers that are no addresses. */
const NO_FIELDS = new Set(['STATE', 'EXEC', 'TARGET_ENTRIES', 'TLB_ENTRIES']);

test('no two fields of the state lie at one address', () => {
  const owners = new Map<number, string>();
  for (const [name, at] of Object.entries(layout)) {
    if (typeof at !== 'number' || at < layout.STATE || at >= layout.STATE_END || NO_FIELDS.has(name)) continue;
    if (name.endsWith('_END')) continue;
    expect(owners.get(at), `${name} lies at the address of`).toBeUndefined();
    owners.set(at, name);
  }
  expect(owners.size).toBeGreaterThan(70);
});
