import { describe, expect, it } from 'vitest';
import { type Boot, failedPlans } from '../../../src/resolve/boots.ts';
import { addBadMark, holdsAfterChoice, isBadUnder } from '../../../src/resolve/marks.ts';
import { identifyOs, identityOf, knownOs } from '../../../src/resolve/os-identity.ts';
import {
  type ComponentOutcome,
  emptyRecord,
  entryAfter,
  type OsRecord,
  type RecordedComponent,
} from '../../../src/resolve/record.ts';

const version = (name: string, more: Partial<RecordedComponent> = {}): RecordedComponent => ({
  version: name,
  sha256: name,
  file: `/store/app_${name}.raw`,
  ...more,
});
const planned = (name: string, bootId: string) => version(name, { planned: bootId });

describe('entryAfter: what a record says of a component when a run ends', () => {
  const now = 'now';
  it.each<[string, Partial<ComponentOutcome>, RecordedComponent | undefined]>([
    ['taken as it is, when nothing was recorded', { active: version('1') }, version('1')],
    ['not good, when a killed run has left it', { active: version('1'), isOnTrial: true }, planned('1', now)],
    ['nothing, when nothing is visible', { before: version('1') }, undefined],
    ['good, when it was judged', { before: version('1'), active: version('2'), isJudged: true }, version('2')],
    ['not good, when nobody looked', { before: version('1'), active: version('2') }, planned('2', now)],
    [
      'not good without systemd',
      { before: version('1'), active: version('2'), isJudged: true, isMerged: false },
      planned('2', now),
    ],
    ['as good as before', { before: version('1'), active: version('1'), isMerged: false }, version('1')],
    ['what was before, after a failure', { before: version('1'), active: version('1'), failed: '2' }, version('1')],
    [
      'not good, when something else than before is back after a failure',
      { before: version('1'), active: version('0'), isJudged: true, failed: '2' },
      planned('0', now),
    ],
    [
      'left to bless, when it became visible with this boot',
      { before: planned('2', 'then'), active: version('2') },
      planned('2', 'then'),
    ],
    [
      'good, when bless has looked',
      { before: planned('2', 'then'), active: version('2'), isJudged: true },
      version('2'),
    ],
    [
      'with what waits for the next boot',
      { before: version('1'), active: version('1'), waiting: version('2') },
      version('1', { next: planned('2', now) }),
    ],
    ['only what waits, when nothing is visible', { waiting: version('2') }, planned('2', now)],
    [
      'still with what waits, after a failure',
      { before: version('1', { next: planned('2', now) }), active: version('1'), failed: '3' },
      version('1', { next: planned('2', now) }),
    ],
    [
      'without what waited, when that is not wanted any more',
      { before: version('1', { next: planned('2', now) }), active: version('1') },
      version('1'),
    ],
    [
      'with it, when bless has looked at another',
      { before: version('1', { next: planned('2', now) }), active: version('1'), isJudged: true, keepsWaiting: true },
      version('1', { next: planned('2', now) }),
    ],
    [
      'what came with this boot, and what comes with the next',
      { before: version('1', { next: planned('2', 'then') }), active: version('2'), waiting: version('3') },
      { ...planned('2', 'then'), next: planned('3', now) },
    ],
  ])('%s', (_, outcome, expected) => {
    const usual = {
      before: undefined,
      active: undefined,
      bootId: now,
      isMerged: true,
      isJudged: false,
      isOnTrial: false,
    };
    expect(entryAfter({ ...usual, keepsWaiting: false, ...outcome })).toEqual(expected);
  });
});

describe('holds and bad marks', () => {
  const versions = [
    { version: '5', compatible: null },
    { version: '4', compatible: false },
    { version: '3', compatible: true },
    { version: '2', compatible: true },
  ];
  it.each([
    ['what is newer and fits, everywhere; what is unknown, here', '2', [], [], ['3'], ['5']],
    [
      'what was held before and is newer, although it is not offered any more',
      '2',
      ['9'],
      ['8'],
      ['3', '9'],
      ['5', '8'],
    ],
    ['not what is older than the choice', '5', ['3', '4'], ['2'], [], []],
    ['nothing in both', '2', ['5'], [], ['3', '5'], []],
  ])('a choice holds %s', (_, chosen, before, here, everywhere, hereAfter) => {
    expect(holdsAfterChoice(chosen, versions, { everywhere: before, here })).toEqual({ everywhere, here: hereAfter });
  });

  it('an image is bad under the OSes where it failed', () => {
    const mark = { component: 'app', version: '2', reason: 'sick' };
    const first = addBadMark(undefined, mark, 'os:1');
    expect([isBadUnder(first, 'os:1'), isBadUnder(first, 'os:2')]).toEqual([true, false]);
    expect(addBadMark(first, mark, 'os:2').oses).toEqual(['os:1', 'os:2']);
    // A mark of the format before.
    expect(isBadUnder({ ...mark, oses: [] }, 'os:3')).toBe(true);
  });
});

describe('failedPlans: what kept a boot from being good', () => {
  const boots = (text: string): Boot[] =>
    text.split(' ').map((word, index) => ({
      os: word[0] ?? '',
      bootId: `b${index}`,
      blessed: word.endsWith('+'),
      deployment: null,
      release: {},
    }));
  const os = knownOs({ fields: { ID: 'a' }, architecture: 'x86-64', initrd: false });
  const record = (bootId: string): OsRecord => ({
    ...emptyRecord(os),
    components: { app: version('1', { next: planned('2', bootId) }), web: version('1') },
  });
  it.each([
    ['a boot after the plan that was not blessed', 'a+ a', 'b0', { app: '2' }],
    ['one that was', 'a+ a+', 'b0', {}],
    ['no boot since', 'a+', 'b0', {}],
    ['another OS', 'a+ b', 'b0', {}],
    ['no boot was ever blessed', 'a a', 'b0', {}],
    ['the boot of the plan is forgotten', 'a+ a', 'long ago', {}],
  ])('%s', (_, history, bootId, expected) => {
    expect(Object.fromEntries(failedPlans(boots(history), 'a', record(bootId)))).toEqual(expected);
  });
});

describe('names of OSes', () => {
  it('stay file names, and different', () => {
    const long = (end: string) =>
      identifyOs({ ID: 'os', VERSION_ID: `${'9'.repeat(300)}${end}` }, `${'é'.repeat(200)}`);
    expect(Buffer.byteLength(`${long('1').name}.json.broken`)).toBeLessThan(255);
    expect(long('1').name).not.toBe(long('2').name);
    expect(identityOf(long('1').name)).toBe(long('1').identity);
    expect(identifyOs({}).name).toBe('linux');
    expect(identifyOs({ ID: 'os', VERSION_ID: '\ud800' }).name).toBe('os:%EF%BF%BD');
  });
});
