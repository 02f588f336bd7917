/** Each check of `doctor`: facts in, findings out. */
import { describe, expect, it } from 'vitest';
import { type ClockFacts, checkClock } from '../../../src/doctor/check-clock.ts';
import { type ComponentFact, checkComponents } from '../../../src/doctor/check-components.ts';
import { checkDefinitions, type DefinitionFacts } from '../../../src/doctor/check-definitions.ts';
import { checkFileSystems } from '../../../src/doctor/check-file-systems.ts';
import { checkKeys, type KeyFact, type KeyFacts } from '../../../src/doctor/check-keys.ts';
import { checkPrograms, optionalPrograms, programs } from '../../../src/doctor/check-programs.ts';
import { checkSelinux } from '../../../src/doctor/check-selinux.ts';
import { checkStorage, type StorageFacts } from '../../../src/doctor/check-storage.ts';
import { checkSystemd, type SystemdFacts } from '../../../src/doctor/check-systemd.ts';
import { checkSysupdate } from '../../../src/doctor/check-sysupdate.ts';
import { checkUnits, type UnitFact } from '../../../src/doctor/check-units.ts';
import type { Finding } from '../../../src/doctor/finding.ts';

/** Findings in short: `state: text`, and the status of a problem. */
function short(findings: readonly Finding[]): string[] {
  for (const { state, exit, next } of findings) {
    expect(exit !== undefined, 'a problem has a status, and nothing else has').toBe(state === 'problem');
    if (state === 'problem') expect(next, 'a problem has a next step').toBeTruthy();
  }
  return findings.map(({ state, text, exit }) => `${state}: ${text}${exit === undefined ? '' : ` (${exit})`}`);
}

const day = 86_400_000;
const now = new Date('2026-11-22T12:00:00Z');

describe('definitions', () => {
  const none: DefinitionFacts = {
    components: [],
    broken: [],
    left: [],
    disabled: [],
    turnedOff: [],
    warnings: [],
    unsafe: [],
  };
  it.each<[string, Partial<DefinitionFacts>, string[]]>([
    ['none', {}, ['note: there are none']],
    ['one', { components: ['app'] }, ['ok: one component: app']],
    ['some', { components: ['a', 'b'] }, ['ok: 2 components: a, b']],
    [
      'broken',
      { components: ['a'], broken: [{ name: 'b', problems: ['/etc/b:1: no', '/etc/b:2: no'] }] },
      ['ok: one component: a', 'problem: /etc/b:1: no (3)', 'problem: /etc/b:2: no (3)'],
    ],
    [
      'warned of',
      { components: ['a'], warnings: ['/etc/a:1: Foo='] },
      ['ok: one component: a', 'warning: /etc/a:1: Foo='],
    ],
    [
      'left, disabled, off',
      { left: [{ name: 'os', reason: 'its target is a partition' }], disabled: ['x'], turnedOff: ['y'] },
      [
        'note: os is left to systemd-sysupdate: its target is a partition',
        'note: disabled: x',
        'note: turned off by their features: y',
      ],
    ],
    [
      'in a place that others can write to',
      { components: ['a'], unsafe: [{ name: 'a', text: '/srv belongs to the user 5', next: 'chown root /srv' }] },
      ['ok: one component: a', 'problem: a: /srv belongs to the user 5 (3)'],
    ],
  ])('%s', (_, facts, expected) => {
    expect(short(checkDefinitions({ ...none, ...facts }))).toEqual(expected);
  });
});

