/** Options before the command. */
import { expect, it } from 'vitest';
import { commandFirst } from '../../../src/cli/command-first.ts';

it.each([
  [
    ['list', '--json=short'],
    ['list', '--json=short'],
  ],
  [
    ['--root=/x', '--offline', 'list', 'app', '--json=short'],
    ['list', '--root=/x', '--offline', 'app', '--json=short'],
  ],
  [['--help'], ['--help']],
  [
    ['--help', 'list'],
    ['--help', 'list'],
  ],
  [
    ['--', 'list'],
    ['--', 'list'],
  ],
  [['--root=/x'], ['--root=/x']],
  [[], []],
])('%j', (given, expected) => {
  expect(commandFirst(given)).toEqual(expected);
});
