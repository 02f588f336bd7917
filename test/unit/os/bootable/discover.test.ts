import { describe, expect, it } from 'vitest';
import { discoverBootable } from '../../../../src/os/bootable/discover.ts';
import { makeTree, osRelease } from '../../../support/os-tree.ts';
import { writeUki } from '../../../support/pe-writer.ts';

describe('discoverBootable', () => {
  it('puts together what all discoverers find', async () => {
    const deployment = `${'a'.repeat(64)}.0`;
    const root = makeTree({
      '.snapshots/1/snapshot/usr/lib/os-release': osRelease('opensuse-microos', '1'),
      '.snapshots/2/snapshot': { directory: true },
      [`ostree/deploy/fedora/deploy/${deployment}/usr/lib/os-release`]: osRelease('fedora', '2'),
      'efi/EFI/Linux/os.efi': writeUki(osRelease('particleos', '3')),
      'efi/EFI/Linux/bad.efi': '',
    });
    const answer = await discoverBootable(root);
    expect(answer?.found.map(({ origin, fields }) => `${origin} ${fields.ID} ${fields.VERSION_ID}`)).toEqual([
      'snapper opensuse-microos 1',
      'ostree fedora 2',
      'uki particleos 3',
    ]);
    expect(answer?.problems).toEqual([
      '/.snapshots/2/snapshot: no operating system: looked for etc/os-release, usr/lib/os-release',
      '/efi/EFI/Linux/bad.efi: not a PE file',
    ]);
  });

  it('tells "none can be read" from "not such a host"', async () => {
    expect(await discoverBootable(makeTree({ 'usr/lib/os-release': osRelease('flatcar', '1') }))).toBeUndefined();
    expect(await discoverBootable(makeTree({ '.snapshots': { directory: true } }))).toEqual({
      found: [],
      problems: [],
    });
  });

  it('answers for this machine', async () => {
    const answer = await discoverBootable('');
    for (const { where } of answer?.found ?? []) expect(where).toMatch(/^\//);
  });
});
