// Writes docs/coverage.md after a campaign against the host CPU: npm run coverage -- [--cases N] [--seed N]
import { writeFileSync } from 'node:fs';
import { runCampaign } from '../dist/oracle/campaign.js';
import { coverageRows, coverageText } from '../dist/oracle/coverage.js';
import { available, hostFeatures, hostVendor } from '../dist/oracle/native.js';
import { optionsOf, refuse } from './options.js';

const asked = optionsOf(
  'coverage',
  { cases: { type: 'string', default: '200000' }, seed: { type: 'string', default: '1' } },
  { cases: 1, seed: 0 },
);
const reason = available();
if (reason !== null) refuse('coverage', `no campaign: ${reason}`);
const { perCode, cases } = runCampaign({
  cases: asked.cases,
  seed: asked.seed,
  engines: ['interpreter'],
});
const how = `The cases are those of \`npm run coverage -- --cases ${cases} --seed ${asked.seed}\`, on the interpreter, against a CPU of ${hostVendor()}.`;
writeFileSync(
  new URL('../docs/coverage.md', import.meta.url),
  coverageText(coverageRows(), perCode, how, hostFeatures()),
);
