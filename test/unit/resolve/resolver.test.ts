import { describe, expect, it } from 'vitest';
import { defaultExtensionSettings } from '../../../src/definition/extension-settings.ts';
import { type ResolveInput, resolve } from '../../../src/resolve/resolver.ts';
import type {
  Component,
  ExtensionSettings,
  ImageFacts,
  InstalledInstance,
  OfferedInstance,
  Transfer,
} from '../../../src/types.ts';
import { parsePattern } from '../../../src/version/pattern.ts';

const transfer = (id: string, more: Partial<Transfer> = {}): Transfer => ({
  id,
  file: `/etc/${id}.transfer`,
  kind: 'sysext',
  protectVersions: [],
  verify: true,
  changeLog: [],
  appStream: [],
  rivals: [],
  source: { type: 'url-file', path: 'https://example.com', explicit: false, patterns: [parsePattern(`${id}_@v.raw`)] },
  target: {
    type: 'regular-file',
    path: `/var/lib/extensions/${id}.raw.v`,
    patterns: [parsePattern(`${id}_@v.raw`)],
    instancesMax: 3,
  },
  ...more,
});

/** Facts of an image for an OS version; '*' fits everywhere. */
const facts = (os: string): ImageFacts => ({
  origin: 'image',
  sysext: [{ suffix: 'app', fields: os === '*' ? { ID: '_any' } : { ID: 'os', VERSION_ID: os } }],
  confext: [],
  hasOsRelease: false,
});

const offer = (version: string, id = 'app'): OfferedInstance => ({
  transferId: id,
  version,
  name: `${id}_${version}.raw`,
  location: `https://example.com/${id}_${version}.raw`,
  fields: { version },
  sha256: `${id}-${version}`,
  sidecars: [],
});

const here = (version: string, os = '1', id = 'app'): InstalledInstance => ({
  transferId: id,
  version,
  name: `${id}_${version}.raw`,
  path: `/store/${id}_${version}.raw`,
  parked: false,
  sizeBytes: 1,
  sha256: `${id}-${version}`,
  facts: facts(os),
});

interface Situation extends Partial<Omit<ResolveInput, 'component' | 'factsOf' | 'held' | 'bad'>> {
  readonly transfers?: readonly Transfer[];
  readonly settings?: Partial<ExtensionSettings>;
  /** OS version that an image is for, by hash; missing = unknown. */
  readonly fits?: Readonly<Record<string, string>>;
  readonly held?: readonly string[];
  readonly bad?: readonly string[];
}

function situation({
  transfers = [transfer('app')],
  settings = {},
  fits = {},
  held = [],
  bad = [],
  ...rest
}: Situation) {
  const component: Component = {
    name: 'app',
    origin: 'extupdate',
    transfers,
    disabledTransfers: [],
    settings: { ...defaultExtensionSettings, ...settings },
  };
  return resolve({
    component,
    host: { fields: { ID: 'os', VERSION_ID: '1' }, architecture: 'x86-64', initrd: false },
    offered: [],
    installed: [],
    factsOf: (sha256) => (fits[sha256] === undefined ? undefined : facts(fits[sha256])),
    held: new Set(held),
    bad: new Map(bad.map((sha256) => [sha256, 'it broke'])),
    fileNameOf: (_, instance) => instance.name,
    ...rest,
  });
}

const all = { 'app-1': '1', 'app-2': '1', 'app-3': '1' };
const offered = [offer('1'), offer('2'), offer('3')];

