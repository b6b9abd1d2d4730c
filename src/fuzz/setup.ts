import { available, hostVendor } from '../oracle/native.ts';
import { Campaign } from './campaign.ts';
import { featureNamed, mnemonicsNamed, nearest } from './names.ts';
import type { OracleName } from './oracle-names.ts';
import type { Ready, Refusal, WorkerSetup } from './protocol.ts';
import { knownNames } from './vocabulary.ts';

/** Reasons that a line has room for. */
const MOST_REASONS = 4;

const refused = (what: string, where: string, mend: string): Refusal => ({ kind: 'refused', what, where, mend });

const unknown = (what: string, option: string, near: string | null): Refusal =>
  refused(what, option, near === null ? 'docs/coverage.md lists them' : `did you mean ${near}`);

/** Names as users write them, in those of the decoder; or a refusal of one that is none. */
function named(setup: WorkerSetup): WorkerSetup | Refusal {
  const { mnemonics, features } = knownNames();
  const wanted = { features: new Set<string>(), include: new Set<string>(), exclude: new Set<string>() };
  for (const name of setup.features ?? []) {
    const known = featureNamed(name);
    if (known === null) return unknown(`no feature ${name}`, '--features', nearest(name, features));
    wanted.features.add(known);
  }
  for (const option of ['include', 'exclude'] as const)
    for (const name of setup[option] ?? []) {
      const known = mnemonicsNamed(name);
      if (known.length === 0) return unknown(`no instruction ${name}`, `--${option}`, nearest(name, mnemonics));
      for (const mnemonic of known) wanted[option].add(mnemonic);
    }
  const weights = new Map<string, number>();
  for (const [name, weight] of setup.weights) {
    const feature = featureNamed(name);
    const known = mnemonicsNamed(name);
    if (feature !== null && known.length === 0) known.push(feature);
    if (known.length === 0)
      return unknown(`no instruction or feature ${name}`, '--weight', nearest(name, [...mnemonics, ...features]));
    for (const one of known) weights.set(one, weight);
  }
  return {
    ...setup,
    features: setup.features && wanted.features,
    include: setup.include && wanted.include,
    exclude: wanted.exclude,
    weights,
  };
}

/** Makes the campaign that options describe, or says in a line why not. */
export function setUp(asked: WorkerSetup): { readonly campaign: Campaign; readonly ready: Ready } | Refusal {
  const setup = named(asked);
  if ('kind' in setup) return setup;
  const noHost = setup.cpl === 0 ? 'system instructions are compared between engines' : available();
  if (noHost !== null && setup.oracles?.includes('host')) return refused(noHost, '--oracles', 'leave out host');
  const oracles: readonly OracleName[] =
    setup.oracles ?? (noHost === null ? ['host', 'interpreter'] : ['reference', 'interpreter', 'jit']);
  const campaign = new Campaign({ ...setup, oracles });
  const { words, unchecked, weight } = campaign.vocabulary;
  if (weight === 0) {
    campaign.close();
    const why = unchecked.length > 0 ? `: ${unchecked.slice(0, MOST_REASONS).join(', ')}` : '';
    return refused(`nothing is left to draw from${why}`, '--features, --include, --exclude, --weight', 'ask for more');
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