describe('keys', () => {
  const key = (more: Partial<KeyFact> = {}): KeyFact => ({
    fingerprint: `${'0'.repeat(24)}0123456789abcdef`,
    userId: 'Publisher',
    files: ['/etc/systemd/import-pubring.pgp'],
    accepted: true,
    text: 'may sign',
    ...more,
  });
  const facts = (keys: readonly KeyFact[], more: Partial<KeyFacts> = {}): KeyFacts => ({
    verified: ['app'],
    unverified: [],
    keys: new Map([['app', keys]]),
    now,
    ...more,
  });
  const who = 'the key 0123456789abcdef (Publisher), in /etc/systemd/import-pubring.pgp';
  it.each<[string, KeyFacts, string[]]>([
    ['one', facts([key()]), ['ok: one key counts, from /etc/systemd/import-pubring.pgp']],
    [
      'that never expires, and one that does',
      facts([key({ expires: new Date(now.getTime() + 400 * day) })]),
      ['ok: one key counts, from /etc/systemd/import-pubring.pgp'],
    ],
    [
      'that expires soon',
      facts([key({ expires: new Date(now.getTime() + 10.5 * day) })]),
      ['ok: one key counts, from /etc/systemd/import-pubring.pgp', `warning: ${who}: expires in 10 days`],
    ],
    [
      'that expires tomorrow',
      facts([key({ expires: new Date(now.getTime() + 1.5 * day) })]),
      ['ok: one key counts, from /etc/systemd/import-pubring.pgp', `warning: ${who}: expires tomorrow`],
    ],
    [
      'that has expired, alone',
      facts([key({ accepted: false, text: 'has expired' })]),
      ['problem: app: none of the keys counts: 0123456789abcdef has expired (11)', `warning: ${who}: has expired`],
    ],
    [
      'of the OS that has expired, beside a good one',
      facts([
        key(),
        key({
          fingerprint: 'f'.repeat(40),
          accepted: false,
          text: 'has expired',
          files: ['/usr/lib/systemd/import-pubring.pgp'],
        }),
      ]),
      [
        'ok: one key counts, from /etc/systemd/import-pubring.pgp',
        'note: the key ffffffffffffffff (Publisher), in /usr/lib/systemd/import-pubring.pgp: has expired',
      ],
    ],
    [
      'none, and one is needed',
      facts([], { failure: { text: 'no keyring', next: 'put one there', isMissing: true } }),
      ['problem: no keyring (3)'],
    ],
    [
      'none, and none is needed',
      facts([], { verified: [], unverified: ['app'], failure: { text: 'no keyring', isMissing: true } }),
      ['note: no keyring', 'note: nobody verifies the lists of app (Verify=no): their servers are trusted alone'],
    ],
    [
      'that cannot be read',
      facts([], { verified: [], failure: { text: 'ring: cannot be read', next: 'chmod', isMissing: false } }),
      ['problem: ring: cannot be read (3)'],
    ],
  ])('%s', (_, given, expected) => {
    expect(short(checkKeys(given))).toEqual(expected);
  });
});

describe('systemd', () => {
  const base: SystemdFacts = {
    version: 262,
    isRunning: true,
    versioned: [],
    confexts: [],
    transfers: [],
    restarting: [],
    hasBootDropIn: false,
  };
  it.each<[string, Partial<SystemdFacts>, string[]]>([
    ['262', {}, ['ok: systemd 262']],
    [
      '257',
      { version: 257 },
      [
        'ok: systemd 257',
        'note: it lacks restarting units that an extension names; extupdate does it',
        'note: it lacks reading .component files and Enabled= (systemd-sysupdate); extupdate does',
      ],
    ],
    ['none', { version: undefined }, ['problem: systemctl tells no version: nothing can be merged here (16)']],
    [
      'one that does not run',
      { isRunning: false },
      ['ok: systemd 262', 'note: systemd does not run here: images are put in place, and nothing is merged'],
    ],
    [
      '262, which would wait for itself',
      { restarting: ['app'] },
      ['ok: systemd 262', 'problem: systemd 262 waits for itself at boot for units that app has it restart (16)'],
    ],
    ['262 with the drop-in', { restarting: ['app'], hasBootDropIn: true }, ['ok: systemd 262']],
  ])('%s', (_, facts, expected) => {
    expect(short(checkSystemd({ ...base, ...facts }))).toEqual(expected);
  });

  it('255, and what does not work with it', () => {
    const facts = { ...base, version: 255, versioned: ['app'], confexts: ['conf'], transfers: ['os'] };
    const told = short(checkSystemd(facts));
    expect(told.slice(0, 3)).toEqual([
      'warning: systemd 255 is older than what extupdate is tried with (257)',
      'problem: systemd 255 has no .v directories: it does not see app (16)',
      'note: systemd-sysupdate 255 does not read .transfer files: os are ours alone',
    ]);
    expect(told).toContain('note: it lacks .v directories: an image in one is not found');
    expect(short(checkSystemd({ ...facts, version: 253 }))).toContain(
      'problem: systemd 253 has no configuration extensions: it does not see conf (16)',
    );
  });
});

