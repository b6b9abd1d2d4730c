import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { say, scratch } from './base.js';
import { median } from './numbers.js';

const MOST_OUTPUT = 64 << 20;
/** GNU time tells the peak of a process's resident memory. */
const GNU_TIME = '/usr/bin/time';

/**
 * Runs a command once: wall time of the whole process, its output, and where asked for its peak of resident memory in MiB.
 * `{ error }` where it failed.
 * @param job `command` as an array, `stdin` a file, `peak` whether to measure memory
 */
export function runOnce({ command, stdin, peak = false }, timeout) {
  const report = peak && existsSync(GNU_TIME) ? join(scratch(), 'peak') : undefined;
  const [program, ...args] = report ? [GNU_TIME, '-f', '%M', '-o', report, ...command] : command;
  const input = stdin === undefined ? 'ignore' : openSync(stdin, 'r');
  const start = process.hrtime.bigint();
  const done = spawnSync(program, args, {
    stdio: [input, 'pipe', 'pipe'],
    maxBuffer: MOST_OUTPUT,
    timeout: timeout * 1000,
    killSignal: 'SIGKILL',
  });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  if (input !== 'ignore') closeSync(input);
  if (done.error?.code === 'ETIMEDOUT') return { error: `more than ${timeout} s` };
  if (done.error) return { error: done.error.message };
  const stderr = done.stderr.toString();
  if (done.status !== 0) return { error: `ended with ${done.signal ?? done.status}: ${stderr.trim().split('\n')[0]}` };
  const kib = report && Number(readFileSync(report, 'utf8').trim().split('\n').at(-1));
  return { seconds, stdout: done.stdout, stderr, ...(kib > 0 && { peak: kib / 1024 }) };
}

/**
 * Measures jobs that do the same work by turns, `runs` times: job 1, job 2, … and again from job 1, so that whatever else the
 * machine does in the meantime hits all of them alike.
 *
 * Jobs with one `group` must print the same: as `expected` says, else as the first of them did in its first run. Whoever
 * prints something else has failed.
 *
 * @param jobs `{ name, command, stdin?, peak?, group?, text? }`; `text` makes text for comparison of what one prints
 * @returns by name `{ times, median, peak, stderr }` of the last run, or `{ error }`
 */
export function measure(what, jobs, { runs, timeout }, expected = {}) {
  const cells = Object.fromEntries(jobs.map((job) => [job.name, { times: [] }]));
  const printed = { ...expected };
  for (let run = 1; run <= runs; run++) {
    for (const job of jobs) {
      const cell = cells[job.name];
      if (cell.error) continue;
      const { error, seconds, stdout, stderr, peak } = runOnce(job, timeout);
      if (error) cell.error = error;
      else {
        const group = job.group ?? 'all';
        const text = job.text ? job.text(stdout.toString()) : stdout.toString('latin1');
        printed[group] ??= text;
        if (text !== printed[group]) cell.error = `wrong output: ${stdout.toString().trim().slice(0, 200)}`;
        else {
          cell.times.push(seconds);
          Object.assign(cell, { stderr, peak: Math.max(cell.peak ?? 0, peak ?? 0) || undefined });
        }
      }
      say(`${what} ${run}/${runs} ${job.name}: ${cell.error ?? `${seconds.toFixed(3)} s`}`);
    }
  }
  for (const cell of Object.values(cells)) {
    if (cell.error) delete cell.times;
    else cell.median = median(cell.times);
  }
  return cells;
}
