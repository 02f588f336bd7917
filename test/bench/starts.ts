/** What the program costs where it does next to nothing, beside what starting Node costs anyway. */
import { join } from 'node:path';
import { extensionImage } from '../support/images.ts';
import type { Host } from '../support/systemd-host.ts';
import { alternate, EXTUPDATE, type Jobs, osRelease, write } from './scenarios.ts';

const EXTENSIONS = 20;
const REPETITIONS = 15;

/**
 * Measures on a host that has just been booted and holds nothing else but 20 extensions: what `select` adds to every boot,
 * where nothing has to change, and what a short command takes to start.
 */
export async function measureStarts(host: Host): Promise<Pick<Jobs, 'select' | 'start'>> {
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
  const bare = { tool: 'node -e 0', argv: [EXTUPDATE[0], '-e', '0'], verify: () => {} };
  const select = await alternate(host, `select, ${EXTENSIONS} extensions`, REPETITIONS, [
    bare,
    {
      tool: 'extupdate select',
      argv: [...EXTUPDATE, 'select'],
      verify: (stdout) => {
        if (stdout !== 'Nothing to do.\n') throw new Error('it had something to do');
      },
    },
  ]);
  const start = await alternate(host, 'start', REPETITIONS, [
    bare,
    {
      tool: 'extupdate --version',
      argv: [...EXTUPDATE, '--version'],
      verify: (stdout) => {
        if (!/^[0-9.]+\n$/.test(stdout)) throw new Error('it told no version');
      },
    },
    {
      tool: `extupdate list --offline, ${EXTENSIONS} extensions`,
      argv: [...EXTUPDATE, 'list', '--offline'],
      verify: (stdout) => {
        if (!names.every((name) => stdout.includes(name))) throw new Error('it did not list them all');
      },
    },
  ]);
  return { select, start };
}
