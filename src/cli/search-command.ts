/** `search`: what there is to add. */

import { isNewName } from '../add/new-name.ts';
import { UsageError } from '../errors.ts';
import { didYouMean } from '../near-names.ts';
import { type FoundExtension, searchSources, searchUrl } from '../search.ts';
import type { RunOptions } from '../system.ts';
import { type Outcome, withSystem } from './outcome.ts';
import type { TextOptions } from './render.ts';
import { renderTable } from './table.ts';

/**
 * Searches the sources of this host, or a repository.
 * @param words at most one: part of a name
 * @throws UsageError; with a URL, what reading its list throws
 */
export async function searchCommand(
  run: RunOptions,
  words: readonly string[],
  url: string | undefined,
): Promise<Outcome> {
  const [word = '', ...more] = words;
  if (more.length > 0) throw new UsageError('search: expected one word', { next: 'extupdate search [WORD]' });
  const outcome = await withSystem(run, async (system) => {
    const result = await (url === undefined ? searchSources(system) : searchUrl(system, url));
    if (result.lists === 0 && result.errors.length === 0 && !run.offline) {
      run.reporter.notice('', 'no component has a source that publishes lists; --url= looks into a repository');
    }
    const found = result.found.filter(({ name }) => name.toLowerCase().includes(word.toLowerCase()));
    if (found.length === 0 && result.found.length > 0) {
      const names = result.found.map(({ name }) => name);
      run.reporter.notice('', `nothing has "${word}" in its name${didYouMean(word, names)}`);
    }
    return { resolutions: [], errors: result.errors, found };
  });
  return { ...outcome, left: [], disabled: [], turnedOff: [] };
}

/** `search` as text for people. */
export function renderFound({ found = [], errors }: Outcome, options: TextOptions): string {
  if (found.length === 0) return errors.length > 0 ? '' : 'Nothing found.';
  const rows = found.map(({ name, newest, component, source }) => [name, newest ?? '-', component ?? '-', source]);
  const table = renderTable(['EXTENSION', 'NEWEST', 'COMPONENT', 'SOURCE'], rows, options);
  const open = found.find(isNew);
  if (!options.legend || !open) return table;
  return `${table}\n\n"extupdate add ${open.name} ${open.source}" and the like define what is no component yet.`;
}

function isNew({ name, component, newest }: FoundExtension): boolean {
  return component === null && newest !== null && isNewName(name);
}
