/** Characters to insert, remove or replace to make one word of another (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (a[i] === b[j] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}

/** The words that a mistyped one may have meant, likeliest first: a third of its letters apart at most. */
export function closest(word: string, words: readonly string[], most = 3): string[] {
  return words
    .map((other) => ({ other, apart: distance(word, other) }))
    .filter(({ other, apart }) => apart <= Math.ceil(Math.max(word.length, other.length) / 3))
    .sort((a, b) => a.apart - b.apart || (a.other < b.other ? -1 : 1))
    .slice(0, most)
    .map(({ other }) => other);
}
