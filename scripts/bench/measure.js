import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { say, scratch, whileRunning } from './base.js';
import { median } from './numbers.js';

/** GNU time tells the peak of a process's resident memory. */
const GNU_TIME = '/usr/bin/time';

/**
 * Runs a command once: wall time of the whole process, its output, and where asked for its peak of resident memory in MiB.
 * `{ error }` where it failed.
 * @param job `command` as an array, `stdin` a file, `peak` whether to measure memory, `statuses` that are none of a failure
 */
export async function runOnce({ command, stdin, peak = false, statuses = [0] }, timeout) {
  const report = peak && existsSync(GNU_TIME) ? join(scratch(), 'peak') : undefined;
  const [program, ...args] = report ? [GNU_TIME, '-f', '%M', '-o', report, ...command] : command;
  const input = stdin === undefined ? 'ignore' : openSync(stdin, 'r');
  const start = process.hrtime.bigint();
  const child = spawn(program, args, { stdio: [input, 'pipe', 'pipe'] });
  const output = { stdout: [], stderr: [] };
  for (const [name, parts] of Object.entries(output)) child[name].on('data', (part) => parts.push(part));
  const late = setTimeout(() => child.kill('SIGKILL'), timeout * 1000);
  let ended;
  child.once('exit', () => {
    ended = process.hrtime.bigint();
  });
  const [status, signal] = await whileRunning(child, once(child, 'close')).catch((error) => [error, null]);
  clearTimeout(late);
  if (input !== 'ignore') closeSync(input);
  if (status instanceof Error) return { error: status.message };
  const seconds = Number(ended - start) / 1e9;
  if (signal === 'SIGKILL' && seconds >= timeout) return { error: `more than ${timeout} s` };
  const stdout = Buffer.concat(output.stdout);
  const stderr = Buffer.concat(output.stderr).toString();
  if (!statuses.includes(status)) return { error: `ended with ${signal ?? status}: ${stderr.trim().split('\n')[0]}` };
  const kib = report && Number(readFileSync(report, 'utf8').trim().split('\n').at(-1));
  return { seconds, stdout, stderr, ...(kib > 0 && { peak: kib / 1024 }) };
}

/**
 * Measures jobs that do the same work by turns, `runs` times: job 1, job 2, … and again from job 1, so that whatever else the
 * machine does in the meantime hits all of them alike.
 *
 * Jobs with one `group` must print the same: as `expected` says, else as the first of them did in its first run. Whoever
 * prints something else has failed.
 *
 * @param jobs `{ name, command, stdin?, peak?, statuses?, group?, text? }`; `text` makes text for comparison of what one prints
 * @returns by name `{ times, median, peak, stderr }` of the last run, or `{ error }`
 */
export async function measure(what, jobs, { runs, timeout }, expected = {}) {
  const cells = Object.fromEntries(jobs.map((job) => [job.name, { times: [] }]));
  const printed = { ...expected };
  for (let run = 1; run <= runs; run++) {
    for (const job of jobs) {
      const cell = cells[job.name];
      if (cell.error) continue;
      const { error, seconds, stdout, stderr, peak } = await runOnce(job, timeout);
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
