/** The shell that starts the update, with a systemctl that says what a test wants. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ConfigError } from '../../../src/errors.ts';
import { startUnitShell, type UnitShell } from '../../../src/varlink/unit-shell.ts';

let directory: string;
let shell: UnitShell | undefined;
const path = process.env.PATH;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'extupdate-shell-'));
  // Nothing else is found: the shell itself is all that is needed.
  process.env.PATH = directory;
});
afterEach(() => {
  shell?.close();
  process.env.PATH = path;
  rmSync(directory, { recursive: true });
});

function systemctl(script: string): UnitShell {
  writeFileSync(join(directory, 'systemctl'), `#!/bin/sh\necho "$@" >>${directory}/calls\n${script}\n`);
  chmodSync(join(directory, 'systemctl'), 0o755);
  shell = startUnitShell();
  return shell;
}
const calls = () => readFileSync(join(directory, 'calls'), 'utf8').trim().split('\n');

it('starts the units without waiting for them, and shows them, as often as it is asked', async () => {
  const { start, show } = systemctl(
    'case $1 in show) printf "Id=a.service\\nActiveState=activating\\nStatusText== 0\\n\\nId=b.service\\nActiveState=inactive\\nJob=7\\n";; esac',
  );
  await start();
  for (const _ of [1, 2]) {
    expect(await show()).toMatchObject([
      { unit: 'a.service', state: 'activating', text: '= 0', busy: true },
      { unit: 'b.service', state: 'inactive', busy: true },
    ]);
  }
  expect(calls()).toEqual([
    'start --no-block extupdate-install.service extupdate-activate.service',
    ...Array(2).fill(
      expect.stringMatching(/^show --property=Id,\S+ extupdate-acquire.service extupdate-install.service /),
    ),
  ]);
});

it('says why systemd does not start them, and can be asked again', async () => {
  const { start, show } = systemctl(
    'case $1 in start) echo "Failed to start extupdate-install.service: Unit not found." >&2; exit 5;; esac',
  );
  await expect(start()).rejects.toThrow(
    new ConfigError('the update cannot be started: Failed to start extupdate-install.service: Unit not found.', {
      next: 'see "systemctl status extupdate-install.service"',
    }),
  );
  expect(await show()).toEqual([]);
});

it('says so where there is no systemctl, or the shell has ended', async () => {
  shell = startUnitShell();
  await expect(shell.start()).rejects.toThrow(/cannot be started: .*systemctl.*not found/);
  shell.close();
  await expect(shell.show()).rejects.toThrow(/cannot be followed/);
});
