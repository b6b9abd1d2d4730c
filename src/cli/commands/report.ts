import { Command } from 'commander';
import { locate } from '../errors.ts';
import { DEFAULT_TRACE } from '../options.ts';
import { Output } from '../output.ts';
import { STATUS_HELP } from '../status.ts';
import { oneOf, repeated } from '../values.ts';

type Format = 'trace-cmd' | 'ftrace' | 'perfetto' | 'json';

interface ReportOptions {
  readonly format: Format;
  readonly json?: boolean;
  readonly cpu?: string;
  readonly filter?: readonly string[];
  readonly nanoseconds?: boolean;
  readonly latency?: boolean;
}

const EXAMPLES = `
Examples:
  swapgs report | grep csd_queue | awk '{ print $(NF-1) }' | sort | uniq -c | sort -nr
  swapgs report -F 'csd_queue_cpu: cpu == CPUS{3} && func.function != do_sync_core'
  swapgs report --format perfetto > trace.json     # open it in ui.perfetto.dev

A filter: FIELD OP VALUE, with ! && || ( ). Numbers: == != < <= > >= &. Strings: == != ~ (* ? [a-z]). FIELD.function: == != with a
function's name. Masks and CPU numbers: & (has one of them), == (is just that), != with CPUS{2,4-6}. CPU is where the event happened.`;

export function reportCommand(): Command {
  return new Command('report')
    .description('show a trace that swapgs record has written')
    .argument('[file]', `the trace (default ${DEFAULT_TRACE})`)
    .option(
      '--format <NAME>',
      'trace-cmd, ftrace, perfetto or json',
      oneOf('trace-cmd', 'ftrace', 'perfetto', 'json'),
      'trace-cmd',
    )
    .option('--json', 'the same as --format json: one JSON object a line')
    .option('--cpu <LIST>', 'only what happened on these CPUs: 0,2-4')
    .option(
      '-F, --filter <EVENT:FILTER>',
      'only these events, where the filter lets them pass (repeatable)',
      repeated(String),
    )
    .option('-t, --nanoseconds', 'all nine digits of the time')
    .option('-l, --latency', 'the latency columns too')
    .addHelpText('after', EXAMPLES + STATUS_HELP)
    .action(report);
}

async function report(path = DEFAULT_TRACE, options: ReportOptions): Promise<void> {
  const { lines } = await import('../bare/lines.ts');
  const { readTrace } = await import('../../trace/events/record.ts');
  const { selected } = await import('../tracing/select.ts');
  const { ftraceHeader, ftraceLine, traceCmdLine } = await import('../../trace/events/text.ts');
  const whole = locate(path, () => readTrace(lines(path, () => {})));
  const trace = selected(whole, options.cpu, options.filter ?? []);
  const out = new Output(1);
  switch (options.json === true ? 'json' : options.format) {
    case 'trace-cmd':
      out.line(`cpus=${trace.cpus}`);
      for (const event of trace.events) out.line(traceCmdLine(event, trace, options));
      break;
    case 'ftrace':
      for (const line of ftraceHeader(trace)) out.line(line);
      for (const event of trace.events) out.line(ftraceLine(event, trace));
      break;
    case 'perfetto':
      out.line((await import('../../trace/events/perfetto.ts')).perfettoJson(trace));
      break;
    case 'json': {
      const { eventLine } = await import('../../trace/events/record.ts');
      for (const event of trace.events) out.line(eventLine(event));
      break;
    }
  }
  out.flush();
}
