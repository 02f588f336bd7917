import { describe, expect, it } from 'vitest';
import { findDeployments } from '../../../../src/os/bootable/ostree.ts';
import { makeTree, osRelease, type TreeEntry } from '../../../support/os-tree.ts';

const [first, second] = ['a'.repeat(64), `0${'b'.repeat(63)}`];
const release = (version: string) => osRelease('fedora', version, "OSTREE_VERSION='44.1'\n");

/** Two stateroots; the second deployment of the first has been staged and has no /etc yet. */
function deployments(place: string): Record<string, TreeEntry> {
  return {
    [`${place}/fedora/deploy/${first}.0/usr/lib/os-release`]: release('43'),
    [`${place}/fedora/deploy/${first}.0/etc/os-release`]: { link: '../usr/lib/os-release' },
    [`${place}/fedora/deploy/${first}.0.origin`]: '[origin]\nrefspec=fedora:x\n',
    [`${place}/fedora/deploy/${second}.1/usr/lib/os-release`]: { link: 'os-release.d/os-release-coreos' },
    [`${place}/fedora/deploy/${second}.1/usr/lib/os-release.d/os-release-coreos`]: release('44'),
    [`${place}/fedora/deploy/${second}.1.origin`]: '[origin]\n',
    [`${place}/fedora/var/lib/x`]: '',
    [`${place}/test/deploy/${first}.0/etc/os-release`]: { link: '/usr/lib/os-release' },
    [`${place}/test/deploy/${first}.0/usr/lib/os-release`]: release('42'),
  };
}

describe('findDeployments', () => {
  it.each<[string, string, Record<string, TreeEntry>]>([
    ['/ostree', '/ostree/deploy', deployments('ostree/deploy')],
    [
      '/ostree as a link',
      '/ostree/deploy',
      { ...deployments('sysroot/ostree/deploy'), ostree: { link: 'sysroot/ostree' } },
    ],
    ['/sysroot/ostree', '/sysroot/ostree/deploy', deployments('sysroot/ostree/deploy')],
  ])('finds those of all stateroots in %s', (_name, place, entries) => {
    const at = (stateroot: string, deployment: string, path: string, version: string) => ({
      fields: { NAME: 'The fedora system', ID: 'fedora', VERSION_ID: version, OSTREE_VERSION: '44.1' },
      deployment,
      origin: 'ostree',
      where: `${place}/${stateroot}/deploy/${deployment}/${path}`,
      osRoot: `${place}/${stateroot}/deploy/${deployment}`,
    });
    expect(findDeployments(makeTree({ ...entries, 'usr/lib/os-release': release('running') }))).toEqual({
      found: [
        at('fedora', `${second}.1`, 'usr/lib/os-release', '44'),
        at('fedora', `${first}.0`, 'etc/os-release', '43'),
        at('test', `${first}.0`, 'etc/os-release', '42'),
      ],
      problems: [],
    });
  });

  it.each<[string, Record<string, TreeEntry>, string[]]>([
    [
      'a deployment without an OS',
      { [`ostree/deploy/x/deploy/${first}.0/usr`]: { directory: true } },
      [`/ostree/deploy/x/deploy/${first}.0: no operating system: looked for etc/os-release, usr/lib/os-release`],
    ],
    [
      'an os-release without ID=',
      { [`ostree/deploy/x/deploy/${first}.0/usr/lib/os-release`]: 'ID=\n' },
      [`/ostree/deploy/x/deploy/${first}.0/usr/lib/os-release: has no ID=`],
    ],
    [
      'deployments that cannot be listed',
      { 'ostree/deploy/x/deploy': { link: 'deploy' } },
      ['/ostree/deploy/x/deploy: too many symbolic links'],
    ],
    ['stateroots that cannot be listed', { ostree: { link: 'ostree' } }, ['/ostree/deploy: too many symbolic links']],
    [
      'other names, files, links',
      {
        'ostree/deploy/x/deploy/current/etc/os-release': release('1'),
        [`ostree/deploy/x/deploy/${first}.0`]: '',
        [`ostree/deploy/x/deploy/${first}.1`]: { link: 'current' },
        'ostree/deploy/link': { link: 'x' },
        'ostree/deploy/empty': { directory: true },
        'ostree/deploy/file': '',
      },
      [],
    ],
  ])('%s', (_name, entries, problems) => {
    expect(findDeployments(makeTree(entries))).toEqual({ found: [], problems });
  });

  it.each<[string, Record<string, TreeEntry>]>([
    ['nothing', {}],
    ['a repository alone', { 'ostree/repo/config': '' }],
    ['a file', { sysroot: '' }],
  ])('is not the kind of a host with %s', (_name, entries) => {
    expect(findDeployments(makeTree(entries))).toBeUndefined();
  });
});
