/** `complete`, which the completions of shells ask: one word per line, nothing where nothing can be told. */
import { exitStatus } from '../errors.ts';
import type { Reporter } from '../reporter.ts';
import type { RunOptions } from '../system.ts';

const silent: Reporter = {
  notice: () => {},
  step: () => {},
  download: () => ({ update: () => {}, end: () => {} }),
  close: () => {},
};

/** `complete components`, `complete versions NAME`, `complete features`. Asks no server. */
export async function printCompletions(words: readonly string[], signal: AbortSignal): Promise<number> {
  const [what, ...names] = words;
  const components = names.filter((name) => name !== '' && !name.startsWith('-'));
  const run: RunOptions = {
    root: '',
    components,
    offline: true,
    keyrings: [],
    refresh: false,
    waitSec: 0,
    reporter: silent,
    signal,
  };
  // A shell that waits for a word has no use for what is wrong here.
  const found = await completions(what, run).catch(() => []);
  process.stdout.write(found.map((word) => `${word}\n`).join(''));
  return exitStatus.done;
}

async function completions(what: string | undefined, run: RunOptions): Promise<readonly string[]> {
  switch (what) {
    case 'components': {
      const { listComponents } = await import('./feature-commands.ts');
      return (await listComponents({ ...run, components: [] })).names;
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
