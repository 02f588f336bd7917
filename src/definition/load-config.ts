/** Reads `extupdate.conf` and `extupdate.conf.d/*.conf` of all configuration directories (UAPI.6). */
import { ConfigError } from '../errors.ts';
import { treeAt } from '../os/root.ts';
import { type Config, parseConfig } from './config.ts';
import { configDirectories, findFiles, readFiles } from './search.ts';

/**
 * Loads the settings of the host.
 * @param root '' or the directory of `--root=`
 * @throws ConfigError that lists every problem of every file
 */
export function loadConfig(root: string): Config {
  const tree = treeAt(root);
  // UAPI.6 knows both places: a file of its own, and one in the program's directory.
  const base = configDirectories.flatMap((directory) => [`${directory}/extupdate`, directory]);
  const main = findFiles(tree, base, 'extupdate.conf').filter(({ name }) => name === 'extupdate.conf');
  const dropIns = findFiles(
    tree,
    base.map((directory) => `${directory}/extupdate.conf.d`),
    '.conf',
  );
  const read = readFiles([...main, ...dropIns].filter((file) => !file.masked));
  const { config, problems } = parseConfig(read.assignments);
  const all = [...read.problems, ...problems];
  if (all.length === 0) return config;
  throw new ConfigError(all.map((problem) => `${problem.file}:${problem.line}: ${problem.message}`).join('\n'));
}
