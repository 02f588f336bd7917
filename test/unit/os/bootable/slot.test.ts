import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../../src/errors.ts';
import { readSlot } from '../../../../src/os/bootable/slot.ts';
import { makeTree, osRelease, type TreeEntry } from '../../../support/os-tree.ts';

const flatcar = osRelease('flatcar', '4500.1.0');

describe('readSlot', () => {
  it.each<[string, Record<string, TreeEntry>, string, string | undefined]>([
    ['a bare /usr of Flatcar', { 'mnt/lib/os-release': flatcar, 'mnt/bin/sh': '' }, '/mnt/lib/os-release', undefined],
    ['a tree', { 'mnt/usr/lib/os-release': flatcar }, '/mnt/usr/lib/os-release', '/mnt'],
    [
      'a tree with a link in etc',
      {
        'mnt/usr/lib/os-release': flatcar,
        'mnt/etc/os-release': { link: '/usr/lib/os-release' },
        'mnt/lib': { link: 'usr/lib' },
      },
      '/mnt/etc/os-release',
      '/mnt',
    ],
    [
      'a bare /usr whose own etc has a link to elsewhere',
      {
        'mnt/lib/os-release': flatcar,
        'mnt/etc/os-release': { link: '../usr/lib/os-release' },
      },
      '/mnt/lib/os-release',
      undefined,
    ],
    [
      'a mount point that is a link',
      { 'a/b/usr/lib/os-release': flatcar, mnt: { link: '/a/b' } },
      '/mnt/usr/lib/os-release',
      '/mnt',
    ],
  ])('reads %s', (_name, entries, where, osRoot) => {
    const root = makeTree({ ...entries, 'usr/lib/os-release': osRelease('running', '1') });
    expect(readSlot(root, '/mnt')).toEqual({
      fields: { NAME: 'The flatcar system', ID: 'flatcar', VERSION_ID: '4500.1.0' },
      origin: 'slot',
      where,
      ...(osRoot === undefined ? {} : { osRoot }),
    });
    expect(readSlot(root, '/x/../mnt/').where).toBe(where);
  });

  it('reads the root itself', () => {
    const slot = readSlot(makeTree({ 'usr/lib/os-release': flatcar }), '/');
    expect(slot).toMatchObject({ where: '/usr/lib/os-release', osRoot: '/' });
  });

  it.each<[string, Record<string, TreeEntry>, string]>([
    ['no directory', {}, '/mnt: no operating system: looked for etc/os-release, usr/lib/os-release, lib/os-release'],
    [
      'an empty one',
      { mnt: { directory: true } },
      '/mnt: no operating system: looked for etc/os-release, usr/lib/os-release, lib/os-release',
    ],
    ['an os-release without ID=', { 'mnt/lib/os-release': 'VERSION=1\n' }, '/mnt/lib/os-release: has no ID='],
    ['a huge os-release', { 'mnt/lib/os-release': '#'.repeat(65537) }, '/mnt/lib/os-release: larger than 65536 bytes'],
    ['a loop of links', { mnt: { link: 'mnt' } }, '/mnt: too many symbolic links'],
  ])('says what is wrong with %s', (_name, entries, message) => {
    expect(() => readSlot(makeTree(entries), '/mnt')).toThrow(
      expect.objectContaining({ name: ConfigError.name, message, next: expect.stringContaining('name the directory') }),
    );
  });
});