describe('resolve', () => {
  it.each<[string, Situation, string | undefined, Record<string, string>]>([
    ['nothing at all', {}, undefined, {}],
    ['the newest that is offered', { offered, fits: all }, '3', { 3: 'chosen', 2: 'older', 1: 'older' }],
    [
      'the newest, when it is current',
      { offered, fits: all, installed: [here('3')], active: '3' },
      '3',
      { 3: 'current' },
    ],
    [
      'the next one down when the newest is for another OS',
      { offered, fits: { ...all, 'app-3': '2' } },
      '2',
      { 3: 'incompatible', 2: 'chosen' },
    ],
    ['an unknown newest, to be looked at', { offered, fits: { 'app-1': '1' } }, '3', { 3: 'chosen', 2: 'unknown' }],
    [
      'what is installed, when nothing is offered',
      { installed: [here('2'), here('1')], active: '1' },
      '2',
      { 2: 'chosen' },
    ],
    [
      'an older installed one, when the active one does not fit any more',
      { installed: [here('2', '9'), here('1')], active: '2' },
      '1',
      { 2: 'incompatible', 1: 'chosen' },
    ],
    ['never what is held', { offered, fits: all, held: ['3'] }, '2', { 3: 'held', 2: 'chosen' }],
    ['never what is bad', { offered, fits: all, bad: ['app-3'] }, '2', { 3: 'bad', 2: 'chosen' }],
    ['nothing above MaxVersion=', { offered, fits: all, settings: { maxVersion: '2' } }, '2', { 3: 'above-max' }],
    [
      'nothing that SkipVersions= matches',
      { offered, fits: all, settings: { skipVersions: ['3*'] } },
      '2',
      { 3: 'skipped' },
    ],
    [
      'nothing below MinVersion=',
      { offered, fits: { ...all, 'app-3': '2' }, transfers: [transfer('app', { minVersion: '3' })] },
      undefined,
      { 3: 'incompatible', 2: 'obsolete' },
    ],
    [
      'the version asked for',
      { offered, fits: all, requested: '1', active: '3', installed: [here('3')] },
      '1',
      { 1: 'chosen', 3: 'not-requested' },
    ],
    ['a held version that is asked for', { offered, fits: all, held: ['3'], requested: '3' }, '3', { 3: 'chosen' }],
    ['a bad version that is asked for', { offered, fits: all, bad: ['app-3'], requested: '3' }, '3', { 3: 'chosen' }],
    [
      'no version that is asked for and does not fit',
      { offered, fits: { ...all, 'app-3': '2' }, requested: '3' },
      undefined,
      { 3: 'incompatible' },
    ],
    ['no version that is asked for and does not exist', { offered, fits: all, requested: '9' }, undefined, {}],
    [
      'the first of two spellings by bytes',
      { offered: [offer('1.0'), offer('1.00')], fits: { 'app-1.0': '1', 'app-1.00': '1' } },
      '1.0',
      {},
    ],
  ])('chooses %s', (_, given, version, reasons) => {
    const resolution = situation(given);
    expect(resolution.chosen?.version).toBe(version);
    const codes = Object.fromEntries(resolution.versions.map((state) => [state.version, state.reason.code]));
    expect(codes).toMatchObject(reasons);
  });

  describe('with several transfers', () => {
    const transfers = [transfer('app'), transfer('data', { kind: 'none' })];

    it('chooses only what all offer', () => {
      const resolution = situation({ transfers, offered: [offer('1'), offer('2'), offer('1', 'data')], fits: all });
      expect(resolution.chosen?.version).toBe('1');
      expect(resolution.versions[0]).toMatchObject({ version: '2', available: false, reason: { code: 'incomplete' } });
    });

    it('repairs a version that is partly here', () => {
      const resolution = situation({
        transfers,
        offered: [offer('2', 'data')],
        installed: [here('2')],
        fits: all,
      });
      expect(resolution.chosen).toMatchObject({ version: '2', complete: false });
    });
  });

  it('takes what UAPI.10 holds equal for one version, called as it is called here', () => {
    const fits = { 'app-1.0': '1', 'app-1': '1' };
    const { versions, chosen } = situation({
      offered: [offer('1.0'), offer('1.000'), offer('1')],
      installed: [here('1.00')],
      active: '1.00',
      fits,
    });
    expect(versions.map(({ version }) => version)).toEqual(['1.00', '1']);
    expect(chosen).toMatchObject({ version: '1.00', active: true, complete: true });
    expect(situation({ offered: [offer('1.00'), offer('1.0')], fits, requested: '1' }).chosen).toBeUndefined();
    expect(situation({ offered: [offer('1.00'), offer('1.0')], fits, requested: '1.000' }).chosen).toMatchObject({
      version: '1.0',
    });
  });

  it('gives the same answer for any order of the input', () => {
    const forwards = situation({ offered, fits: { ...all, 'app-3': '2' } });
    const backwards = situation({ offered: offered.toReversed(), fits: { ...all, 'app-3': '2' } });
    expect(backwards.versions.map(({ version, reason }) => [version, reason])).toEqual(
      forwards.versions.map(({ version, reason }) => [version, reason]),
    );
  });

  it('tells why: every version that is not chosen has a reason in words', () => {
    const resolution = situation({ offered, fits: { ...all, 'app-3': '2' } });
    expect(resolution.versions.map(({ reason }) => reason.text)).toEqual([
      'VERSION_ID=2, this OS is 1',
      'the newest version that fits',
      'older than 2',
    ]);
  });
});
