import { expect, it } from 'vitest';
import { extensionMounts, isSameMounts } from '../../../src/services/extension-mounts.ts';

/** As the kernel shows them of a service: with the host's own overlay below, where systemd-confext has merged. */
const STARTED_257 = `
540 109 254:0 /root / rw,relatime shared:238 master:1 - ext4 /dev/vda rw
1914 1957 0:63 / /etc ro,relatime shared:1425 - overlay overlay ro,lowerdir=/run/systemd/unit-extensions/0/etc:/run/systemd/mount-rootfs/etc,redirect_dir=on
277 703 0:75 / /usr ro,relatime shared:457 - overlay overlay ro,lowerdir=/run/systemd/unit-extensions/1/usr:/run/systemd/mount-rootfs/usr,redirect_dir=on
1957 540 0:135 / /etc ro,nosuid,nodev,noexec,relatime shared:1478 master:315 - overlay confext ro,lowerdir=/run/systemd/sysext/meta/etc:/run/systemd/sysext/confexts/web/etc:/etc,redirect_dir=on
`;
const STARTED_262 = `
1112 1046 0:94 / /etc ro,relatime shared:780 - overlay systemd-extensions ro,lowerdir=/run/systemd/unit-extensions/0/etc:/run/systemd/mount-rootfs/etc,redirect_dir=on
`;
const RELOADED_262 = `
1665 1046 0:136 / /etc rw,relatime shared:1182 - overlay systemd-extensions ro,lowerdir=/proc/self/fd/88:/proc/self/fd/78,redirect_dir=on
`;

it.each([
  ['257', STARTED_257, ['/etc 1914 0:63', '/usr 277 0:75']],
  ['262', STARTED_262, ['/etc 1112 0:94']],
  ['262 after a reload', RELOADED_262, ['/etc 1665 0:136']],
  ['a service without', '1957 540 0:135 / /etc ro - overlay confext ro,lowerdir=/a:/b\n', []],
  ['nothing', '', []],
])('%s', (_, mountinfo, expected) => {
  expect(extensionMounts(mountinfo).map(({ point, identity }) => `${point} ${identity}`)).toEqual(expected);
});

it('a reload on 262 mounts anew', () => {
  const before = extensionMounts(STARTED_262);
  expect(isSameMounts(before, extensionMounts(STARTED_262))).toBe(true);
  expect(isSameMounts(before, extensionMounts(RELOADED_262))).toBe(false);
  expect(isSameMounts(before, [])).toBe(false);
});

it('an id or a device that is used again is no sign of the same mount', () => {
  expect(isSameMounts([{ point: '/etc', identity: '1 0:94' }], [{ point: '/etc', identity: '1 0:95' }])).toBe(false);
  expect(isSameMounts([{ point: '/etc', identity: '1 0:94' }], [{ point: '/etc', identity: '2 0:94' }])).toBe(false);
});
