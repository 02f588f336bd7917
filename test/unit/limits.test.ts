import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;
const documented = readFileSync(join(root, 'docs/limits.md'), 'utf8');
/** What the source calls a limit, by its name. */
const LIMIT =
  /^(?:export )?const ([A-Z_]*(?:MAX|TIMEOUT|TIMEOUT_DEFAULT|RESERVE|AT_ONCE|DEPTH)|max[A-Z]\w*)\b[^=\n]* = [^\n]*/gm;
/** Network and daemon have tables of their own; the command line shows things. */
const ELSEWHERE = /^src\/(fetch|daemon|cli)\//;

const limits = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join('src', name))
  .flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(LIMIT)].map(([, name = '']) => `\`${name}\` in \`${file}\``),
  )
  .filter((one) => !ELSEWHERE.test(one.split('`')[3] ?? ''));

it('every limit in the source is in docs/limits.md', () => {
  expect(limits.length).toBeGreaterThan(40);
  expect(limits.filter((one) => !documented.includes(one))).toEqual([]);
});

it('docs/limits.md names none that is not in the source', () => {
  const named = [...documented.matchAll(/`(\w+)` in `(src\/[\w/-]+\.ts)`/g)];
  const missing = named.filter(
    ([, name, file = '']) => !new RegExp(`\\b${name}\\b`).test(readFileSync(join(root, file), 'utf8')),
  );
  expect(missing.map(([one]) => one)).toEqual([]);
});
