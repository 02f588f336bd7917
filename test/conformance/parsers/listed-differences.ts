/** Differences from systemd that are known and meant: each has to occur, and nothing else may. */
import { expect } from 'vitest';

export interface ListedDifference<Case> {
  readonly name: string;
  readonly reason: string;
  readonly explains: (one: Case) => boolean;
}

/**
 * Sorts cases in which extupdate and systemd differ by what explains them, and prints how many there are of each.
 * @throws AssertionError for what nothing explains, and for what did not occur
 */
export function expectOnlyListed<Case>(
  what: string,
  total: number,
  differing: readonly Case[],
  listed: readonly ListedDifference<Case>[],
): void {
  const counts = new Map(listed.map(({ name }) => [name, 0]));
  const unexplained: Case[] = [];
  for (const one of differing) {
    const found = listed.find(({ explains }) => explains(one));
    if (found) counts.set(found.name, (counts.get(found.name) ?? 0) + 1);
    else unexplained.push(one);
  }
  const lines = listed.map(({ name, reason }) => `  ${counts.get(name)} × ${name}: ${reason}`);
  console.log([`${what}: ${total} compared, ${differing.length} differ`, ...lines].join('\n'));
  expect(unexplained.slice(0, 5), `${unexplained.length} differences that are not listed`).toEqual([]);
  expect(
    [...counts].flatMap(([name, count]) => (count === 0 ? [name] : [])),
    'listed, and do not occur',
  ).toEqual([]);
}
