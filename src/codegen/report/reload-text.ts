import type { Reload } from '../reloads.ts';

const way = ({ earlier, path, at }: Reload): string =>
  [...new Set([earlier, ...path, at])].map((offset) => `+${offset}`).join(' → ');

/** One reload as a sentence: what is loaded again, from where it was known, and what stands between. */
export function reloadText(reload: Reload): string {
  const { at, kind, what, earlier, by } = reload;
  const lead = `+${at} loads ${what} again (loaded at +${earlier}): `;
  switch (kind) {
    case 'redundant':
      return `${lead}redundant: no store, call or barrier between that may change it, on every path; ${way(reload)}`;
    case 'partial':
      return `${lead}redundant: no store, call or barrier between that may change it; ${way(reload)}; another path comes here without a load`;
    case 'loop':
      return `${lead}the same every time round the loop; ${way(reload)}`;
    case 'barred':
      return `${lead}barred by ${by === null ? 'a call or barrier' : `${by.what} at +${by.at}`}; ${way(reload)}`;
    case 'stored':
      return `${lead}needed: ${by === null ? 'a store' : `${by.what} at +${by.at}`} may change it; ${way(reload)}`;
  }
}
