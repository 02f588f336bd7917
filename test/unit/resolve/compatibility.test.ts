import { describe, expect, it } from 'vitest';
import { judgeImage, judgeRelease } from '../../../src/resolve/compatibility.ts';
import { parseRelease } from '../../../src/resolve/os-release.ts';
import type { ImageFacts, ReleaseFields, ReleaseFile } from '../../../src/types.ts';

const host = (fields: ReleaseFields, initrd = false) => ({ fields, architecture: 'x86-64', initrd });
const debian = host({ ID: 'debian', VERSION_ID: '13' });
const verdict = (release: ReleaseFields, on = debian, kind: 'sysext' | 'confext' = 'sysext') => {
  const result = judgeRelease(release, kind, on);
  return result.fits ? 'fits' : result.code;
};

describe('the checks of extension_release_validate()', () => {
  it.each([
    ['2: no scope', { ID: '_any' }, debian, 'fits'],
    ['2: scope with system', { ID: '_any', SYSEXT_SCOPE: 'initrd system' }, debian, 'fits'],
    ['2: scope without system', { ID: '_any', SYSEXT_SCOPE: 'portable' }, debian, 'scope'],
    ['2: empty scope matches nothing', { ID: '_any', SYSEXT_SCOPE: '' }, debian, 'scope'],
    ['2: scope of the other class is not read', { ID: '_any', CONFEXT_SCOPE: 'portable' }, debian, 'fits'],
    ['2: an initrd wants its scope', { ID: '_any' }, host({ ID: 'debian' }, true), 'scope'],
    ['2: an initrd with its scope', { ID: '_any', SYSEXT_SCOPE: 'initrd' }, host({ ID: 'debian' }, true), 'fits'],
    ['3: own architecture', { ID: '_any', ARCHITECTURE: 'x86-64' }, debian, 'fits'],
    ['3: any architecture', { ID: '_any', ARCHITECTURE: '_any' }, debian, 'fits'],
    ['3: empty architecture', { ID: '_any', ARCHITECTURE: '' }, debian, 'fits'],
    ['3: no secondary architecture', { ID: '_any', ARCHITECTURE: 'x86' }, debian, 'architecture'],
    ['3: checked even for ID=_any', { ID: '_any', ARCHITECTURE: 'arm64' }, debian, 'architecture'],
    ['4: no ID', {}, debian, 'id'],
    ['4: empty ID', { ID: '' }, debian, 'id'],
    ['4: ID=_any needs no version', { ID: '_any', VERSION_ID: '99', SYSEXT_LEVEL: '9' }, debian, 'fits'],
    ['5: own ID', { ID: 'debian', VERSION_ID: '13' }, debian, 'fits'],
    ['5: other ID', { ID: 'fedora', VERSION_ID: '13' }, debian, 'id'],
    [
      '5: ID in ID_LIKE',
      { ID: 'debian', VERSION_ID: '1' },
      host({ ID: 'mine', ID_LIKE: 'suse debian', VERSION_ID: '1' }),
      'fits',
    ],
    ['5: ID_LIKE of the extension is not used', { ID: 'mine', ID_LIKE: 'debian', VERSION_ID: '13' }, debian, 'id'],
    ['6: rolling host', { ID: 'arch', VERSION_ID: '1' }, host({ ID: 'arch' }), 'fits'],
    [
      '7: equal level',
      { ID: 'f', SYSEXT_LEVEL: '1.0' },
      host({ ID: 'f', VERSION_ID: '1', SYSEXT_LEVEL: '1.0' }),
      'fits',
    ],
    ['7: levels are strings', { ID: 'f', SYSEXT_LEVEL: '1' }, host({ ID: 'f', SYSEXT_LEVEL: '1.0' }), 'level'],
    [
      '7: other level, same version',
      { ID: 'f', SYSEXT_LEVEL: '2', VERSION_ID: '1' },
      host({ ID: 'f', VERSION_ID: '1', SYSEXT_LEVEL: '1' }),
      'level',
    ],
    [
      '7: equal level, other version',
      { ID: 'f', SYSEXT_LEVEL: '1', VERSION_ID: '9' },
      host({ ID: 'f', VERSION_ID: '1', SYSEXT_LEVEL: '1' }),
      'fits',
    ],
    ['8: other version', { ID: 'debian', VERSION_ID: '12' }, debian, 'version-id'],
    ['8: version strings', { ID: 'debian', VERSION_ID: '13.0' }, debian, 'version-id'],
    ['8: no version', { ID: 'debian' }, debian, 'version-id'],
    ['8: a level alone does not help', { ID: 'debian', SYSEXT_LEVEL: '1' }, debian, 'version-id'],
    ['9: host with a level only', { ID: 'f', VERSION_ID: '9' }, host({ ID: 'f', SYSEXT_LEVEL: '1' }), 'fits'],
  ])('%s', (_, release, on, expected) => {
    expect(verdict(release as ReleaseFields, on)).toBe(expected);
  });

  it('reads the fields of its own class for a confext', () => {
    const on = host({ ID: 'f', VERSION_ID: '1', CONFEXT_LEVEL: '1', SYSEXT_LEVEL: '2' });
    expect(verdict({ ID: 'f', CONFEXT_LEVEL: '1' }, on, 'confext')).toBe('fits');
    expect(verdict({ ID: 'f', SYSEXT_LEVEL: '1' }, on, 'confext')).toBe('version-id');
    expect(verdict({ ID: '_any', CONFEXT_SCOPE: 'portable' }, on, 'confext')).toBe('scope');
  });
});

