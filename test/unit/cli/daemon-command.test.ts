import { describe, expect, it } from 'vitest';
import { wordsOfRuns } from '../../../src/cli/daemon-command.ts';
import { UsageError } from '../../../src/errors.ts';

const given = { json: 'off', refresh: true, pager: true, legend: true } as const;

describe('what the runs of a daemon get from it', () => {
  it.each([
    [{}, []],
    [{ root: '/tree', definitions: 'some/dir' }, ['--root=/tree', '--definitions=some/dir']],
    [{ component: ['a', 'b'] }, ['--component=a', '--component=b']],
    [{ keyring: ['/a.pgp', '/b.pgp'] }, ['--keyring=/a.pgp', '--keyring=/b.pgp']],
    [{ verify: false, arch: 'arm64', wait: 90 }, ['--verify=no', '--arch=arm64', '--wait=90']],
    [{ verify: true, refresh: false, debug: true }, ['--verify=yes', '--no-refresh', '--debug']],
  ])('%j: %j', (options, words) => {
    // Whatever is at work is waited for, unless something else is said.
    const wait = 'wait' in options ? [] : ['--wait=5min'];
    expect([...wordsOfRuns({ ...given, ...options })].sort()).toEqual([...words, ...wait].sort());
  });

  it.each([{ json: 'short' }, { dryRun: true }, { offline: true }] as const)('%j is refused', (options) => {
    expect(() => wordsOfRuns({ ...given, ...options })).toThrow(UsageError);
  });
});
