/** What `doctor` says about images: systemd passes over some, and merges nothing at all because of others. */
import { describe, expect, it } from 'vitest';
import {
  checkExtensions,
  type ExtensionFacts,
  type Obstacle,
  type VisibleImage,
} from '../../../src/doctor/check-extensions.ts';
import type { IncompatibilityCode } from '../../../src/resolve/compatibility.ts';

const fits = { fits: true } as const;
const refused = (code: IncompatibilityCode, text: string) => ({ fits: false, code, text }) as const;

function image(name: string, more: Partial<VisibleImage> = {}): VisibleImage {
  const path = `/var/lib/extensions/${name}.raw`;
  return {
    ...{ kind: 'sysext', name, path, file: path, isTree: false, isMask: false },
    ...{ shadowedBy: undefined, verdict: fits, component: undefined },
    ...more,
  };
}

function check(images: readonly VisibleImage[], merged?: readonly string[], more: Partial<ExtensionFacts> = {}) {
  const names = { sysext: merged && new Set(merged), confext: merged && new Set<string>() };
  const facts = { images, merged: names, loops: new Set<string>(), elsewhere: [], obstacles: [], ...more };
  return checkExtensions(facts);
}

const told = (...args: Parameters<typeof check>) => check(...args).map(({ state, text }) => `${state}: ${text}`);

describe('what systemd makes of an image', () => {
  it('nothing is there', () => {
    expect(told([], [])).toEqual(['note: systemd sees none']);
  });

  it('all are merged', () => {
    expect(told([image('a'), image('b')], ['a', 'b'])).toEqual(['ok: 2 fit this OS: a, b']);
  });

  it.each<[Obstacle['reason'], string, string[]]>([
    [
      'circle',
      'problem: /etc/extensions/x leads in a circle: systemd-sysext of systemd 262 merges nothing at all because of it',
      ['note: not merged because of that: a'],
    ],
    ['closed', 'note: /etc/extensions/x cannot be looked into by this user', ['warning: fits and is not merged: a']],
    ['other', 'warning: /etc/extensions/x cannot be looked at: EIO: why', ['warning: fits and is not merged: a']],
  ])('an obstacle (%s)', (reason, finding, others) => {
    const obstacles = [{ kind: 'sysext', path: '/etc/extensions/x', reason, text: 'EIO: why' }] as const;
    expect(told([image('a')], [], { obstacles })).toEqual(['ok: one fits this OS: a', finding, ...others]);
  });

  it.each<[IncompatibilityCode, string]>([
    ['scope', 'SYSEXT_SCOPE=initrd does not include system'],
    ['architecture', 'ARCHITECTURE=arm64, this machine is x86-64'],
    ['id', 'ID=fedora, this OS is flatcar'],
    ['level', 'SYSEXT_LEVEL=2, this OS has 1'],
    ['version-id', 'VERSION_ID=42, this OS is 43'],
  ])('%s: it is passed over, and the others are merged', (code, text) => {
    const images = [image('a'), image('b', { verdict: refused(code, text) })];
    expect(told(images, ['a'])).toEqual([
      'ok: one fits this OS: a',
      `warning: /var/lib/extensions/b.raw: systemd-sysext passes over it: ${text}`,
    ]);
  });

  it.each<[IncompatibilityCode, boolean]>([
    ['defect', false],
    ['name', false],
    ['no-release', false],
    ['defect', true],
    ['os-release', true],
  ])('%s (a directory: %s): nothing is merged at all', (code, isTree) => {
    const images = [image('a'), image('b', { isTree, verdict: refused(code, 'why') })];
    const findings = check(images, []);
    expect(findings.map(({ state, text }) => `${state}: ${text}`)).toEqual([
      'ok: one fits this OS: a',
      'problem: /var/lib/extensions/b.raw: systemd-sysext merges nothing at all because of it: why',
      'note: not merged because of that: a',
    ]);
    expect(findings[1]).toMatchObject({ exit: 13, next: 'move /var/lib/extensions/b.raw away' });
  });

  it.each<[IncompatibilityCode, boolean]>([
    ['name', true],
    ['no-release', true],
    ['os-release', false],
  ])('%s (a directory: %s): it is passed over', (code, isTree) => {
    expect(told([image('b', { isTree, verdict: refused(code, 'why') })], [])).toEqual([
      'warning: /var/lib/extensions/b.raw: systemd-sysext passes over it: why',
    ]);
  });

  it('a format that only systemd reads', () => {
    const defect = refused(
      'defect',
      '/var/lib/extensions/b.raw: not an extension image: looks like an ext4 file system',
    );
    expect(told([image('b', { verdict: defect })], ['b'])).toEqual(['ok: one fits this OS: b']);
    expect(told([image('b', { verdict: defect })], [])).toEqual([
      'note: /var/lib/extensions/b.raw cannot be judged here: not an extension image: looks like an ext4 file system',
    ]);
  });

  it('the image that was picked, and the component, are named', () => {
    const [finding] = check([
      image('b', {
        path: '/var/lib/extensions/b.raw.v',
        file: '/var/lib/extensions/b.raw.v/b_2.raw',
        component: 'b',
        verdict: refused('version-id', 'VERSION_ID=2, this OS is 1'),
      }),
    ]);
    expect(finding).toMatchObject({
      text: '/var/lib/extensions/b.raw.v (b_2.raw): systemd-sysext passes over it: VERSION_ID=2, this OS is 1',
      next: 'extupdate why b',
    });
  });

  it('links to nothing, masks, what is shadowed, what is closed', () => {
    expect(
      told([
        image('a', { file: undefined, verdict: undefined }),
        image('b', { isMask: true, verdict: undefined }),
        image('c', { shadowedBy: '/etc/extensions/c.raw' }),
        image('d', { verdict: undefined }),
      ]),
    ).toEqual([
      'warning: /var/lib/extensions/a.raw leads to nothing: systemd passes over it',
      'note: /var/lib/extensions/b.raw is empty: it masks b',
      'note: /var/lib/extensions/c.raw is not used: /etc/extensions/c.raw comes first',
      'note: /var/lib/extensions/d.raw cannot be looked into by this user',
    ]);
  });
});

