/** Where images go, by how they are named, and by the name that is in them. */
import { describe, expect, it } from 'vitest';
import { chooseTarget, innerNameOf } from '../../../src/add/choose-target.ts';
import { isWrittenByAdd, renderDefinition } from '../../../src/add/definition-text.ts';
import { type Offering, offeringsOf } from '../../../src/source/offerings.ts';
import type { ImageFacts } from '../../../src/types.ts';

function offeringOf(file: string): Offering {
  const [offering] = offeringsOf([file], { known: [], architecture: 'x86-64', osVersion: '43' });
  if (!offering) throw new Error(file);
  return offering;
}

function facts(suffix: string, kind: 'sysext' | 'confext' | 'both' = 'sysext', strict?: boolean): ImageFacts {
  const release = { suffix, fields: { ID: '_any' }, ...(strict === undefined ? {} : { strict }) };
  return {
    origin: 'remote',
    sysext: kind === 'confext' ? [] : [release],
    confext: kind === 'sysext' ? [] : [release],
    hasOsRelease: false,
  };
}

/** The target of an image with a release file of that name, in short. */
function target(file: string, ...release: Parameters<typeof facts>): string | undefined {
  const offering = offeringOf(file);
  const stem = file.replace(/\.raw.*$/, '').replace(/^.*\//, '');
  const inner = innerNameOf(facts(...release), offering, stem);
  if (!inner) return undefined;
  const { path, currentSymlink, pattern } = chooseTarget(offering, inner, true);
  return [path, pattern, currentSymlink && `<- ${currentSymlink}`].filter((part) => part !== undefined).join(' ');
}

describe('where images go', () => {
  it.each([
    // Flatcar
    ['app-1-x86-64.raw', 'app', '/opt/extensions/app <- /etc/extensions/app.raw'],
    ['app-1-x86-64.raw', 'other', '/opt/extensions/app <- /etc/extensions/other.raw'],
    ['app-1-x86-64.raw', 'app-1-x86-64', '/var/lib/extensions'],
    // Fedora
    ['app-1-1.fc43-43-x86-64.raw', 'app', '/var/lib/extensions.d <- /var/lib/extensions/app.raw'],
    ['app-1-1.fc43-43-x86-64.raw', 'app-1-1.fc43-43-x86-64', '/var/lib/extensions'],
    // openSUSE
    ['app-1.x86-64.raw', 'app-1.x86-64', '/var/lib/extensions'],
    ['app-1.x86-64.raw', 'app', '/var/lib/extensions/app.raw.v app_@v.raw'],
    // UAPI.10
    ['app_1.raw', 'app', '/var/lib/extensions/app.raw.v'],
    ['app_1.raw', 'app_1', '/var/lib/extensions'],
    ['app_1_x86-64.raw', 'app', '/var/lib/extensions/app.raw.v'],
    ['app_1_x86-64.raw', 'other', '/var/lib/extensions/other.raw.v other_@v_%a.raw'],
    ['app_1_43_x86-64.raw', 'app', '/var/lib/extensions.d <- /var/lib/extensions/app.raw'],
    // packed, and in a directory: files here are neither
    ['app_1.raw.zst', 'app', '/var/lib/extensions/app.raw.v app_@v.raw'],
    ['app-1-x86-64.raw.xz', 'app', '/opt/extensions/app app-@v-%a.raw <- /etc/extensions/app.raw'],
    ['below/app_1.raw', 'app_1', '/var/lib/extensions app_@v.raw'],
    ['app_1.sysext.raw', 'app', '/var/lib/extensions/app.raw.v app_@v.raw'],
  ])('%s with extension-release.%s: %s', (file, suffix, expected) => {
    expect(target(file, suffix)).toBe(expected);
  });

  it('configuration extensions', () => {
    expect(target('app_1.raw', 'app', 'confext')).toBe('/var/lib/confexts/app.raw.v');
    expect(target('app-1-x86-64.raw', 'app', 'confext')).toBe('/var/lib/confexts/app.raw.v app_@v.raw');
    expect(target('app-1.x86-64.raw', 'app-1.x86-64', 'confext')).toBe('/var/lib/confexts');
    expect(target('app-1-1.fc43-43-x86-64.raw', 'app', 'confext')).toBe(
      '/var/lib/confexts.d <- /var/lib/confexts/app.raw',
    );
    expect(target('app_1.raw', 'app', 'both')).toBe('/var/lib/extensions/app.raw.v');
  });

  it('a systemd that knows no .v directories gets links', () => {
    const inner = { kind: 'sysext', loadsAs: { name: 'app' }, isSeen: true, hasBothKinds: false } as const;
    expect(chooseTarget(offeringOf('app_1.raw'), inner, false)).toEqual({
      path: '/var/lib/extensions.d',
      currentSymlink: '/var/lib/extensions/app.raw',
    });
  });

  it('a release file that is not strict loads under any name', () => {
    expect(target('app_1.raw', 'whatever', 'sysext', false)).toBe('/var/lib/extensions/app.raw.v');
  });

  it.each(['a\nPath=/etc', '../../etc/passwd', 'a b', '', '-x', 'x'.repeat(300)])(
    'what an image calls itself is a name, or the image is none: %j',
    (suffix) => {
      expect(target('app_1.raw', suffix)).toBeUndefined();
    },
  );

  it.each([
    ['app-1.x86-64.raw', 'full'],
    ['app-1-x86-64.raw', { name: 'app' }],
    ['app_1.raw', { name: 'app' }],
  ])('%s, where nobody can look: %j', (file, loadsAs) => {
    const told = innerNameOf(undefined, offeringOf(file), 'x');
    expect(told).toEqual({ kind: 'sysext', loadsAs, isSeen: false, hasBothKinds: false });
    // A sidecar tells the kind, and not the name.
    const sidecar = { ...facts('whatever', 'confext'), origin: 'sidecar' } as const;
    expect(innerNameOf(sidecar, offeringOf(file), 'x')).toEqual({ ...told, kind: 'confext' });
  });
});

describe('the text', () => {
  const parts = {
    name: 'app',
    url: 'https://example.org/a%20b/',
    verify: true,
    signedBy: [],
    patterns: ['app_@v.raw'],
    target: { path: '/var/lib/extensions/app.raw.v' },
    skipVersions: [],
  };

  it('says where it comes from, and what percent signs mean', () => {
    const text = renderDefinition(parts);
    expect(isWrittenByAdd(text)).toBe(true);
    expect(isWrittenByAdd(`# mine\n${text}`)).toBe(false);
    expect(text).toContain('\nPath=https://example.org/a%%20b/\n');
    expect(text).not.toContain('[Transfer]');
    expect(text).not.toContain('[X-Extupdate]');
  });

  it('has what only extupdate knows in its own section', () => {
    const text = renderDefinition({ ...parts, signedBy: ['ab'.repeat(20)], skipVersions: ['lfs[_-]*'] });
    expect(text).toContain(`[X-Extupdate]\nSignedBy=${'ab'.repeat(20)}\n`);
    expect(text).toMatch(/SkipVersions=lfs\[_-\]\*\n$/);
    expect(renderDefinition({ ...parts, verify: false })).toContain(
      '[Transfer]\n# The list is not verified: the server is trusted alone.\nVerify=no\n',
    );
  });
});
