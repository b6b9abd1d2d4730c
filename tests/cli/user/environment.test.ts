import { describe, expect, it } from 'vitest';
import { environment } from '../../../src/cli/user/environment.ts';

const DEFAULTS = ['HOME=/root', 'LANG=C', 'PATH=/usr/local/bin:/usr/bin:/bin', 'TERM=dumb', 'USER=root'];

describe('environment', () => {
  it('is the same everywhere, and ordered by name', () => {
    expect(environment([], false)).toEqual(DEFAULTS);
    expect(environment(['A=1', 'LANG=de'], false)).toEqual(['A=1', DEFAULTS[0], 'LANG=de', ...DEFAULTS.slice(2)]);
  });

  it('begins empty when it shall', () => {
    expect(environment(['B=x=y', 'B=z', 'A='], true)).toEqual(['A=', 'B=z']);
  });

  it('takes a name alone from the host, if it is there', () => {
    process.env['SWAPGS_TEST'] = 'here';
    expect(environment(['SWAPGS_TEST', 'SWAPGS_ABSENT'], true)).toEqual(['SWAPGS_TEST=here']);
  });

  it('refuses a setting without a name', () => {
    expect(() => environment(['=x'], false)).toThrow("'=x' has no name: --env: give K=V");
  });
});
