import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootableOses, otherOses, type ShownOs } from '../../../src/resolve/bootable.ts';
import { addBoot, type Boot, blessBoot, cameInWith, failedUpdates, lastBooted } from '../../../src/resolve/boots.ts';
import { isolate } from '../../../src/resolve/isolate.ts';
import { chooseSpare, decideElsewhere, type KeepDecision } from '../../../src/resolve/keep.ts';
import { neededFiles, obsoleteRecords } from '../../../src/resolve/needed-files.ts';
import { describeOs, identifyOs, knownOs } from '../../../src/resolve/os-identity.ts';
import {
  changeRecord,
  emptyRecord,
  type OsRecord,
  type RecordedComponent,
  releaseOf,
} from '../../../src/resolve/record.ts';
import type { Resolution, VersionState } from '../../../src/resolve/resolver.ts';
import { selectVersion } from '../../../src/resolve/select.ts';
import { planUnitActions, unitsToWatch } from '../../../src/resolve/unit-actions.ts';
import type { InstalledInstance } from '../../../src/types.ts';

const os = (version: string, deployment?: string) =>
  knownOs({ fields: { ID: 'os', VERSION_ID: version }, architecture: 'x86-64', initrd: false }, deployment);

describe('identifyOs', () => {
  it.each([
    [{ ID: 'fedora', VERSION_ID: '43' }, 'fedora:43'],
    [{ ID: 'os', VERSION_ID: '1', VARIANT_ID: 'server' }, 'os:1:server'],
    [{ ID: 'os', IMAGE_ID: 'particle', IMAGE_VERSION: '25' }, 'os:::particle:25'],
    // A name of a file, whatever the fields hold.
    [{ ID: 'a/../b', VERSION_ID: '1:2' }, 'a%2F..%2Fb:1%3A2'],
    [{ ID: 'debian' }, 'debian'],
  ])('%j is %s', (fields, identity) => {
    expect(identifyOs(fields)).toEqual({ name: identity, identity });
  });

  it('adds the deployment, where the platform has such', () => {
    expect(identifyOs({ ID: 'os', VERSION_ID: '1' }, 'abc/1.0')).toMatchObject({
      name: 'os:1@abc%2F1.0',
      identity: 'os:1',
    });
    expect(describeOs(os('1', 'abc.0'))).toBe('os 1 (abc.0)');
  });

  it('is told back by a record without fields', () => {
    const { release: _, ...record } = emptyRecord(os('1:2'));
    expect(releaseOf(record)).toEqual({ ID: 'os', VERSION_ID: '1:2' });
  });
});

describe('changeRecord', () => {
  const entry = { version: '1', sha256: 'a', file: '/store/app_1.raw' };
  it('is planned as long as one of its components is', () => {
    const planned = changeRecord(
      os('1'),
      undefined,
      new Map<string, RecordedComponent>([
        ['app', { ...entry, planned: '' }],
        ['web', entry],
      ]),
    );
    expect(planned).toMatchObject({ format: 1, state: 'planned' });
    expect(changeRecord(os('1'), planned, new Map([['app', entry]])).state).toBe('good');
    expect(changeRecord(os('1'), planned, new Map([['app', undefined]])).components).toEqual({ web: entry });
  });

  it('is the very same when nothing changes, so that nothing is written', () => {
    const before = changeRecord(os('1'), undefined, new Map([['app', entry]]));
    expect(changeRecord(os('1'), before, new Map([['app', { ...entry }]]))).toEqual(before);
  });

  it('keeps what a newer extupdate has written', () => {
    const newer = { ...emptyRecord(os('1')), format: 3, colour: 'blue' } as OsRecord;
    expect(changeRecord(os('1'), newer, new Map([['app', entry]]))).toMatchObject({ format: 3, colour: 'blue' });
  });
});

const boot = (name: string, blessed = false, bootId = `${Math.random()}`): Boot => ({
  os: name,
  bootId,
  blessed,
  deployment: null,
  release: {},
});
/** `1+ 2 1`: OS 1, blessed; then OS 2, never blessed; then OS 1. */
const boots = (text: string) => text.split(' ').map((word) => boot(word.replace('+', ''), word.endsWith('+')));