describe('the choice of the release file', () => {
  const fields = { ID: '_any' };
  const facts = (files: ReleaseFile[], more: Partial<ImageFacts> = {}): ImageFacts => ({
    origin: 'image',
    sysext: files,
    confext: [],
    hasOsRelease: false,
    ...more,
  });
  const judge = (image: ImageFacts, imageName: string) => {
    const result = judgeImage(image, { kind: 'sysext', imageName }, debian);
    return result.fits ? 'fits' : result.code;
  };

  it.each([
    ['the exact name', [{ suffix: 'foo', fields }], 'foo', 'fits'],
    ['the name cut at the first underscore', [{ suffix: 'foo', fields }], 'foo_1.2', 'fits'],
    ['the name cut at the first plus', [{ suffix: 'foo', fields }], 'foo+3', 'fits'],
    ['no cut at a dash', [{ suffix: 'foo', fields }], 'foo-1', 'name'],
    ['a full name under the short one', [{ suffix: 'debug-29.1.x86-64', fields }], 'debug', 'name'],
    ['a full name under itself', [{ suffix: 'debug-29.1.x86-64', fields }], 'debug-29.1.x86-64', 'fits'],
    ['any name when not strict', [{ suffix: 'bar', fields, strict: false }], 'foo', 'fits'],
    ['another name when strict', [{ suffix: 'bar', fields, strict: true }], 'foo', 'name'],
    [
      'two that could be meant',
      [
        { suffix: 'a', fields, strict: false },
        { suffix: 'b', fields, strict: false },
      ],
      'foo',
      'name',
    ],
    [
      'others do not matter beside the exact one',
      [
        { suffix: 'foo', fields },
        { suffix: 'b', fields, strict: false },
      ],
      'foo',
      'fits',
    ],
    ['none', [], 'foo', 'no-release'],
  ] as const)('%s', (_, files, imageName, expected) => {
    expect(judge(facts([...files] as ReleaseFile[]), imageName)).toBe(expected);
  });

  it('refuses a sysext with an os-release file', () => {
    expect(judge(facts([{ suffix: 'foo', fields }], { hasOsRelease: true }), 'foo')).toBe('os-release');
  });

  it('refuses a confext that has a sysext release file only', () => {
    const result = judgeImage(facts([{ suffix: 'foo', fields }]), { kind: 'confext', imageName: 'foo' }, debian);
    expect(result).toMatchObject({ fits: false, code: 'no-release' });
  });

  it('takes the fields of a sidecar whatever the name', () => {
    expect(judge(facts([{ suffix: '', fields }], { origin: 'sidecar' }), 'anything')).toBe('fits');
  });

  it('says what is wrong with an image that cannot be read', () => {
    const image = facts([], { defect: 'foo_1.raw: empty file' });
    expect(judgeImage(image, { kind: 'sysext', imageName: 'foo' }, debian)).toEqual({
      fits: false,
      code: 'defect',
      text: 'foo_1.raw: empty file',
    });
  });

  it('asks nothing of files that are no extensions', () => {
    expect(judgeImage(facts([]), { kind: 'none', imageName: 'x' }, debian)).toEqual({ fits: true });
  });
});

describe('parseRelease', () => {
  it.each([
    ['ID=debian', { ID: 'debian' }],
    ['ID="debian"\n', { ID: 'debian' }],
    ["NAME='a b'", { NAME: 'a b' }],
    ['NAME="a \\"b\\""', { NAME: 'a "b"' }],
    ['ID=a\nID=b', { ID: 'b' }],
    ['# ID=a\n\nnonsense\n1X=2\nID=b', { ID: 'b' }],
    ['ID=debian\r\n', { ID: 'debian' }],
    ['ID=', { ID: '' }],
  ])('%j', (text, fields) => {
    expect(parseRelease(text)).toEqual(fields);
  });
});
