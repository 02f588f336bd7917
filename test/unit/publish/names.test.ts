import { describe, expect, it } from 'vitest';
import { parseBestBefore } from '../../../src/publish/best-before.ts';
import { compareNames, isBesideVersions, nameProblem, partsOf, roleOf } from '../../../src/publish/file-names.ts';
import { architectureProblem, hasVersion, versionProblem } from '../../../src/publish/version-in-name.ts';
import { parseManifest } from '../../../src/source/manifest.ts';

describe('roles of names', () => {
  it.each([
    ['docker_1.raw', undefined],
    ['x.part2.raw', undefined],
    ['.htaccess', 'hidden'],
    ['.extupdate.foo.0123456789abcdef0123456789abcdef', 'hidden'],
    ['SHA256SUMS', 'list'],
    ['SHA256SUMS.gpg', 'list'],
    ['SHA256SUMS.sha256.asc', 'list'],
    ['SHA256SUMS.minisig', 'list'],
    ['BEST-BEFORE-2027-01-31', 'best-before'],
    ['foo_1.raw.partial', 'temporary'],
    ['foo_1.raw.tmp', 'temporary'],
    ['foo_1.raw~', 'temporary'],
    ['#notes#', 'temporary'],
  ] as const)('%s: %s', (name, role) => {
    expect(roleOf(name)).toBe(role);
  });
});

describe('names that a list cannot carry', () => {
  // Observed: what systemd 262 or extupdate refuses the whole list for, or passes over.
  it.each([
    ['two\nlines', 'control character'],
    ['tab\there', 'control character'],
    ['del\x7f', 'control character'],
    ['a%20b', '"%"'],
    ['back\\slash', 'backslash'],
    ['~x', 'backslash'],
    ['C:x', 'backslash'],
    ['\u202egpj.exe', 'not printable'],
    ['zero\u200bwidth', 'not printable'],
    ['x'.repeat(256), 'too long'],
  ])('%j', (name, what) => {
    expect(nameProblem(name)).toContain(what);
  });

  it.each(['docker-28.0.4-x86-64.raw', 'a b.txt', ' blank', '-x', '--help', 'ü.raw', "it's", '*x', 'x'.repeat(255)])(
    '%j can stand in one, and clients read it as it is',
    (name) => {
      expect(nameProblem(name)).toBeUndefined();
      const { entries, warnings } = parseManifest(Buffer.from(`${'b'.repeat(64)} *${name}\n`), 'list');
      expect([...entries.keys(), ...warnings]).toEqual([name]);
    },
  );

  it('sort by their bytes, not by letters or UTF-16', () => {
    const names = ['b', 'B', 'a_2', 'a-2', '\u{1f600}', '\uffee', 'ä', 'a'];
    expect(names.toSorted(compareNames)).toEqual(['B', 'a', 'a-2', 'a_2', 'b', 'ä', '\uffee', '\u{1f600}']);
  });
});

describe('parts of names', () => {
  it.each([
    ['foo_1.raw', 'image', 'foo_1', 'foo_1'],
    ['foo_1.raw.xz', 'image', 'foo_1', 'foo_1'],
    ['foo_1.sysext.raw.zst', 'image', 'foo_1.sysext', 'foo_1'],
    ['foo_1.tar', 'archive', 'foo_1', 'foo_1'],
    ['foo_1.tar.lz4', 'archive', 'foo_1', 'foo_1'],
    ['foo_1.tgz', 'archive', 'foo_1', 'foo_1'],
    ['foo_1.raw.sig', 'other', 'foo_1.raw.sig', 'foo_1.raw.sig'],
    ['foo.transfer', 'other', 'foo.transfer', 'foo.transfer'],
    ['os_1.efi', 'other', 'os_1.efi', 'os_1.efi'],
    ['notes.xz', 'other', 'notes.xz', 'notes.xz'],
  ])('%s: %s, %s, %s', (name, form, stem, imageName) => {
    expect(partsOf(name)).toEqual({ form, stem, imageName });
  });

  it.each([
    ['index.html', true],
    ['docker.transfer', true],
    ['foo_1.raw.asc', true],
    ['foo_1.manifest.gz', true],
    ['os_1.efi', false],
    ['os_1.root.xz', false],
    ['foo_1.raw', false],
  ])('%s is read beside versions: %s', (name, expected) => {
    expect(isBesideVersions(name)).toBe(expected);
  });
});