describe('programs', () => {
  const all = new Set<string>([...programs.map(({ name }) => name), ...optionalPrograms]);
  const without = (...names: string[]) => new Set([...all].filter((name) => !names.includes(name)));
  it.each([
    ['all', all, [], ['ok: all that is needed is there']],
    [
      'without what is optional',
      without('systemd-vpick'),
      [],
      ['ok: all that is needed is there', 'note: not there, and not needed: systemd-vpick'],
    ],
    ['without flock', without('flock'), [], ['problem: flock is not there (14)']],
    [
      'without systemd-confext, for sysexts',
      without('systemd-confext'),
      ['sysext'],
      ['ok: all that is needed is there'],
    ],
    [
      'without systemd-confext, for confexts',
      without('systemd-confext'),
      ['confext'],
      ['problem: systemd-confext is not there (16)'],
    ],
    ['without tar, for archives', without('tar'), ['archive'], ['problem: tar is not there (13)']],
  ] as const)('%s', (_, present, needs, expected) => {
    expect(short(checkPrograms({ present, needs: new Set(needs) }))).toEqual(expected);
  });
});

describe('storage', () => {
  const GIB = 1024 ** 3;
  const volume = (path: string, freeBytes: number, device = 1, freeFiles = 1000) => ({
    path,
    freeBytes,
    device,
    freeFiles,
  });
  const base: StorageFacts = {
    volumes: [],
    reserve: 16 * 1024 * 1024,
    largest: 0,
    unwritable: [],
    unseen: [],
    unreadable: [],
  };
  it.each<[string, Partial<StorageFacts>, string[]]>([
    ['enough', { volumes: [volume('/var', 20 * GIB), volume('/opt', 20 * GIB)] }, ['ok: /var, /opt: 20 GiB free']],
    [
      'two file systems',
      { volumes: [volume('/var', GIB), volume('/opt', GIB, 2)] },
      ['ok: /var: 1024 MiB free', 'ok: /opt: 1024 MiB free'],
    ],
    [
      'too little for an update',
      { volumes: [volume('/var', GIB)], largest: GIB },
      ['warning: /var: 1024 MiB free, and a new version of the largest image would need 2064 MiB'],
    ],
    ['full', { volumes: [volume('/var', 1024)] }, ['problem: /var: 0 MiB free (14)']],
    ['out of inodes', { volumes: [volume('/var', GIB, 1, 0)] }, ['problem: /var: no inode is left (14)']],
    [
      'no limits',
      { volumes: [volume('/var', Number.POSITIVE_INFINITY, 1, Number.POSITIVE_INFINITY)] },
      ['ok: /var: nobody knows how much is free'],
    ],
    ['read-only', { unwritable: [{ path: '/var', error: 'EROFS' }] }, ['problem: /var cannot be written: EROFS (14)']],
    [
      'closed',
      { unreadable: [{ path: '/etc/extensions', error: 'EACCES' }], unseen: [{ path: '/x', what: 'holds' }] },
      ['note: /etc/extensions cannot be read: EACCES', 'note: not shown to this user: holds'],
    ],
  ])('%s', (_, facts, expected) => {
    expect(short(checkStorage({ ...base, ...facts }))).toEqual(expected);
  });
});

