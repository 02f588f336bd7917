/** Directories below one that somebody else writes to. */
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { inPinnedDirectory } from '../../../src/os/pinned-directory.ts';

let place: string;
let parent: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'extupdate-pinned-'));
  parent = join(place, 'manifests');
});
afterEach(() => rmSync(place, { recursive: true }));

it.each([
  ['nothing', () => {}],
  ['a link', () => symlinkSync('/etc', parent)],
  ['a file', () => writeFileSync(parent, 'x')],
] as const)('many at once, and in their place %s: none takes away what another has written', async (_, spoil) => {
  const names = Array.from({ length: 50 }, (_, number) => String(number));
  spoil();
  await Promise.all(
    names.map((name) =>
      inPinnedDirectory(join(parent, name), async (pinned) => writeFileSync(join(pinned, 'list'), name)),
    ),
  );
  expect(readdirSync(parent, { recursive: true })).toHaveLength(2 * names.length);
});
