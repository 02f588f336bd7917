import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { resolveInRoot } from '../../../src/os/root.ts';
import { mergedHierarchies } from '../../../src/os/underlay.ts';

const root = mkdtempSync(join(tmpdir(), 'extupdate-root-'));
mkdirSync(join(root, 'usr/lib'), { recursive: true });
mkdirSync(join(root, 'var/lib'), { recursive: true });
symlinkSync('usr/lib', join(root, 'lib'));
symlinkSync('/usr/lib', join(root, 'absolute'));
symlinkSync('../../..', join(root, 'usr/up'));
symlinkSync('/etc/passwd', join(root, 'usr/lib/escape'));
symlinkSync('loop', join(root, 'loop'));
afterAll(() => rmSync(root, { recursive: true }));

describe('resolveInRoot', () => {
  it.each([
    ['/usr/lib/x', 'usr/lib/x'],
    ['/lib/x', 'usr/lib/x'],
    ['/absolute/x', 'usr/lib/x'],
    ['/usr/lib/escape', 'etc/passwd'],
    ['/usr/up/usr/lib', 'usr/lib'],
    ['/../../usr', 'usr'],
    ['/not/there', 'not/there'],
    ['/', ''],
  ])('%s stays inside: %s', (path, place) => {
    expect(resolveInRoot(root, path)).toBe(join(root, place));
  });

  it('leaves a link in the last part alone when told to', () => {
    expect(resolveInRoot(root, '/usr/lib/escape', false)).toBe(join(root, 'usr/lib/escape'));
    expect(resolveInRoot(root, '/lib/escape', false)).toBe(join(root, 'usr/lib/escape'));
  });

  it('gives up on loops', () => {
    expect(() => resolveInRoot(root, '/loop/x')).toThrow('too many symbolic links');
  });
});

describe('mergedHierarchies', () => {
  it('finds the overlays of systemd-sysext and systemd-confext, and no others', () => {
    const mountinfo = [
      '125 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
      '302 125 0:52 / /etc ro,nosuid,nodev,noexec,relatime shared:130 - overlay confext ro,lowerdir=/a:/etc',
      '313 125 0:58 / /usr ro,nodev,relatime shared:133 - overlay sysext ro,lowerdir=/b:/usr',
      '320 125 0:60 / /var/lib/docker/x rw,relatime - overlay overlay rw,lowerdir=/c',
      '',
    ].join('\n');
    expect(mergedHierarchies(mountinfo)).toEqual([
      { point: '/etc', kind: 'confext', options: 'ro,nosuid,nodev,noexec' },
      { point: '/usr', kind: 'sysext', options: 'ro,nodev' },
    ]);
  });
});
