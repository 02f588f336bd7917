import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findSnapshots } from '../../../../src/os/bootable/snapper.ts';
import { makeTree, osRelease, type TreeEntry } from '../../../support/os-tree.ts';

const microos = (version: string) => osRelease('opensuse-microos', version);

/** As snapper writes it. */
function info(number: number, userdata: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(userdata).map(
    ([key, value]) => `  <userdata>\n    <key>${key}</key>\n    <value>${value}</value>\n  </userdata>\n`,
  );
  return `<?xml version="1.0"?>\n<snapshot>\n  <type>single</type>\n  <num>${number}</num>\n${pairs.join('')}</snapshot>\n`;
}

function snapshot(number: number, entries: Readonly<Record<string, TreeEntry>>): Record<string, TreeEntry> {
  return Object.fromEntries(Object.entries(entries).map(([path, entry]) => [`.snapshots/${number}/${path}`, entry]));
}

const summary = (root: string) => {
  const answer = findSnapshots(root);
  return (
    answer && [answer.found.map(({ deployment, fields }) => `${deployment}=${fields.VERSION_ID}`), answer.problems]
  );
};

describe('findSnapshots', () => {
  it('finds all of a MicroOS host, the newest first, without the one in progress', () => {
    const root = makeTree({
      ...snapshot(2, { 'info.xml': info(2), 'snapshot/usr/lib/os-release': microos('20260101') }),
      ...snapshot(9, {
        'info.xml': info(9, { important: 'yes' }),
        'snapshot/usr/lib/os-release': microos('20260201'),
        'snapshot/etc/os-release': { link: '../usr/lib/os-release' },
      }),
      ...snapshot(10, {
        'info.xml': info(10, { 'transactional-update-in-progress': '' }),
        'snapshot/usr/lib/os-release': microos('20260301'),
        'snapshot/etc/os-release': { link: '/usr/lib/os-release' },
      }),
      ...snapshot(11, {
        'info.xml': info(11, { important: 'no', 'transactional-update-in-progress': 'yes' }),
        'snapshot/usr/lib/os-release': microos('20260401'),
      }),
      'usr/lib/os-release': microos('running'),
      '.snapshots/grub-snapshot.cfg': '',
    });
    expect(findSnapshots(root)).toEqual({
      found: [
        {
          fields: { NAME: 'The opensuse-microos system', ID: 'opensuse-microos', VERSION_ID: '20260301' },
          deployment: '10',
          origin: 'snapper',
          where: '/.snapshots/10/snapshot/etc/os-release',
          osRoot: '/.snapshots/10/snapshot',
        },
        expect.objectContaining({ deployment: '9', where: '/.snapshots/9/snapshot/etc/os-release' }),
        expect.objectContaining({ deployment: '2', where: '/.snapshots/2/snapshot/usr/lib/os-release' }),
      ],
      problems: [],
    });
  });

  it.each<[string, Record<string, TreeEntry>, string[], string[]]>([
    [
      'no os-release',
      { 'snapshot/usr': { directory: true } },
      [],
      ['/.snapshots/5/snapshot: no operating system: looked for etc/os-release, usr/lib/os-release'],
    ],
    [
      'no ID=',
      { 'snapshot/usr/lib/os-release': 'NAME=x\n' },
      [],
      ['/.snapshots/5/snapshot/usr/lib/os-release: has no ID='],
    ],
    [
      'an etc/os-release that hides a good one',
      { 'snapshot/etc/os-release': '', 'snapshot/usr/lib/os-release': microos('1') },
      [],
      ['/.snapshots/5/snapshot/etc/os-release: has no ID='],
    ],
    [
      'a huge os-release',
      { 'snapshot/usr/lib/os-release': microos('1') + '#'.repeat(65536) },
      [],
      ['/.snapshots/5/snapshot/usr/lib/os-release: larger than 65536 bytes'],
    ],
    [
      'a directory as os-release',
      { 'snapshot/etc/os-release': { directory: true } },
      [],
      ['/.snapshots/5/snapshot/etc/os-release: not a regular file'],
    ],
    [
      'a NUL byte',
      { 'snapshot/etc/os-release': 'ID=a\0b\n' },
      [],
      ['/.snapshots/5/snapshot/etc/os-release: is not text: has a NUL byte'],
    ],
    [
      'a loop of links',
      { 'snapshot/etc/os-release': { link: 'os-release' } },
      [],
      ['/.snapshots/5/snapshot/etc/os-release: too many symbolic links'],
    ],
    [
      'a dangling link in etc',
      { 'snapshot/etc/os-release': { link: 'gone' }, 'snapshot/usr/lib/os-release': microos('1') },
      ['5=1'],
      [],
    ],
    [
      'an absolute link, inside the snapshot',
      { 'snapshot/etc/os-release': { link: '/vendor' }, 'snapshot/vendor': microos('2') },
      ['5=2'],
      [],
    ],
    [
      'a link that climbs, inside the snapshot',
      { 'snapshot/etc/os-release': { link: '../../../../../vendor' }, 'snapshot/vendor': microos('3') },
      ['5=3'],
      [],
    ],
    [
      'info.xml that cannot be read: the snapshot counts',
      { 'info.xml': { directory: true }, 'snapshot/usr/lib/os-release': microos('1') },
      ['5=1'],
      ['/.snapshots/5/info.xml: not a regular file'],
    ],
  ])('%s', (_name, entries, found, problems) => {
    const root = makeTree({
      ...snapshot(5, entries),
      ...snapshot(4, { 'snapshot/usr/lib/os-release': microos('0') }),
      // What a link would reach if it was resolved in the root instead of the snapshot.
      'usr/lib/os-release': microos('outside'),
      vendor: microos('outside'),
    });
    expect(summary(root)).toEqual([[...found, '4=0'], problems]);
  });

  it('takes a FIFO for what it is', () => {
    const root = makeTree({ '.snapshots/5/snapshot/etc': { directory: true } });
    execFileSync('mkfifo', [join(root, '.snapshots/5/snapshot/etc/os-release')]);
    expect(summary(root)).toEqual([[], ['/.snapshots/5/snapshot/etc/os-release: not a regular file']]);
  });

  it.each<[string, Record<string, TreeEntry>, unknown]>([
    ['no /.snapshots', {}, undefined],
    ['a file in its place', { '.snapshots': '' }, undefined],
    ['an empty one', { '.snapshots': { directory: true } }, [[], []]],
    [
      'names that are no numbers, files, and links',
      {
        '.snapshots/x/snapshot/etc/os-release': microos('1'),
        '.snapshots/07/snapshot/etc/os-release': microos('1'),
        '.snapshots/3': '',
        '.snapshots/4': { link: 'x' },
      },
      [[], []],
    ],
    [
      'a loop of links in its place',
      { '.snapshots': { link: '.snapshots' } },
      [[], ['/.snapshots: too many symbolic links']],
    ],
  ])('%s', (_name, entries, answer) => {
    expect(summary(makeTree(entries))).toEqual(answer);
  });
});
