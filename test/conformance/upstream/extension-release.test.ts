/**
 * test-os-util.c and TEST-50-DISSECT.sysext.sh as far as they are about which image goes with which OS: real images, in
 * a source directory, looked at by the program. What needs a merge is in test/e2e.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRelease } from '../../../src/resolve/os-release.ts';
import { type ExtensionImage, extensionImage } from '../../support/images.ts';
import { definition, makeWorld, type World } from '../../support/world.ts';

describe('test-os-util.c: parse_extension_release', () => {
  it.each([
    ['the last of several counts', 'ID=the-id\nID=other\n', { ID: 'other' }],
    ['quotes, comments and blank lines', '# x\n\nID="the id"\nVERSION_ID=\'1\'\n', { ID: 'the id', VERSION_ID: '1' }],
    ['an empty value is a value', 'ID=\n', { ID: '' }],
  ])('%s', (_, text, fields) => {
    expect(parseRelease(text)).toEqual(fields);
  });

  it('a key that is not there is unknown, also one that every object has', () => {
    expect(parseRelease('ID=x\n').FOOBAR).toBeUndefined();
    expect(parseRelease('ID=x\n').toString).not.toBeTypeOf('string');
  });
});

describe('TEST-50: which images go with ID=testos, ID_LIKE="a like", VERSION_ID=1', () => {
  const same = { ID: 'testos', VERSION_ID: '1' };
  const rows: readonly (readonly [string, Partial<ExtensionImage>, boolean])[] = [
    ['the same ID and version', { release: same }, true],
    ['ID=_any', { release: { ID: '_any' } }, true],
    ['an ID that the host is like', { release: { ID: 'like', VERSION_ID: '1' } }, true],
    ['another ID', { release: { ID: 'other', VERSION_ID: '1' } }, false],
    ['another ID, although it is like this one', { release: { ID: 'x', ID_LIKE: 'testos', VERSION_ID: '1' } }, false],
    ['another version', { release: { ...same, VERSION_ID: '2' } }, false],
    ['no version', { release: { ID: 'testos' } }, false],
    ['a level does not stand in for the version', { release: { ID: 'testos', SYSEXT_LEVEL: '1' } }, false],
    ['another architecture', { release: { ...same, ARCHITECTURE: 'arc' } }, false],
    ['any architecture', { release: { ...same, ARCHITECTURE: '_any' } }, true],
    ['for the initrd only', { release: { ...same, SYSEXT_SCOPE: 'initrd' } }, false],
    ['for the system and the initrd', { release: { ...same, SYSEXT_SCOPE: 'initrd system' } }, true],
    ['a release file of another name', { release: same, name: 'other' }, false],
    ['only a release file for confexts', { release: same, kind: 'confext' }, false],
    ['one that carries os-release', { release: same, files: { 'usr/lib/os-release': 'ID=x\n' } }, false],
  ];
  let world: World;
  let compatible: Map<string, unknown>;

  beforeAll(async () => {
    world = await makeWorld();
    world.setOs({ ID: 'testos', ID_LIKE: 'a like', VERSION_ID: '1' });
    for (const [index, [, image]] of rows.entries())
      world.write(`srv/ext/ext_${index + 1}.raw`, extensionImage({ name: 'ext', ...image }));
    const Source = { Type: 'regular-file', Path: '/srv/ext', MatchPattern: 'ext_@v.raw' };
    const transfer = definition({ Source, Target: { Path: '/var/lib/extensions/ext.raw.v' } });
    world.write('etc/extupdate/transfer.d/ext.transfer', transfer);
    const { components } = (await world.run(['list', '--json=short'])).json();
    compatible = new Map(components[0]?.versions.map((one) => [one.version, one.compatible]));
  });
  afterAll(() => world.close());

  it.each(rows)('%s', (title, _, fits) => {
    expect(compatible.get(String(rows.findIndex(([one]) => one === title) + 1))).toBe(fits);
  });
});