describe('file systems', () => {
  const root = '21 1 0:18 / / rw,relatime shared:1 - ext4 /dev/vda1 rw';
  const usr = '22 21 0:19 / /usr ro,relatime shared:2 - erofs /dev/vda2 ro';
  const etc = '30 21 0:40 / /etc ro,nosuid,nodev - overlay confext ro,lowerdir=/run/x';
  const opt = '31 21 0:41 / /opt rw - overlay overlay ro,lowerdir=/x';
  const at = (...paths: string[]) => paths.map((path) => ({ component: 'app', path, place: path }));
  it.each([
    ['all is well', [root, usr], at('/var/lib/extensions'), ['ok: all targets can be written']],
    [
      'a target on a read-only /usr',
      [root, usr],
      at('/usr/lib/x'),
      ['problem: app: /usr/lib/x is on a read-only file system (erofs at /usr) (14)'],
    ],
    ['a path that only begins alike', [root, usr], at('/usrlocal'), ['ok: all targets can be written']],
    [
      'a merged /etc',
      [root, usr, etc],
      at('/etc/extensions/app.raw'),
      [
        'ok: all targets can be written',
        'note: /etc is read-only while extensions are merged over it; extupdate writes below it (/etc/extensions/app.raw)',
      ],
    ],
    [
      'an overlay of somebody else',
      [root, opt],
      at('/opt/app'),
      ['problem: app: /opt/app is on a read-only file system (overlay at /opt) (14)'],
    ],
    [
      'of two mounts the one on top',
      [root, opt, '32 21 0:42 / /opt rw - tmpfs tmpfs rw'],
      at('/opt/app'),
      ['ok: all targets can be written'],
    ],
    ['nothing is known', [], at('/opt/app'), []],
  ])('%s', (_, lines, written, expected) => {
    expect(short(checkFileSystems({ mountinfo: `${lines.join('\n')}\n`, written }))).toEqual(expected);
  });
});

describe('units', () => {
  const unit = (name: string, more: Partial<UnitFact> = {}): UnitFact => ({
    ...{ name, load: 'loaded', file: 'enabled', active: 'active', status: 0 },
    ...more,
  });
  const missing = { load: 'not-found', file: '', active: 'inactive' };
  const sysext = unit('systemd-sysext.service');
  const good = [unit('extupdate.timer'), unit('extupdate-boot.service'), unit('extupdate-bless.service'), sysext];
  const check = (units: readonly UnitFact[] | undefined, hasComponents = true) =>
    short(checkUnits({ units, hasComponents, kinds: new Set(['sysext']) }));
  it('as they should be', () => {
    expect(check(good)).toEqual(['ok: extupdate.timer keeps extensions current']);
    expect(check(undefined)).toEqual([]);
  });
  it.each([
    [
      'none is there',
      [unit('extupdate.timer', missing), sysext],
      ['note: none of extupdate’s is installed: nothing runs by itself'],
    ],
    [
      'the timer is not active',
      [unit('extupdate.timer', { file: 'disabled', active: 'inactive' }), ...good.slice(1)],
      ['warning: neither extupdate.timer nor extupdate-daemon.service is active: nothing runs by itself'],
    ],
    [
      'the daemon in its place',
      [unit('extupdate.timer', { active: 'inactive' }), unit('extupdate-daemon.service'), ...good.slice(1)],
      ['ok: extupdate-daemon.service keeps extensions current'],
    ],
    [
      'the boot units are off',
      [
        good[0] as UnitFact,
        unit('extupdate-boot.service', { file: 'disabled' }),
        unit('extupdate-bless.service', { file: 'disabled' }),
        sysext,
      ],
      [
        'ok: extupdate.timer keeps extensions current',
        'warning: not enabled: extupdate-boot.service, extupdate-bless.service; after a rollback of the OS, its extensions do not come back by themselves',
      ],
    ],
    [
      'as an extension, the late one',
      [
        good[0] as UnitFact,
        unit('extupdate-boot.service', { file: 'disabled' }),
        unit('extupdate-boot-late.service'),
        unit('extupdate-bless.service'),
        sysext,
      ],
      ['ok: extupdate.timer keeps extensions current'],
    ],
    [
      'one has failed, with a status of ours, and with another',
      [
        ...good,
        unit('extupdate-install.service', { active: 'failed', status: 11 }),
        unit('extupdate-acquire.service', { active: 'failed', status: 203 }),
      ],
      [
        'ok: extupdate.timer keeps extensions current',
        'problem: extupdate-install.service has failed (status 11) (11)',
        'problem: extupdate-acquire.service has failed (status 203) (16)',
      ],
    ],
    [
      'systemd-sysext is off',
      [...good.slice(0, 3), unit('systemd-sysext.service', { file: 'disabled' })],
      [
        'ok: extupdate.timer keeps extensions current',
        'warning: systemd-sysext.service is not enabled: what is merged now is not merged at the next boot',
      ],
    ],
  ])('%s', (_, units, expected) => {
    expect(check(units)).toEqual(expected);
  });
  it('without components, nothing has to run', () => {
    expect(check([unit('extupdate.timer', { active: 'inactive' }), sysext], false)).toEqual([]);
  });
});