describe('what is merged, and what should be', () => {
  it('fits, and is not merged', () => {
    expect(check([image('a')], []).at(-1)).toMatchObject({
      state: 'warning',
      text: 'fits and is not merged: a',
      next: 'systemctl reload-or-restart systemd-sysext.service',
    });
  });

  it('is merged, and gone', () => {
    expect(told([], ['a'])).toEqual(['warning: a is still merged, and its image is gone']);
    expect(told([image('a', { file: undefined, verdict: undefined })], ['a'])).toContain(
      'warning: a is still merged, and its image is gone',
    );
  });

  it('is merged from another file', () => {
    const file = '/var/lib/extensions/a.raw.v/a_2.raw';
    const loops = new Set(['a_1.raw']);
    expect(told([image('a', { file })], ['a'], { loops })).toContain(
      'warning: a is merged from another file than the one that is there now',
    );
    expect(told([image('a', { file })], ['a'], { loops: new Set(['a_2.raw']) })).toEqual(['ok: one fits this OS: a']);
    expect(told([image('a', { file, isTree: true })], ['a'], { loops })).toEqual(['ok: one fits this OS: a']);
  });

  it('nobody knows what is merged', () => {
    expect(told([image('a')])).toEqual(['ok: one fits this OS: a']);
  });
});

it('several versions of one thing at once', () => {
  const images = [
    image('app_1'),
    image('app_2'),
    image('tool-1.x86-64', { component: 'tool' }),
    image('tool-2.x86-64'),
  ];
  const findings = check(
    images,
    images.map(({ name }) => name),
  ).slice(1);
  expect(findings).toMatchObject([
    { state: 'warning', text: 'several versions of one thing are visible at once: app_1, app_2' },
    {
      text: 'several versions of one thing are visible at once: tool-1.x86-64, tool-2.x86-64',
      next: 'extupdate apply tool',
    },
  ]);
});

it('directories that systemd does not search', () => {
  expect(told([], [], { elsewhere: ['/usr/lib/extensions/a.raw'] })).toEqual([
    'note: systemd does not look for images in /usr/lib/extensions/a.raw',
  ]);
});
