/** systemd starts the service as root and leaves it to it to become the user that it was given. */
import { statSync } from 'node:fs';
import { ConfigError } from '../errors.ts';

/**
 * Becomes the owner of a directory that systemd made for this unit, for good.
 * @param directory `$RUNTIME_DIRECTORY`
 * @throws ConfigError when it is not root that should be given up, or there is nobody to become
 */
export function becomeOwnerOf(directory: string | undefined): void {
  if (process.geteuid?.() !== 0) return;
  const owner = directory === undefined ? undefined : statSync(directory, { throwIfNoEntry: false });
  if (!owner || owner.uid === 0 || owner.gid === 0) {
    throw new ConfigError('varlink: is started by extupdate-varlink@.service, and does not answer as root', {
      next: 'systemctl start extupdate-varlink.socket',
    });
  }
  process.setgroups?.([]);
  process.setgid?.(owner.gid);
  process.setuid?.(owner.uid);
}
