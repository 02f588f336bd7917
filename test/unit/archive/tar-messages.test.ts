import { expect, it } from 'vitest';
import { systemErrorOf, TarMessages } from '../../../src/archive/tar-messages.ts';

const heard = (...lines: string[]) => {
  const messages = new TarMessages();
  for (const line of lines) messages.add(line);
  return messages;
};

it('the failure is what tar says first, apart from warnings and what it always says', () => {
  const { failure, notices } = heard(
    "tar: setxattrat: Cannot set 'user.a' extended attribute for file 'x': Operation not supported",
    'tar: "x": Cannot open: No space left on device',
    'tar: "y": Cannot open: No space left on device',
    'tar: Exiting with failure status due to previous errors',
  );
  expect(failure).toBe('"x": Cannot open: No space left on device');
  expect(systemErrorOf(failure ?? '')).toBe('ENOSPC');
  expect(notices[1]).toContain("Cannot set 'user.a'");
});

it('a lost file capability is found behind any number of other losses', () => {
  const lost = (name: string) => `tar: setxattrat: Cannot set '${name}' extended attribute for file 'x': Operation not`;
  const messages = heard(...Array.from({ length: 1000 }, () => lost('trusted.x')), lost('security.capability'));
  expect(messages.lostCapability).toContain('security.capability');
  expect(messages.notices).toHaveLength(10);
  expect(messages.failure).toBeUndefined();
});

it('a tar that was built without extended attributes is found', () => {
  expect(heard('tar: XATTR support is not available').withoutXattrs).toBe(true);
  expect(heard('tar: POSIX ACL support is not available').withoutXattrs).toBe(false);
});