describe('the version in a name', () => {
  it.each([
    // As Flatcar, Fedora, openSUSE and mkosi name their images.
    ['docker-28.0.4-x86-64', 'docker'],
    ['kubernetes-v1.32.2+k3s1-arm64', 'kubernetes'],
    ['gdb-16.3-1.fc43-43-x86-64', 'gdb'],
    ['debug-29.1.x86-64', undefined],
    ['k3s-1.31.5+k3s1-29.1.x86-64', undefined],
    ['foo_1', 'foo'],
    ['foo_1.0~rc1+3-0', 'foo'],
    ['foo_1_ppc64-le', undefined],
    ['app-1.0-alpha', undefined],
    ['zsh-5.9', undefined],
  ])('%s has one that patterns find', (name, short) => {
    expect([versionProblem(name, short), hasVersion(name, short)]).toEqual([undefined, true]);
  });

  it.each([
    ['foo_1.0 beta', 'foo', '" "'],
    ['foo_1:2.0', 'foo', '":"'],
    ['foo-1.0@x86-64', undefined, '"@"'],
    ['foo_1.0é', 'foo', '"é"'],
    ['foö_1.0', 'foö', '"ö"'],
    ['fo?_1.0', 'fo?', '"?"'],
    ['fo[o]_1.0', 'fo[o]', '"["'],
    [`foo_${'1'.repeat(129)}`, 'foo', 'longer than 128'],
  ])('%s has none', (name, short, what) => {
    expect(versionProblem(name, short)).toContain(what);
  });

  it.each(['foo', 'foo-bar', 'docker-x86-64'])('%s has no version at all, which is no mistake', (name) => {
    expect([versionProblem(name, undefined), hasVersion(name, undefined)]).toEqual([undefined, false]);
  });
});

describe('the architecture of an image', () => {
  it.each([
    ['x86-64', 'foo_1_x86-64'],
    ['x86-64', 'foo_1_x86_64'],
    ['arm64', 'foo-1.aarch64'],
    ['x86-64', 'foo_1'],
    ['x86-64', 'foo_1.0-alpha'],
    ['_any', 'foo_1_arm64'],
    ['', 'foo_1_arm64'],
    ['arm64', 'foo_1_arm64+3-0'],
    ['ppc64-le', 'foo_1.ppc64-le'],
  ])('%j goes with %s', (architecture, name) => {
    expect(architectureProblem(architecture, name, undefined)).toBeUndefined();
  });

  it.each([
    ['arm64', 'foo_1_x86-64', 'says x86-64'],
    ['x86-64', 'foo-1.0-arm64', 'says arm64'],
    ['x86-64', 'foo-1.0.amd64.arm', 'says arm'],
    ['amd64', 'foo_1', 'expected x86-64'],
    ['x86_64', 'foo_1', 'expected x86-64'],
    ['pdp11', 'foo_1', 'none that systemd knows'],
  ])('%j does not go with %s', (architecture, name, what) => {
    expect(architectureProblem(architecture, name, undefined)).toContain(what);
  });
});

describe('--best-before=', () => {
  const now = new Date('2026-11-22T23:30:00Z');

  it.each([
    ['2026-11-23', '2026-11-23'],
    ['2028-02-29', '2028-02-29'],
    ['1h', '2026-11-23'],
    ['30d', '2026-12-22'],
    ['2w 1d', '2026-12-07'],
  ])('%s is %s', (text, day) => {
    expect(parseBestBefore(text, now)).toBe(day);
  });

  it.each(['', 'soon', '2027-02-29', '2027-13-01', '27-01-01', 'infinity', '9999999w', '2027-01-31T00:00Z', '-1d'])(
    '%j is refused',
    (text) => {
      expect(() => parseBestBefore(text, now)).toThrow(/expected a day such as/);
    },
  );

  // systemd 262 refuses a list from the beginning of its day on.
  it.each(['2026-11-22', '2026-11-21', '1970-01-01', '10min', '30'])('%s is not to come', (text) => {
    expect(() => parseBestBefore(text, now)).toThrow(/is not after today, 2026-11-22/);
  });
});
