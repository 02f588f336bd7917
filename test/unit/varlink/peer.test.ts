import { expect, it } from 'vitest';
import { peerUid } from '../../../src/varlink/peer.ts';

it.each([
  // systemd 257
  ['0-122-0', 0],
  ['1-134-1234', 1234],
  // 262
  ['0-10-115_2507658-0', 0],
  ['1-4112-127_2507670-1234', 1234],
  // Forms in between: a pidfd without a cookie, a cookie without a pidfd.
  ['3-115_2507658-0', 0],
  ['3-10-115-65534', 65534],
  ['4294967295-18446744073709551615-4194304_18446744073709551615-4294967294', 4294967294],
  // A process of another pid namespace has none here.
  ['7-0-1000', 1000],
])('%s: %s', (instance, uid) => {
  expect(peerUid(instance)).toBe(uid);
});

it.each([
  '',
  '0',
  '-0',
  '0-0',
  '5-unknown',
  '5-10-unknown',
  '1-2-3-4-0',
  '1-2-00',
  '1-2--0',
  '1-2-+0',
  '1-2-0 ',
  ' 1-2-0',
  '1-2-0\n',
  '1-2-0x0',
  '1-2_-0',
  '1-_2-0',
  '1-2_3_4-0',
  '1_2-3-0',
  '1-2-99999999999',
  '0-127.0.0.1:22-127.0.0.1:0',
  '0-::1:22-::1:0',
  '0-2:1024-0:0',
])('nobody is known by "%s"', (instance) => {
  expect(peerUid(instance)).toBeUndefined();
});
