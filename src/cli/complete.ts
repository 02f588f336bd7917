/** `complete`, which the completions of shells ask: one word per line, nothing where nothing can be told. */
import { resolve } from 'node:path';
import { isComponentName } from '../definition/load.ts';
import { exitStatus } from '../errors.ts';
import { printable } from '../printable.ts';
import { silentReporter } from '../reporter.ts';
import type { RunOptions } from '../system.ts';

/**
 * `complete components`, `complete versions NAME`, `complete features`, each with the `--root=` and `--definitions=` of the
 * line that is completed. Asks no server.
 */
export async function printCompletions(words: readonly string[], signal: AbortSignal): Promise<number> {
  const [what, ...rest] = words.filter((word) => !word.startsWith('-'));
  const given = (option: string) => words.findLast((word) => word.startsWith(option))?.slice(option.length);
  const root = given('--root=') ?? '';
  const definitions = given('--definitions=');
  const run: RunOptions = {
    root: root === '' || resolve(root) === '/' ? '' : resolve(root),
    ...(definitions === undefined ? {} : { definitions: resolve(definitions) }),
    components: rest.filter((name) => name !== ''),
    offline: true,
    keyrings: [],
    refresh: false,
    waitSec: 0,
    reporter: silentReporter,
    signal,
  };
  // A shell that waits for a word has no use for what is wrong here.
  const found = await completions(what, run).catch(() => []);
  process.stdout.write(
    found
      .filter(isWord)
      .map((word) => `${word}\n`)
      .join(''),
  );
  return exitStatus.done;
}

/** What is no word of a line, or shows as something else there, nobody can have meant to type. */
function isWord(text: string): boolean {
  return !/\s/.test(text) && printable(text) === text;
}

async function completions(what: string | undefined, run: RunOptions): Promise<readonly string[]> {
  switch (what) {
    case 'components': {
      const { listComponents } = await import('./feature-commands.ts');
      // Files with other names are told as broken, and cannot be asked for.
      return (await listComponents({ ...run, components: [] })).names.filter(isComponentName);
    }
    case 'features': {
      const { listFeatures } = await import('./feature-commands.ts');
      return [...new Set((await listFeatures(run)).features.map(({ id }) => id))];
    }
    case 'versions': {
      if (run.components.length === 0) return [];
      const { list } = await import('./commands.ts');
      return (await list(run)).components.flatMap(({ versions }) => versions.map(({ version }) => version));
    }
    default:
      return [];
  }
}
