/** What `add` shows before it asks, and what it says in the end. */
import type { Draft } from '../add/draft.ts';
import type { Outcome } from './outcome.ts';
import { renderDone } from './render-done.ts';

/** The definition, where it comes from, and what it would bring. */
export function renderDraft(draft: Draft, signers: readonly string[]): string {
  const { component, url, versions, inner, resolution, unfit, file, text } = draft;
  const what = inner.kind === 'confext' ? 'configuration extension' : 'system extension';
  const { chosen } = resolution;
  return [
    `${component}: a ${what}, ${versions} ${versions === 1 ? 'version' : 'versions'} at ${url}`,
    signers.length > 0
      ? `  signed by ${signers.join(', ')}`
      : '  nobody verifies it: the server is trusted alone (Verify=no)',
    ...(signers.length === 0 && url.startsWith('http://')
      ? ['  over http, everybody on the way can change it: try https://']
      : []),
    ...(inner.isSeen
      ? []
      : ['  its images could not be looked into; where they go is what others of that layout need']),
    ...(inner.hasBothKinds
      ? ['  its images are configuration extensions, too, which this definition does not use']
      : []),
    `  ${unfit ? unfit.message.replace(`${component}: `, '') : found(chosen)}`,
    '',
    `${file}:`,
    '',
    ...text
      .trimEnd()
      .split('\n')
      .map((line) => (line === '' ? '' : `    ${line}`)),
    '',
  ].join('\n');
}

function found(chosen: Draft['resolution']['chosen']): string {
  if (!chosen) return 'no version fits this host now, and the active one stays';
  return `the newest that ${chosen.compatible === null ? 'may fit' : 'fits'} this host is ${chosen.version}`;
}

/** What came of it. */
export function renderAdded(outcome: Outcome): string {
  const { added, done } = outcome;
  if (!added?.written) return outcome.errors.length > 0 ? '' : 'Nothing was written.';
  const { component } = added;
  const next = done === undefined ? `Next: extupdate apply ${component}` : renderDone(outcome);
  return [`${component}: added, in ${added.file}`, next].filter((line) => line !== '').join('\n');
}
