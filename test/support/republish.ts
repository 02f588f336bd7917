/**
 * A publisher that publishes again and again, as a process of its own: `republish DIRECTORY KEYFILE IMAGE TIMES`.
 * The list is another one each time; at every tenth, IMAGE is a new version, app_N.raw.
 */
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publish } from '../../src/publish.ts';
import { publishDefaults } from './publish-defaults.ts';

const [directory = '', file = '', image = '', times = ''] = process.argv.slice(2);
let version = readdirSync(directory).filter((name) => name.endsWith('.raw')).length;
for (let time = 0; time < Number(times); time++) {
  if (time % 10 === 0) copyFileSync(image, join(directory, `app_${++version}.raw`));
  writeFileSync(join(directory, 'news.txt'), `${version} ${time}\n`);
  const { problems, listChanged } = await publish({ ...publishDefaults, directory, signing: { by: 'key', file } });
  if (problems.length > 0 || !listChanged) throw new Error(`time ${time}: ${JSON.stringify(problems)}`);
}
