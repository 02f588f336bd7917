import { describe, expect, it } from 'vitest';
import { judgePublished } from '../../../src/publish/judge-image.ts';
import type { ImageFacts, ReleaseFields, ReleaseFile } from '../../../src/types.ts';

const facts = (sysext: readonly ReleaseFile[], more: Partial<ImageFacts> = {}): ImageFacts => ({
  origin: 'image',
  sysext,
  confext: [],
  hasOsRelease: false,
  ...more,
});
const release = (suffix: string, fields: ReleaseFields = { ID: 'testos', VERSION_ID: '1' }): ReleaseFile => ({
  suffix,
  fields,
});
const judge = (imageName: string, ...files: readonly ReleaseFile[]) => judgePublished(facts(files), imageName, 'image');

/** The reason of a refusal. */
function refusal(verdict: ReturnType<typeof judgePublished>): string {
  return verdict.verdict === 'unsuitable' ? verdict.reason : `not refused: ${JSON.stringify(verdict)}`;
}

describe('the name of the release file', () => {
  it.each([
    ['debug-29.1.x86-64', release('debug-29.1.x86-64')],
    ['docker-28.0.4-x86-64', release('docker')],
    ['docker-28.0.4-x86-64', release('docker-28')],
    ['foo_1', release('foo')],
    ['foo_1+3-0', release('foo')],
    ['foo.1', release('foo')],
    ['foo_1', { ...release('bar'), strict: false }],
    ['foo_1', release('foo_1')],
  ])('%s loads under some name', (imageName, file) => {
    expect(judge(imageName, file)).toMatchObject({ verdict: 'extension', releases: { sysext: file.fields } });
  });

  it.each([
    ['foo_1', release('bar')],
    ['foo_1', release('fo')],
    ['foo_2', release('foo_1')],
    ['foo_1', release('Foo')],
    ['foo_1', { ...release('bar'), strict: true }],
    ['foo_', release('foo_1')],
  ])('%s never loads', (imageName, file) => {
    expect(refusal(judge(imageName, file))).toBe(
      `its release file is named ${file.suffix}: expected ${imageName}, or what stands before the version in it`,
    );
  });
});

describe('what the release file says', () => {
  it.each([
    ['no ID', {}, 'no ID='],
    ['an empty ID', { ID: '', VERSION_ID: '1' }, 'no ID='],
    ['another architecture than the name', { ID: '_any', ARCHITECTURE: 'arm64' }, 'its name says x86-64'],
    ['an unknown architecture', { ID: '_any', ARCHITECTURE: 'amd64' }, 'expected x86-64'],
    ['an empty scope', { ID: '_any', SYSEXT_SCOPE: '' }, 'SYSEXT_SCOPE='],
    ['a scope that nobody has', { ID: '_any', SYSEXT_SCOPE: 'desktop' }, 'SYSEXT_SCOPE=desktop'],
  ])('%s is refused', (_, fields, what) => {
    expect(refusal(judge('foo-1-x86-64', release('foo', fields)))).toContain(what);
  });

  it.each([
    [{ ID: '_any' }],
    [{ ID: 'fedora', VERSION_ID: '43', ARCHITECTURE: 'x86-64' }],
    [{ ID: 'suse', SYSEXT_LEVEL: 'glibc-2.41' }],
    [{ ID: 'suse', VERSION_ID: '7', SYSEXT_LEVEL: '1' }],
    [{ ID: '_any', SYSEXT_SCOPE: 'initrd' }],
    [{ ID: '_any', SYSEXT_SCOPE: 'portable' }],
    [{ ID: '_any', SYSEXT_SCOPE: 'initrd system portable' }],
  ])('%j is an extension without a remark', (fields) => {
    expect(judge('foo-1-x86-64', release('foo', fields))).toEqual({
      verdict: 'extension',
      releases: { sysext: fields },
      notices: [],
    });
  });

  it('tells of one that hardly any OS takes', () => {
    expect(judge('foo_1', release('foo', { ID: 'debian' }))).toMatchObject({
      notices: ['it names no VERSION_ID= and no SYSEXT_LEVEL=: only an OS that has neither takes it'],
    });
  });

  it('tells of a name without a version', () => {
    expect(judge('foo', release('foo', { ID: '_any' }))).toMatchObject({
      verdict: 'extension',
      notices: ['its name has no version, so no client takes it for an update'],
    });
  });

  it('refuses a version that @v cannot take', () => {
    expect(refusal(judge('foo_1.0 beta', release('foo')))).toContain('@v takes letters');
  });
});

describe('what the image is', () => {
  it('is both a sysext and a confext', () => {
    const both = facts([release('foo')], { confext: [release('foo', { ID: '_any' })] });
    expect(judgePublished(both, 'foo_1', 'image')).toMatchObject({
      verdict: 'extension',
      releases: { sysext: { ID: 'testos' }, confext: { ID: '_any' } },
    });
  });

  it('is one of them, where the other cannot be loaded, which is told', () => {
    const half = facts([release('bar')], { confext: [release('foo', { ID: '_any' })] });
    expect(judgePublished(half, 'foo_1', 'image')).toMatchObject({
      verdict: 'extension',
      releases: { confext: { ID: '_any' } },
      notices: [expect.stringContaining('not as a sysext: its release file is named bar')],
    });
  });

  it('is damaged', () => {
    const damaged = facts([], { defect: 'not an extension image: looks like an HTML page' });
    expect(refusal(judgePublished(damaged, 'foo_1', 'image'))).toContain('an HTML page');
  });

  it('has no release file: refused as an image, something else as an archive', () => {
    expect(refusal(judgePublished(facts([]), 'foo_1', 'image'))).toContain('no extension-release file');
    expect(judgePublished(facts([]), 'foo_1', 'archive')).toEqual({ verdict: 'other', reason: 'no extension' });
  });

  it('is an OS of its own', () => {
    const os = facts([], { hasOsRelease: true });
    expect(judgePublished(os, 'os_1', 'image')).toMatchObject({ verdict: 'other' });
  });

  it('is a sysext with an os-release of its own, which systemd forbids', () => {
    const both = facts([release('foo')], { hasOsRelease: true });
    expect(refusal(judgePublished(both, 'foo_1', 'image'))).toContain('usr/lib/os-release');
  });
});
