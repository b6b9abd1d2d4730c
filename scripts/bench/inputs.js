import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratch } from './base.js';

/** Marsaglia's xorshift: the same numbers for the same seed, everywhere. */
export function generator(seed) {
  let x = seed | 0 || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const WORDS = 4000;
const LINE = 90;

/** Words of made-up text, the first ones much more frequent than the last, so that it compresses about as prose does. */
function words(next) {
  const all = Array.from({ length: WORDS }, () => {
    const length = 2 + (next() % 9);
    return Array.from({ length }, () => LETTERS[next() % LETTERS.length]).join('');
  });
  return () => all[Math.floor(WORDS * (next() / 2 ** 32) ** 3)];
}

/** `size` bytes of lines of text. */
export function textFile(size, seed = 1) {
  const word = words(generator(seed));
  const lines = [];
  for (let bytes = 0; bytes < size; ) {
    let line = word();
    while (line.length < LINE) line += ` ${word()}`;
    lines.push(line);
    bytes += line.length + 1;
  }
  const path = join(scratch(), 'text');
  writeFileSync(path, `${lines.join('\n')}\n`.slice(0, size));
  return path;
}

const PLACES = ['north', 'south', 'east', 'west', 'harbour'];

/** `count` records: number; place; amounts by comma; text. */
export function recordFile(count, seed = 2) {
  const next = generator(seed);
  const word = words(next);
  const lines = [];
  for (let i = 1; i <= count; i++) {
    const amounts = Array.from({ length: 1 + (next() % 4) }, () => (next() % 100_000) / 100);
    lines.push([i, PLACES[next() % PLACES.length], amounts.join(','), `${word()} ${word()} ${word()}`].join(';'));
  }
  const path = join(scratch(), 'records');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}
