/** What a new version of extupdate has to answer to be taken. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tryOwnProgram } from '../../../src/apply/own-program.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'extupdate-own-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const definitions = { components: [], known: [], broken: [], left: [], disabled: [], warnings: [], features: [] };
const broken = [{ name: 'app', problems: [] }];

/** Tries a shell script in place of the program; `$1` is the command. */
function tryScript(script: string, some: object = {}): Promise<string | undefined> {
  const path = join(directory, 'program');
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const system = { definitions: { ...definitions, ...some } } as unknown as Parameters<typeof tryOwnProgram>[0];
  return tryOwnProgram(system, { command: [path] });
}

const DOCUMENT = '{"format": 1, "components": []}';
const selects = (status: number, document = DOCUMENT) =>
  `[ "$*" = --version ] && exit; [ "$*" = 'select --dry-run --json=short' ] || exit 9; echo '${document}'; exit ${status}`;

describe('it works', () => {
  it.each([0, 10, 13, 14, 15])('when it would select, and ends with %s', async (status) => {
    expect(await tryScript(selects(status))).toBeUndefined();
  });

  it('when it refuses definitions that were refused before', async () => {
    expect(await tryScript(selects(3), { broken })).toBeUndefined();
  });

  it('when its documents have a newer format', async () => {
    expect(await tryScript(selects(0, '{"format": 2, "components": [], "more": {}}'))).toBeUndefined();
  });
});

describe('it does not', () => {
  it.each([
    [
      'when it does not start',
      'echo no such library >&2; exit 127',
      '--version" ended with status 127: no such library',
    ],
    ['when it is killed', 'kill -9 $$', '--version" ended with no status'],
    ['when it has a defect', selects(1), 'select --dry-run" ended with status 1'],
    ['when it does not know the command', selects(2), 'select --dry-run" ended with status 2'],
    ['when it refuses definitions that were fine', selects(3), 'select --dry-run" ended with status 3'],
    ['when it answers with nothing', selects(0, ''), 'select --dry-run" ended with status 0'],
    ['when it answers with something else', selects(0, '{"format": "x"}'), 'select --dry-run" ended with status 0'],
  ])('%s', async (_, script, why) => {
    expect(await tryScript(script)).toContain(why);
  });

  it('when it is not there', async () => {
    const system = { definitions } as unknown as Parameters<typeof tryOwnProgram>[0];
    expect(await tryOwnProgram(system, { command: ['/nowhere/extupdate'] })).toContain('ended with no status');
  });
});
