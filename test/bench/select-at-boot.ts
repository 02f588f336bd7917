/** What `select` adds to every boot, beside what starting Node costs anyway: 20 extensions, and nothing to change. */
import { join } from 'node:path';
import { extensionImage } from '../support/images.ts';
import type { Host } from '../support/systemd-host.ts';
import { alternate, EXTUPDATE, type Job, osRelease, write } from './scenarios.ts';

const EXTENSIONS = 20;
const REPETITIONS = 15;

/** Measures on a host that has just been booted and holds nothing else. */
export async function measureSelect(host: Host): Promise<Job> {
  const names = Array.from({ length: EXTENSIONS }, (_, index) => `ext${String(index + 1).padStart(2, '0')}`);
  for (const name of names) {
    write(
      host,
      `etc/extupdate/transfer.d/${name}.transfer`,
      `[Transfer]\nVerify=no\n[Source]\nType=url-file\nPath=http://127.0.0.1:1/\nMatchPattern=${name}_@v.raw\n[Target]\nPath=/var/lib/extensions/${name}.raw.v\n`,
    );
    const bytes = extensionImage({ name, release: osRelease, files: { [`usr/share/${name}/version`]: '1' } });
    write(host, join('var/lib/extensions', `${name}.raw.v`, `${name}_1.raw`), bytes);
  }
  await host.sh('systemctl restart systemd-sysext');
  // Takes note of the boot, and of what is active.
  await host.exec([...EXTUPDATE, 'select']);
  const [node] = EXTUPDATE;
  return alternate(host, `select, ${EXTENSIONS} extensions`, REPETITIONS, [
    { tool: 'node -e 0', argv: [node, '-e', '0'], verify: () => {} },
    {
      tool: 'extupdate select',
      argv: [...EXTUPDATE, 'select'],
      verify: (stdout) => {
        if (stdout !== 'Nothing to do.\n') throw new Error('it had something to do');
      },
    },
  ]);
}
