// Writes docs/coverage.md after a campaign against the host CPU: npm run coverage -- [--cases N] [--seed N]
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runCampaign } from '../dist/oracle/campaign.js';
import { coverageRows, coverageText } from '../dist/oracle/coverage.js';
import { available, hostFeatures, hostVendor } from '../dist/oracle/native.js';

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '200000' }, seed: { type: 'string', default: '1' } },
});
const reason = available();
if (reason !== null) {
  console.error(`coverage: no campaign: ${reason}`);
  process.exit(1);
}
const { perCode, cases } = runCampaign({
  cases: Number(values.cases),
  seed: Number(values.seed),
  engines: ['interpreter'],
});
const how = `The cases are those of \`npm run coverage -- --cases ${cases} --seed ${values.seed}\`, on the interpreter, against a CPU of ${hostVendor()}.`;
writeFileSync(
  new URL('../docs/coverage.md', import.meta.url),
  coverageText(coverageRows(), perCode, how, hostFeatures()),
);
