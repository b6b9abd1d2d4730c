import { available, hostVendor } from '../oracle/native.ts';
import { Campaign } from './campaign.ts';
import type { OracleName } from './oracle-names.ts';
import type { Ready, Refusal, WorkerSetup } from './protocol.ts';
import { knownNames } from './vocabulary.ts';

const refused = (what: string, where: string, mend: string): Refusal => ({ kind: 'refused', what, where, mend });

/** The known name that has most letters in common at its beginning. */
function nearest(name: string, known: ReadonlySet<string>): string {
  const common = (other: string): number => {
    let n = 0;
    while (n < name.length && other[n]?.toLowerCase() === name[n]!.toLowerCase()) n++;
    return n;
  };
  return [...known].reduce((best, other) => (common(other) > common(best) ? other : best));
}

function unknownName(setup: WorkerSetup): Refusal | null {
  const { mnemonics, features } = knownNames();
  for (const name of setup.features ?? [])
    if (!features.has(name))
      return refused(`no feature ${name}`, '--features', `did you mean ${nearest(name, features)}`);
  for (const [names, option] of [
    [setup.include ?? [], '--include'],
    [setup.exclude, '--exclude'],
  ] as const)
    for (const name of names)
      if (!mnemonics.has(name))
        return refused(`no instruction ${name}`, option, `did you mean ${nearest(name, mnemonics)}`);
  for (const name of setup.weights.keys())
    if (!mnemonics.has(name.toLowerCase()) && !features.has(name.toUpperCase()))
      return refused(`no instruction or feature ${name}`, '--weight', `did you mean ${nearest(name, mnemonics)}`);
  return null;
}

/** Weights by the names that mnemonics and features really have. */
function settled(weights: ReadonlyMap<string, number>): Map<string, number> {
  const { mnemonics } = knownNames();
  return new Map(
    [...weights].map(([name, n]) => [mnemonics.has(name.toLowerCase()) ? name.toLowerCase() : name.toUpperCase(), n]),
  );
}

/** Makes the campaign that options describe, or says in a line why not. */
export function setUp(setup: WorkerSetup): { readonly campaign: Campaign; readonly ready: Ready } | Refusal {
  const noHost = setup.cpl === 0 ? 'system instructions are compared between engines' : available();
  if (noHost !== null && setup.oracles?.includes('host')) return refused(noHost, '--oracles', 'leave out host');
  const oracles: readonly OracleName[] =
    setup.oracles ?? (noHost === null ? ['host', 'interpreter'] : ['reference', 'interpreter', 'jit']);
  const wrong = unknownName(setup);
  if (wrong !== null) return wrong;
  const campaign = new Campaign({ ...setup, weights: settled(setup.weights), oracles });
  const { words, unchecked } = campaign.vocabulary;
  if (words.length === 0) {
    campaign.close();
    const why = unchecked.length > 0 ? `: ${unchecked.slice(0, 4).join(', ')}` : '';
    return refused(`nothing is left to draw from${why}`, '--features, --include, --exclude', 'ask for more');
  }
  const vendor = oracles.includes('host') ? hostVendor() : null;
  const ready: Ready = {
    kind: 'ready',
    oracles,
    words: words.length,
    unchecked,
    noHost,
    vendor,
    helper: campaign.helperPid,
  };
  return { campaign, ready };
}
