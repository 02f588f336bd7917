/** `verify` as text for people. */
import type { Outcome } from './outcome.ts';
import type { TextOptions } from './render.ts';
import { renderTable } from './table.ts';
import type { SourceDocument } from './verify-commands.ts';

/** `verify`: source by source, its signatures and the keys. */
export function renderSources({ sources = [] }: Outcome, options: TextOptions): string {
  return sources.length > 0 ? sources.map((source) => renderSource(source, options)).join('\n\n') : 'No sources.';
}

function renderSource(source: SourceDocument, options: TextOptions): string {
  const lines = [`${source.component}: ${source.source}: ${summary(source)}`];
  if (source.signatures.length > 0) {
    const rows = source.signatures.map(({ keyId, fingerprint, created, accepted, reason }) => [
      fingerprint ?? (keyId === '' ? '?' : keyId),
      created?.slice(0, 19).replace('T', ' ') ?? '?',
      accepted ? 'yes' : 'no',
      reason.text,
    ]);
    lines.push(renderTable(['SIGNED BY', 'AT (UTC)', 'COUNTS', 'REASON'], rows, options));
  }
  if (source.keys.length > 0) {
    const rows = source.keys.map(({ fingerprint, userIds, files, expires, accepted, reason }) => [
      fingerprint,
      userIds[0] ?? '-',
      expires?.slice(0, 10) ?? 'never',
      files.join(' '),
      accepted ? 'yes' : 'no',
      reason.text,
    ]);
    lines.push(renderTable(['KEY', 'USER', 'EXPIRES', 'FILES', 'COUNTS', 'REASON'], rows, options));
  }
  return lines.join('\n');
}

function summary({ trust, accepted, threshold, signatures, signatureName }: SourceDocument): string {
  if (trust === 'local') return accepted ? 'a directory, trusted as it is' : 'cannot be read';
  const verdict = accepted ? 'accepted' : 'refused';
  if (trust === 'server') return `${verdict}, as the server gives it (Verify=no)`;
  const good = new Set(signatures.flatMap((one) => (one.accepted ? [one.fingerprint] : []))).size;
  const keys = `${good} of ${threshold} required ${threshold === 1 ? 'key' : 'keys'}`;
  return `${verdict}, signed by ${keys}${signatureName === null ? '' : ` in ${signatureName}`}`;
}

/** `verify --installed`: file by file. */
export function renderFiles({ files = [] }: Outcome, options: TextOptions): string {
  const rows = files.map(({ component, version, path, state, text }) => [component, version, state, path, text]);
  return rows.length > 0
    ? renderTable(['COMPONENT', 'VERSION', 'STATE', 'FILE', 'REASON'], rows, options)
    : 'Nothing installed.';
}