describe('boots', () => {
  it.each([
    ['an update that failed', '1+ 2', '1', ['2']],
    ['two in a row', '1+ 2 3 2', '1', ['2', '3']],
    ['a rollback from a good OS is a wish', '1+ 2+', '1', []],
    ['good once is good', '2+ 1+ 2', '1', []],
    ['nothing is known where boots are never blessed', '1 2', '1', []],
    ['the present OS is good since before', '1+ 1 2', '1', ['2']],
    ['it was looked at when the machine came back', '1+ 2 1', '1', []],
    ['never booted before', '1+ 2', '3', []],
  ])('%s: %s, back on %s', (_, history, current, failed) => {
    expect(failedUpdates(boots(history), current)).toEqual(failed);
  });

  it('notes a boot once, blesses it, and remembers the last of every OS', () => {
    const first = addBoot([], boot('1', false, 'a'));
    expect(addBoot(first, boot('1', false, 'a'))).toBe(first);
    expect(blessBoot(first, { os: '1', bootId: 'a' })[0]?.blessed).toBe(true);
    // A soft reboot into another OS.
    expect(addBoot(first, boot('2', false, 'a'))).toHaveLength(2);
    expect(blessBoot(first, { os: '2', bootId: 'a' })[0]?.blessed).toBe(false);
    let many = addBoot(first, boot('2', false, 'b'));
    for (let index = 0; index < 100; index++) many = addBoot(many, boot('3', false, `c${index}`));
    expect(many.length).toBeLessThanOrEqual(34);
    expect(lastBooted(many, 5).map(({ os: name }) => name)).toEqual(['3', '2', '1']);
  });

  it('what came in with an OS is what the other had not, or had older', () => {
    const record = (versions: Record<string, string>) => ({
      ...emptyRecord(os('1')),
      components: Object.fromEntries(
        Object.entries(versions).map(([name, version]) => [name, { version, sha256: null, file: name }]),
      ),
    });
    const came = cameInWith(
      record({ app: '2', web: '1', new: '1', old: '1' }),
      record({ app: '1', web: '1', old: '2' }),
    );
    expect(came).toEqual([
      ['app', '2'],
      ['new', '1'],
    ]);
    const waiting = { ...record({ app: '2' }).components.app, next: { version: '3', sha256: null, file: 'app' } };
    const both = { ...record({}), components: { app: waiting } } as OsRecord;
    expect(cameInWith(both, record({ app: '1' }))).toEqual([
      ['app', '2'],
      ['app', '3'],
    ]);
  });
});

describe('bootableOses', () => {
  const shown = (...versions: string[]) => ({
    complete: true,
    found: versions.map(
      (version): ShownOs => ({
        fields: { ID: 'os', VERSION_ID: version },
        deployment: `d${version}`,
        origin: 'ostree',
        where: '',
      }),
    ),
  });
  const records = (states: Record<string, 'planned' | 'good'>) =>
    new Map(
      Object.entries(states).map(([version, state]) => [`os:${version}`, { ...emptyRecord(os(version)), state }]),
    );
  const history = (text: string) =>
    boots(text).map((one) => ({ ...one, os: `os:${one.os}`, release: { ID: 'os', VERSION_ID: one.os } }));

  it.each([
    ['what the platform shows', 'd1', shown('1', '2'), '', {}, ['1', '2'], true],
    ['the last two booted where it shows nothing', undefined, undefined, '1 2 3 2', {}, ['1', '2', '3'], true],
    ['what was prepared last, too', undefined, undefined, '1', { 2: 'planned' }, ['1', '2'], false],
    ['also what was booted long before', undefined, undefined, '2 3 4 1', { 2: 'good' }, ['1', '4', '2'], true],
    ['not what was booted and is only recorded', undefined, undefined, '3 2 1', { 3: 'good' }, ['1', '2'], true],
    [
      'the booted ones too, where the running one is not shown',
      'd1',
      shown('2'),
      '4 3',
      {},
      ['1', '2', '3', '4'],
      false,
    ],
    ['and where not all could be read', 'd1', { ...shown('1'), complete: false }, '2', {}, ['1', '2'], false],
    ['nothing for certain, where no boot was noted', undefined, undefined, '', {}, ['1'], false],
  ] as const)('%s', (name, deployment, platform, booted, recorded, expected, certain) => {
    const found = bootableOses({
      running: os('1', deployment),
      root: '',
      shown: platform,
      boots: booted === '' ? [] : history(booted),
      records: records(recorded),
      prepared:
        name === 'not what was booted and is only recorded' ? [] : Object.keys(recorded).map((one) => `os:${one}`),
    });
    expect(found.oses.map(({ release }) => release.fields.VERSION_ID)).toEqual(expected);
    expect(found.certain).toBe(certain);
    expect(otherOses(found).every(({ running }) => !running)).toBe(true);
  });

  it('only what is certain is forgotten, and only what is bootable is needed', () => {
    const entry = (version: string) => ({ app: { version, sha256: null, file: `/store/${version}` } });
    const kept = new Map(
      ['1', '2', '3'].map((one) => [`os:${one}`, { ...emptyRecord(os(one)), components: entry(one) }]),
    );
    const input = { running: os('1'), root: '', boots: history('3 2 1'), records: kept, prepared: [] };
    const recorded = new Map(['1', '2', '3'].map((one) => [`os:${one}`, os(one)]));
    const bootable = bootableOses(input);
    expect(obsoleteRecords(bootable, kept)).toEqual(['os:3']);
    const needed = neededFiles({ bootable, records: kept, recorded, selectedFor: new Map([['os:2', ['/store/x']]]) });
    expect(Object.fromEntries(needed)).toEqual({
      '/store/1': 'recorded for this OS',
      '/store/2': 'recorded for os 2',
      '/store/x': 'os 2 would be given it at boot',
    });
    const uncertain = bootableOses({ ...input, boots: [] });
    expect(obsoleteRecords(uncertain, kept)).toEqual([]);
    expect([
      ...neededFiles({ bootable: uncertain, records: kept, recorded, selectedFor: new Map() }).keys(),
    ]).toHaveLength(3);
  });
});

