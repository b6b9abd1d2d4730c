// Compares every defined encoding with the host CPU: npm run oracle -- --cases N [--seed N] [--engine NAME] [--only add,sub] [--json]
import { ENGINE_NAMES } from '../dist/exec/engine.js';
import { runCampaign } from '../dist/oracle/campaign.js';
import { available, hostVendor } from '../dist/oracle/native.js';
import { optionsOf, refuse } from './options.js';

const values = optionsOf(
  'oracle',
  {
    cases: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    engine: { type: 'string', multiple: true, default: ['interpreter'] },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    show: { type: 'string', default: '10' },
  },
  { cases: 1, seed: 0, show: 0 },
);
const unknown = values.engine.find((name) => !ENGINE_NAMES.includes(name));
if (unknown !== undefined) refuse('oracle', `no engine ${unknown}: it is one of ${ENGINE_NAMES.join(', ')}`);
const reason = available();
if (reason !== null) {
  console.error(`oracle: skipped: ${reason}`);
  process.exit(0);
}
const { cases } = values;
const started = Date.now();
let shown = 0;
const result = runCampaign({
  cases,
  seed: values.seed,
  engines: values.engine,
  ...(values.only ? { only: new Set(values.only.split(',')) } : {}),
  onProgress: (done, mismatches) => {
    if (Date.now() - shown < 2000) return;
    shown = Date.now();
    const rate = done / ((Date.now() - started) / 1000);
    const left = Math.round((cases - done) / rate);
    console.error(`oracle: ${done} of ${cases} cases, ${mismatches} mismatches, ${Math.round(rate)}/s, ${left} s left`);
  },
});
const failed = [...result.perCode.values()].reduce((sum, t) => sum + t.mismatches, 0);
if (values.json) {
  const perCode = Object.fromEntries(result.perCode);
  console.log(
    JSON.stringify({ ...result, perCode, host: hostVendor() }, (_, v) =>
      typeof v === 'bigint' ? `0x${v.toString(16)}` : v,
    ),
  );
} else {
  const byCode = new Map();
  for (const m of result.mismatches) if (!byCode.has(m.codeName)) byCode.set(m.codeName, m);
  for (const m of [...byCode.values()].slice(0, values.show)) {
    console.log(`${m.codeName} [${m.bytes}] on ${m.engine}`);
    for (const line of m.differences.slice(0, 6)) console.log(`    ${line}`);
  }
  console.log(
    `${result.cases} cases, ${result.encodings} encodings, ${failed} mismatches, seed ${values.seed}, host ${hostVendor()}` +
      (result.untried.length ? `; not tried: ${result.untried.join(' ')}` : ''),
  );
}
process.exit(failed ? 1 : 0);
