import { describe, expect, it } from 'vitest';
import { findUkis } from '../../../../src/os/bootable/uki.ts';
import { makeTree, osRelease, type TreeEntry } from '../../../support/os-tree.ts';
import { writePe, writeUki } from '../../../support/pe-writer.ts';

const uki = (version: string) => writeUki(osRelease('particleos', version));
const noUki = writePe([{ name: '.text', content: 'memory test' }]);

async function summary(entries: Readonly<Record<string, TreeEntry>>) {
  const answer = await findUkis(makeTree(entries));
  return answer && [answer.found.map(({ where, fields }) => `${where}=${fields.VERSION_ID}`), answer.problems];
}

describe('findUkis', () => {
  it('reads the os-release, whatever the count of boot attempts', async () => {
    const root = makeTree({
      'efi/EFI/Linux/particleos_2+3-0.efi': uki('2'),
      'efi/EFI/Linux/particleos_1.efi.extra.d/debug.addon.efi': noUki,
      'efi/EFI/systemd/systemd-bootx64.efi': noUki,
      'efi/loader/loader.conf': 'timeout 3\n',
    });
    expect(await findUkis(root)).toEqual({
      found: [
        {
          fields: { NAME: 'The particleos system', ID: 'particleos', VERSION_ID: '2' },
          origin: 'uki',
          where: '/efi/EFI/Linux/particleos_2+3-0.efi',
        },
      ],
      problems: [],
    });
  });

  it.each<[string, Record<string, TreeEntry>, string[]]>([
    [
      'on the ESP and the extended boot partition',
      {
        'efi/EFI/Linux/os_1+0-3.efi': uki('1'),
        'efi/EFI/Linux/os_2.EFI': uki('2'),
        'boot/EFI/Linux/os_3+2-1.efi': uki('3'),
      },
      ['/efi/EFI/Linux/os_1+0-3.efi=1', '/efi/EFI/Linux/os_2.EFI=2', '/boot/EFI/Linux/os_3+2-1.efi=3'],
    ],
    ['on an ESP below /boot', { 'boot/efi/EFI/Linux/os.efi': uki('1') }, ['/boot/efi/EFI/Linux/os.efi=1']],
    [
      'whose os-release is padded',
      { 'efi/EFI/Linux/os.efi': writeUki('ID=a\nVERSION_ID=1\0\0\0') },
      ['/efi/EFI/Linux/os.efi=1'],
    ],
    [
      'once where a mount point is a link',
      {
        'efi/EFI/Linux/os.efi': uki('1'),
        'boot/efi': { link: '/efi' },
      },
      ['/efi/EFI/Linux/os.efi=1'],
    ],
    [
      'once where a partition is mounted twice',
      {
        'efi/EFI/Linux/os.efi': uki('1'),
        'boot/efi/EFI/Linux/other.efi': { hardLink: 'efi/EFI/Linux/os.efi' },
      },
      ['/efi/EFI/Linux/os.efi=1'],
    ],
    [
      'once where a partition is a copy',
      {
        'efi/EFI/Linux/os.efi': uki('1'),
        'boot/efi/EFI/Linux/os.efi': uki('1'),
      },
      ['/efi/EFI/Linux/os.efi=1'],
    ],
    [
      'each where partitions have different OSes of one name',
      {
        'efi/EFI/Linux/os.efi': uki('1'),
        'boot/EFI/Linux/os.efi': uki('2'),
      },
      ['/efi/EFI/Linux/os.efi=1', '/boot/EFI/Linux/os.efi=2'],
    ],
    [
      'each where an OS has several names',
      {
        'efi/EFI/Linux/a.efi': uki('1'),
        'efi/EFI/Linux/b.efi': uki('1'),
      },
      ['/efi/EFI/Linux/a.efi=1', '/efi/EFI/Linux/b.efi=1'],
    ],
    [
      'named by entries, wherever they lie',
      {
        'efi/loader/entries/a.conf': '# comment\ntitle An OS\nuki /os/a+3.efi\n',
        'efi/loader/entries/b+3-0.conf': 'efi\t\\EFI\\other\\b.efi \r\n',
        'efi/os/a+3.efi': uki('1'),
        'efi/EFI/other/b.efi': uki('2'),
      },
      ['/efi/os/a+3.efi=1', '/efi/EFI/other/b.efi=2'],
    ],
    [
      'once where an entry names what is found anyway',
      {
        'boot/loader/entries/a.conf': 'uki /EFI/Linux/os.efi\n',
        'boot/EFI/Linux/os.efi': uki('1'),
      },
      ['/boot/EFI/Linux/os.efi=1'],
    ],
    [
      'never outside the partition',
      {
        'efi/loader/entries/a.conf': 'uki ../../os.efi\n',
        'efi/os.efi': uki('1'),
        'os.efi': uki('outside'),
      },
      ['/efi/os.efi=1'],
    ],
    [
      'never outside the root',
      {
        'efi/EFI/Linux/os.efi': { link: '/../../secret.efi' },
        'secret.efi': uki('inside'),
        '../secret.efi': uki('outside'),
      },
      ['/efi/EFI/Linux/os.efi=inside'],
    ],
    [
      'beside entries that are no UKIs',
      {
        'efi/loader/entries/memtest.conf': 'title Memory test\nefi /EFI/memtest.efi\n',
        'efi/loader/entries/classic.conf': 'linux /vmlinuz\ninitrd /initrd\noptions uki /x\n',
        'efi/EFI/memtest.efi': noUki,
        'efi/EFI/Linux/os.efi': uki('1'),
      },
      ['/efi/EFI/Linux/os.efi=1'],
    ],
  ])('finds UKIs %s', async (_name, entries, found) => {
    expect(await summary(entries)).toEqual([found, []]);
  });

  it.each<[string, Record<string, TreeEntry>, string]>([
    ['no PE file', { 'efi/EFI/Linux/x.efi': 'text' }, '/efi/EFI/Linux/x.efi: not a PE file'],
    [
      'a cut off one',
      { 'efi/EFI/Linux/x.efi': uki('1').subarray(0, 600) },
      '/efi/EFI/Linux/x.efi: damaged: needs 58 bytes at offset 1536, the data ends at 600',
    ],
    [
      'no os-release',
      { 'efi/EFI/Linux/x.efi': noUki },
      '/efi/EFI/Linux/x.efi: not a unified kernel image: has no section .osrel',
    ],
    [
      'an os-release without ID=',
      { 'efi/EFI/Linux/x.efi': writeUki('NAME=x\n') },
      '/efi/EFI/Linux/x.efi: .osrel: has no ID=',
    ],
    [
      'an empty os-release, which masks it',
      { 'efi/EFI/Linux/x.efi': writeUki('') },
      '/efi/EFI/Linux/x.efi: .osrel: has no ID=',
    ],
    [
      'a huge os-release',
      { 'efi/EFI/Linux/x.efi': writeUki('#'.repeat(65537)) },
      '/efi/EFI/Linux/x.efi: its section .osrel has 65537 bytes',
    ],
    ['a directory', { 'efi/EFI/Linux/x.efi': { directory: true } }, '/efi/EFI/Linux/x.efi: not a regular file'],
    [
      'a dangling link',
      { 'efi/EFI/Linux/x.efi': { link: '/gone' } },
      '/efi/EFI/Linux/x.efi: cannot open: no such file or directory (ENOENT)',
    ],
    ['a loop of links', { 'efi/EFI/Linux/x.efi': { link: 'x.efi' } }, '/efi/EFI/Linux/x.efi: too many symbolic links'],
    [
      'a directory that cannot be listed',
      { 'efi/EFI/Linux': { link: 'Linux' } },
      '/efi/EFI/Linux: too many symbolic links',
    ],
    [
      'an entry that names nothing',
      { 'efi/loader/entries/a.conf': 'uki /x.efi\n' },
      '/efi/x.efi: cannot open: no such file or directory (ENOENT) (named by /efi/loader/entries/a.conf)',
    ],
    [
      'an entry that names what is no UKI',
      { 'efi/loader/entries/a.conf': 'uki /x.efi\n', 'efi/x.efi': noUki },
      '/efi/x.efi: not a unified kernel image: has no section .osrel (named by /efi/loader/entries/a.conf)',
    ],
    [
      'an entry with a control character',
      { 'efi/loader/entries/a.conf': 'efi /x\0.efi\n' },
      '/efi/loader/entries/a.conf: efi names a file with a control character',
    ],
    [
      'a huge entry',
      { 'efi/loader/entries/a.conf': '#'.repeat(65537) },
      '/efi/loader/entries/a.conf: larger than 65536 bytes',
    ],
  ])('skips and tells of %s', async (_name, entries, problem) => {
    const good = { 'boot/EFI/Linux/os.efi': uki('1') };
    expect(await summary({ ...entries, ...good })).toEqual([['/boot/EFI/Linux/os.efi=1'], [problem]]);
    expect(await summary(entries)).toEqual([[], [problem]]);
  });

  it.each<[string, Record<string, TreeEntry>]>([
    ['no boot partition', {}],
    ['classic entries', { 'boot/loader/entries/a.conf': 'linux /vmlinuz\n', 'boot/vmlinuz': '' }],
    ['a memory test', { 'boot/loader/entries/a.conf': 'efi /m.efi\n', 'boot/m.efi': noUki }],
    ['an empty directory', { 'boot/efi/EFI/Linux': { directory: true } }],
  ])('is not the kind of a host with %s', async (_name, entries) => {
    expect(await summary(entries)).toBeUndefined();
  });
});