describe('selectVersion', () => {
  const state = (version: string, more: Partial<VersionState> = {}): VersionState => ({
    version,
    offered: new Map(),
    installed: new Map([['app', { path: `/store/${version}`, sha256: version } as InstalledInstance]]),
    available: false,
    complete: true,
    active: false,
    compatible: true,
    obsolete: false,
    protected: false,
    held: false,
    bad: false,
    reason: { code: 'older', text: '' },
    ...more,
  });
  const resolution = (activate: string, ...versions: VersionState[]): Resolution => {
    const chosen = versions.find(({ compatible, held, bad }) => compatible === true && !held && !bad);
    const component = { name: 'app', transfers: [], settings: { activate } } as unknown as Resolution['component'];
    return { component, versions, ...(chosen ? { chosen } : {}) };
  };
  const recorded = (version: string, more: object = {}) => ({
    version,
    sha256: version,
    file: `/store/${version}`,
    ...more,
  });

  it.each([
    [
      'what is recorded, though newer fits',
      resolution('now', state('2'), state('1')),
      { recorded: recorded('1') },
      '1',
      'recorded',
    ],
    [
      'what is recorded, though it cannot be read',
      resolution('now', state('2'), state('1', { compatible: null })),
      { recorded: recorded('1') },
      '1',
      'recorded',
    ],
    [
      'the newest, when what is recorded does not fit any more',
      resolution('now', state('2'), state('1', { compatible: false })),
      { recorded: recorded('1') },
      '2',
      'newest',
    ],
    [
      'the newest, when what is recorded turned bad',
      resolution('now', state('2'), state('1', { bad: true })),
      { recorded: recorded('1') },
      '2',
      'newest',
    ],
    [
      'the newest, when the file is another one of the same version',
      resolution('now', state('2'), state('1')),
      { recorded: { ...recorded('1'), sha256: 'other' } },
      '2',
      'newest',
    ],
    ['the newest, without a record', resolution('now', state('2'), state('1', { active: true })), {}, '2', 'newest'],
    [
      'what is active, when a person activates',
      resolution('manual', state('2'), state('1', { active: true })),
      {},
      '1',
      'active',
    ],
    [
      'what a person holds, though another is recorded',
      resolution('now', state('2', { held: true }), state('1')),
      { recorded: recorded('2'), pinned: '1' },
      '1',
      'held',
    ],
    [
      'what is active, while the planned one waits',
      resolution('reboot', state('2'), state('1', { active: true })),
      { recorded: recorded('2', { planned: 'now' }) },
      '1',
      'waiting',
    ],
    [
      'nothing yet, while the first one waits',
      resolution('reboot', state('2')),
      { recorded: recorded('2', { planned: 'now' }) },
      undefined,
      'waiting',
    ],
    [
      'what was planned in an earlier boot',
      resolution('reboot', state('2'), state('1', { active: true })),
      { recorded: recorded('2', { planned: 'before' }) },
      '2',
      'recorded',
    ],
    [
      'what was planned from another OS',
      resolution('now', state('2'), state('1', { active: true })),
      { recorded: recorded('2', { planned: '' }) },
      '2',
      'recorded',
    ],
    [
      'nothing yet of what waits for a person',
      resolution('manual', state('2')),
      { isVisible: false },
      undefined,
      'none',
    ],
    ['but what fits, once a person has made it visible', resolution('manual', state('2')), {}, '2', 'newest'],
    ['nothing that is held, and nothing changes', resolution('now', state('2', { held: true })), {}, undefined, 'none'],
    [
      'nothing of unknown fitness, and nothing changes',
      resolution('now', state('2', { compatible: null })),
      {},
      undefined,
      'none',
    ],
  ])('%s', (_, input, more, version, reason) => {
    const selection = selectVersion({ resolution: input, bootId: 'now', isVisible: true, ...more });
    expect([selection.version?.version, selection.reason]).toEqual([version, reason]);
  });
});

