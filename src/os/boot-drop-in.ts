/** The drop-in of extupdate that keeps systemd 262 from waiting for itself at boot. */
import { existsSync } from 'node:fs';

const DIRECTORIES = ['/etc', '/run', '/usr/local/lib', '/usr/lib'];

/** Whether it is there. */
export function hasBootDropIn(): boolean {
  return DIRECTORIES.some((directory) =>
    existsSync(`${directory}/systemd/system/systemd-sysext.service.d/50-extupdate.conf`),
  );
}