it('systemd-sysupdate', () => {
  const timer = 'systemd-sysupdate.timer';
  expect(short(checkSysupdate({ timer, shared: [] }))).toEqual([]);
  expect(short(checkSysupdate({ timer: undefined, shared: ['a'] }))).toEqual([
    'ok: leaves a to extupdate: its timer is not active',
  ]);
  expect(checkSysupdate({ timer, shared: ['a', 'b'] })[0]).toMatchObject({
    state: 'warning',
    text: 'systemd-sysupdate.timer also updates a, b: two managers undo each other’s work',
    next: 'systemctl disable --now systemd-sysupdate.timer',
  });
});

describe('the clock', () => {
  const facts = (more: Partial<ClockFacts>): ClockFacts => ({ now, latest: undefined, synchronised: true, ...more });
  const told = 'ok: 2026-11-22 12:00:00, later than all that is known';
  it.each([
    ['nothing to compare with', facts({}), [told]],
    ['later than all', facts({ latest: { at: new Date(now.getTime() - day), what: 'x' } }), [told]],
    ['a minute behind', facts({ latest: { at: new Date(now.getTime() + 60_000), what: 'x' } }), [told]],
    [
      'years behind',
      facts({ now: new Date(0), latest: { at: now, what: 'the last run' } }),
      ['problem: it says 1970-01-01 00:00:00, and the last run is of 2026-11-22 12:00:00 (12)'],
    ],
    ['not synchronised', facts({ synchronised: false }), [told, 'note: it is not synchronised (NTP)']],
    ['nobody knows', facts({ synchronised: undefined }), [told]],
  ])('%s', (_, given, expected) => {
    expect(short(checkClock(given))).toEqual(expected);
  });
});

it('SELinux', () => {
  const stores = ['/var/lib/extensions.d'];
  expect(checkSelinux({ isEnforcing: undefined, stores })).toEqual([]);
  expect(checkSelinux({ isEnforcing: false, stores })).toEqual([]);
  expect(checkSelinux({ isEnforcing: true, stores: [] })).toEqual([]);
  expect(checkSelinux({ isEnforcing: true, stores })[0]?.next).toContain('restorecon -R /var/lib/extensions.d');
});

describe('components', () => {
  const base: ComponentFact = {
    name: 'app',
    active: '2',
    wrong: undefined,
    chosen: '2',
    why: 'the newest version that fits',
    isInstalled: true,
    unreadable: undefined,
    bad: [],
  };
  const check = (more: Partial<ComponentFact>, off: string[] = []) =>
    short(checkComponents({ components: [{ ...base, ...more }], offAndVisible: off }));
  it.each<[string, Partial<ComponentFact>, string[]]>([
    ['as it should be', {}, ['ok: active as they should be: app 2']],
    [
      'nothing is installed',
      { active: undefined, chosen: undefined, isInstalled: false },
      ['note: app: nothing is installed'],
    ],
    [
      'nothing fits',
      { active: undefined, chosen: undefined },
      ['warning: app: nothing that is installed fits this OS'],
    ],
    [
      'waits',
      { chosen: '3', why: 'becomes active at the next boot' },
      ['note: app: 3 is installed, and 2 is active: becomes active at the next boot'],
    ],
    [
      'is active and should not be',
      { chosen: undefined, wrong: { code: 'incompatible', text: 'VERSION_ID=1' } },
      ['warning: app: 2 is active, and should not be: VERSION_ID=1'],
    ],
    ['cannot be read', { unreadable: 'app: closed' }, ['note: app: closed']],
    [
      'failed before',
      { bad: [{ version: '3', reason: 'not healthy' }] },
      ['ok: active as they should be: app 2', 'note: app: version 3 is kept out: not healthy'],
    ],
  ])('%s', (_, more, expected) => {
    expect(check(more)).toEqual(expected);
  });
  it('is off, and still there', () => {
    expect(check({}, ['old'])).toContain('warning: old is off, and still visible');
  });
});
