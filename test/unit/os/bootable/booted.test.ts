import { describe, expect, it } from 'vitest';
import { bootedDeployment, readBootedDeployment } from '../../../../src/os/bootable/booted.ts';

const [running, next] = [`${'a'.repeat(64)}.0`, `${'b'.repeat(64)}.0`];
const commandLine = `BOOT_IMAGE=(hd0,gpt3)/vmlinuz quiet ostree=/ostree/boot.0/fedora/${'c'.repeat(64)}/0 rw\n`;
const inDeployment = (deployment: string, rest = '') => `/ostree/deploy/fedora/deploy/${deployment}${rest}`;

/** Lines of mountinfo, of `root point type`. */
function mounts(...lines: readonly string[]): string {
  return lines
    .map((line, index) => {
      const [root, point, type] = line.split(' ');
      return `${index + 30} 1 0:${index + 20} ${root} ${point} rw,relatime shared:1 master:2 - ${type} /dev/vda3 rw,x=y\n`;
    })
    .join('');
}

describe('bootedDeployment', () => {
  it.each<[string, string, string, string | undefined, string | undefined]>([
    ['ostree: the root is the deployment', commandLine, mounts(`${inDeployment(running)} / ext4`), undefined, running],
    ['ostree on a btrfs subvolume', commandLine, mounts(`/root${inDeployment(running)} / btrfs`), undefined, running],
    [
      'ostree with composefs: etc is of the deployment',
      commandLine,
      mounts('/ / overlay', `${inDeployment(running, '/etc')} /etc xfs`, '/ostree/deploy/fedora/var /var xfs'),
      undefined,
      running,
    ],
    [
      'ostree with composefs, etc not mounted yet: the link of the command line',
      commandLine,
      mounts('/ / overlay'),
      `../../../deploy/fedora/deploy/${running}`,
      running,
    ],
    [
      'ostree, when the link has moved to another deployment',
      commandLine,
      mounts(`${inDeployment(running)} / xfs`),
      `../../../deploy/fedora/deploy/${next}`,
      running,
    ],
    [
      'ostree, with extensions merged over /usr and /etc',
      commandLine,
      mounts(
        `${inDeployment(running)} / xfs`,
        `${inDeployment(running, '/usr')} /usr xfs`,
        '/ /usr overlay',
        '/ /etc overlay',
      ),
      undefined,
      running,
    ],
    ['ostree without a link', commandLine, mounts('/ / overlay'), undefined, undefined],
    ['a link to something else', commandLine, mounts('/ / overlay'), '/vmlinuz', undefined],
    [
      'ostree= within another word',
      commandLine.replace('ostree=', 'xostree='),
      '',
      `/deploy/x/deploy/${running}`,
      undefined,
    ],
    [
      'snapper: the root is the snapshot',
      '',
      mounts('/@/.snapshots/17/snapshot / btrfs', '/@/.snapshots /.snapshots btrfs'),
      undefined,
      '17',
    ],
    ['snapper without a subvolume @', '', mounts('/.snapshots/17/snapshot / btrfs'), undefined, '17'],
    [
      'snapper: /usr tells more than /',
      '',
      mounts('/@/.snapshots/17/snapshot / btrfs', '/@/.snapshots/18/snapshot/usr /usr btrfs'),
      undefined,
      '18',
    ],
    [
      'snapper: the later mount covers the earlier',
      '',
      mounts('/@/.snapshots/17/snapshot / btrfs', '/@/.snapshots/18/snapshot / btrfs'),
      undefined,
      '18',
    ],
    [
      'snapper, with extensions merged over /usr',
      '',
      mounts('/@/.snapshots/17/snapshot / btrfs', '/ /usr overlay'),
      undefined,
      '17',
    ],
    [
      'a snapshot that is mounted elsewhere',
      '',
      mounts('/@ / btrfs', '/@/.snapshots/16/snapshot /mnt btrfs', '/@/.snapshots/16/snapshot/etc /etc btrfs'),
      undefined,
      undefined,
    ],
    [
      'a path like a snapshot on another file system',
      '',
      mounts('/.snapshots/17/snapshot / ext4'),
      undefined,
      undefined,
    ],
    ['an ordinary host', 'root=/dev/vda1 ro', mounts('/ / ext4'), undefined, undefined],
    ['nothing at all', '', '', undefined, undefined],
    ['nonsense', 'ostree=', 'a b c\n - \n 1 - 2 3\n', 'x', undefined],
  ])('%s', (_name, line, mountinfo, target, deployment) => {
    expect(bootedDeployment(line, mountinfo, () => target)).toBe(deployment);
  });

  it('asks for the link that the command line names', () => {
    const asked: string[] = [];
    bootedDeployment(commandLine, '', (path) => {
      asked.push(path);
      return undefined;
    });
    expect(asked).toEqual([`/ostree/boot.0/fedora/${'c'.repeat(64)}/0`]);
  });
});

describe('readBootedDeployment', () => {
  it('answers on any machine', () => {
    expect(['string', 'undefined']).toContain(typeof readBootedDeployment());
  });
});
