/** `publish` as text for people. */

import { formatBytes } from './format-bytes.ts';
import type { PublicationDocument } from './publish-command.ts';
import type { TextOptions } from './render.ts';
import { renderTable } from './table.ts';

/** What changes, and at the end how many files there are and who signed the list. */
export function renderPublication(document: PublicationDocument, options: TextOptions): string {
  const { published, removed, errors, dryRun } = document;
  if (errors.length > 0) return dryRun ? '' : 'Nothing was written.';
  const rows = published
    .filter(({ state }) => state !== 'unchanged')
    .map(({ file, state, kind, size, reason }) => [
      file,
      state,
      kind ?? '-',
      size === null ? '-' : formatBytes(size),
      reason ?? '',
    ]);
  const table = rows.length > 0 ? renderTable(['FILE', 'STATE', 'KIND', 'SIZE', 'REASON'], rows, options) : '';
  const gone = removed.map((file) => `${file}: ${dryRun ? 'would be removed' : 'removed'}`);
  const parts = [table, gone.join('\n'), ...(options.legend ? [summary(document)] : [])];
  return parts.filter((part) => part !== '').join('\n\n');
}

function summary(document: PublicationDocument): string {
  const { published, removed, listWritten, signatureWritten, signature, signedBy, bestBefore, dryRun } = document;
  const states = ['new', 'changed', 'unchanged', 'removed'] as const;
  const counts = states.flatMap((state) => {
    const count = published.filter((file) => file.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  const by = signedBy === null ? '' : ` by ${signedBy}`;
  const signed = signature === null ? 'not signed' : `${dryRun && signatureWritten ? 'to be signed' : 'signed'}${by}`;
  const until = bestBefore === null ? '' : `, best before ${bestBefore}`;
  const isSame = !listWritten && !signatureWritten && removed.length === 0;
  const done = listWritten ? 'Listed' : signatureWritten ? 'Signed anew' : 'Tidied up';
  const begin = isSame ? 'Nothing to do' : dryRun ? `Would be ${done.toLowerCase()}` : done;
  return `${begin}: ${counts.join(', ')}; ${signed}${until}.`;
}