describe('what may go', () => {
  const decision = (version: string, reason: string, spare = true): KeepDecision => ({
    instance: { transferId: 'app', version, name: version, path: `/store/${version}`, parked: false, sizeBytes: 10 },
    keep: true,
    reason,
    spare,
  });
  const all = [
    decision('5', 'active', false),
    decision('4', 'the version to go back to'),
    decision('3', 'recorded for os 2', false),
    decision('2', 'among the newest 3 (InstancesMax=)'),
    decision('1', 'among the newest 3 (InstancesMax=)'),
  ];
  it.each([
    [0, []],
    [1, ['1']],
    [10, ['1']],
    [11, ['1', '2']],
    [25, ['1', '2', '4']],
    [1000, ['1', '2', '4']],
  ])('for %i bytes: %j', (bytes, versions) => {
    expect(chooseSpare(all, bytes).map(({ instance }) => instance.version)).toEqual(versions);
  });

  it('files of other OSes stay for a reason only', () => {
    const instances = ['1', '2', '3', '4'].map((version) => decision(version, '').instance);
    const needs = { merged: new Set(['2']), forOs: new Map([['/store/3', 'recorded for os 2']]) };
    const decided = decideElsewhere(instances, needs, new Set(['1']));
    expect(decided.map(({ keep, reason }) => [keep, reason])).toEqual([
      [true, 'active'],
      [true, 'merged'],
      [true, 'recorded for os 2'],
      [false, 'for an OS that this machine cannot boot any more'],
    ]);
  });
});

describe('isolate', () => {
  it('finds exactly the guilty, with few tries', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 24 }),
        fc.uniqueArray(fc.nat(23), { maxLength: 3 }),
        async (count, bad) => {
          const candidates = Array.from({ length: count }, (_, index) => index);
          let tries = 0;
          const { good, guilty } = await isolate(candidates, async (set) => {
            tries += 1;
            return !set.some((one) => bad.includes(one));
          });
          const expected = bad.filter((one) => one < count).sort((a, b) => a - b);
          expect([...guilty].sort((a, b) => a - b)).toEqual(expected);
          expect([...good, ...guilty].sort((a, b) => a - b)).toEqual(candidates);
          expect(tries).toBeLessThanOrEqual(1 + 2 * expected.length * Math.ceil(Math.log2(count + 1)) + 1);
        },
      ),
    );
  });
});

describe('planUnitActions', () => {
  const after = {
    EXTENSION_RESTART_UNITS: 'a.service b.service',
    EXTENSION_RELOAD_OR_RESTART_UNITS: 'c.service a.service',
  };
  it.each([
    ['257 knows nothing: all is ours', [{ after, reloadUnits: [] }], 257, ['a.service', 'b.service'], ['c.service']],
    ['262 does it by itself', [{ after, reloadUnits: [] }], 262, [], []],
    ['ReloadUnits= is ours everywhere', [{ after, reloadUnits: ['d.service'] }], 262, [], ['d.service']],
    [
      'what is restarted need not be reloaded',
      [{ after, reloadUnits: ['a.service'] }],
      257,
      ['a.service', 'b.service'],
      ['c.service'],
    ],
    [
      'what only the old image named is restarted, or stopped',
      [{ before: after, after: {}, reloadUnits: [] }],
      257,
      ['a.service', 'b.service'],
      ['c.service'],
    ],
  ])('%s', (_, replacements, version, restart, reloadOrRestart) => {
    expect(planUnitActions(replacements, version)).toMatchObject({ restart, reloadOrRestart });
  });

  it('watches what the new image names', () => {
    expect(
      unitsToWatch([{ before: { EXTENSION_RESTART_UNITS: 'x.service' }, after, reloadUnits: ['d.service'] }]),
    ).toEqual(['a.service', 'b.service', 'c.service', 'd.service']);
  });
});
