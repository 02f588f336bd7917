/** `publish`: from the words of the command line to what it publishes, and what is told of it. */
import { resolve } from 'node:path';
import { type ErrorReport, reportOf, UsageError } from '../errors.ts';
import { parseBestBefore } from '../publish/best-before.ts';
import { SIGNATURE_NAME } from '../publish/file-names.ts';
import type { PublishedFile } from '../publish/plan-publication.ts';
import type { LeftOut } from '../publish/read-directory.ts';
import type { Signing } from '../publish/signer.ts';
import { type Publication, type PublishOptions, publish } from '../publish.ts';
import type { Reporter } from '../reporter.ts';
import { DOCUMENT_FORMAT, type ErrorDocument, errorDocument } from './document.ts';
import type { CommonOptions } from './options.ts';
import { printReport } from './print.ts';

/** What `--json=` prints. */
export interface PublicationDocument {
  readonly format: typeof DOCUMENT_FORMAT;
  readonly published: readonly PublishedFile[];
  readonly leftOut: readonly LeftOut[];
  /** Files that publish removed: stale signatures, and what it had written itself. */
  readonly removed: readonly string[];
  /** Whether the list, and whether the signature was written, or would be. */
  readonly listWritten: boolean;
  readonly signatureWritten: boolean;
  readonly signature: string | null;
  /** Of the primary key; null where nobody has signed, or, in a dry run, not yet. */
  readonly signedBy: string | null;
  readonly bestBefore: string | null;
  readonly dryRun: boolean;
  readonly notices: readonly string[];
  readonly errors: readonly (ErrorDocument & { readonly file: string | null })[];
}

/** Publishes a directory, and prints what came of it. @returns the exit status */
export async function publishCommand(
  options: CommonOptions,
  [directory = '']: readonly string[],
  { reporter, signal }: { readonly reporter: Reporter; readonly signal: AbortSignal },
): Promise<number> {
  const request = requestOf(options, directory, signal);
  const publication = await publish(request);
  for (const { file, reason } of publication.leftOut) reporter.notice('', `${file}: left out: ${reason}`);
  for (const notice of publication.notices) reporter.notice('', notice);
  const errors = publication.problems.map(({ file, error }) => ({ file, ...reportOf(error) }));
  const document = documentOf(publication, errors, request);
  const text = async () => {
    const { renderPublication } = await import('./render-publication.ts');
    const width = process.stdout.isTTY ? process.stdout.columns : undefined;
    return renderPublication(document, { width, legend: options.legend });
  };
  return printReport({ document, errors }, options.json, text, options.pager);
}

/** @throws UsageError */
function requestOf(options: CommonOptions, directory: string, signal: AbortSignal): PublishOptions {
  const { bestBefore, sidecars = true, acceptRepublished = false, allowUnsuitable = [], renew = false } = options;
  return {
    directory: resolve(directory),
    signing: signingOf(options),
    ...(bestBefore === undefined ? {} : { bestBefore: parseBestBefore(bestBefore, new Date()) }),
    sidecars,
    acceptRepublished,
    allowUnsuitable,
    renew,
    dryRun: options.dryRun === true,
    waitSec: options.wait ?? 0,
    now: () => new Date(),
    signal,
  };
}

const WAYS = '--key=FILE, --gpg-key=ID, --gpg, or --no-sign for a list that nobody can verify';

/** How the list is signed: that nobody does is a choice, too. @throws UsageError */
function signingOf({ key, gpgKey, gpg, sign, passphraseFile }: CommonOptions): Signing {
  const ways: [option: string, signing: Signing][] = [];
  if (key !== undefined) ways.push(['--key=', { by: 'key', file: key, passphraseFile }]);
  if (gpgKey !== undefined) ways.push(['--gpg-key=', { by: 'gpg', key: gpgKey, passphraseFile }]);
  if (gpg) ways.push(['--gpg', { by: 'gpg', passphraseFile }]);
  if (sign === false) ways.push(['--no-sign', { by: 'nobody' }]);
  const [way, other] = ways;
  if (!way) throw new UsageError('how is the list to be signed?', { next: WAYS });
  if (other) throw new UsageError(`${way[0]} and ${other[0]}: only one of them`);
  if (way[1].by === 'nobody' && passphraseFile !== undefined) {
    throw new UsageError('--passphrase-file= and --no-sign: only one of them');
  }
  return way[1];
}

function documentOf(
  publication: Publication,
  errors: readonly (ErrorReport & { readonly file: string | null })[],
  { signing, dryRun }: PublishOptions,
): PublicationDocument {
  const { published, leftOut, removed, listChanged, signed, signedBy, bestBefore, notices } = publication;
  const isGood = errors.length === 0;
  return {
    format: DOCUMENT_FORMAT,
    published,
    leftOut,
    removed,
    listWritten: isGood && listChanged,
    signatureWritten: signed,
    signature: isGood && signing.by !== 'nobody' ? SIGNATURE_NAME : null,
    signedBy: signedBy ?? null,
    bestBefore: bestBefore ?? null,
    dryRun,
    notices,
    errors: errors.map(({ file, ...report }) => ({ file, ...errorDocument(null, report) })),
  };
}
