/**
 * The story of `publish`: read a directory of images as clients would, judge it, list it, sign the list, and put both in
 * the place of those before. Nothing is written where anything is wrong.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, PolicyError, StorageError, UnsuitableError } from './errors.ts';
import { takeDirectoryLock } from './os/lock.ts';
import { errorCode } from './os/storage-error.ts';
import { bestBeforeName } from './publish/best-before.ts';
import { SIGNATURE_NAME } from './publish/file-names.ts';
import { openSigner } from './publish/open-signer.ts';
import { type Problem, type PublicationPlan, type PublishedFile, planPublication } from './publish/plan-publication.ts';
import { type PublishedBefore, readPublishedBefore } from './publish/published-before.ts';
import { type DirectoryContent, type LeftOut, readDirectory, requireDirectory } from './publish/read-directory.ts';
import { readFiles } from './publish/read-files.ts';
import { type Replacement, replaceList } from './publish/replace-list.ts';
import { type GoodSignature, judgeOwnSignature, newestCreation, type Signer, type Signing } from './publish/signer.ts';
import { requireSteady, type SteadyFile } from './publish/steady-file.ts';

/** A key that expires within so many days is worth a word. */
const EXPIRES_SOON_DAYS = 30;

/** What is published, and how. */
export interface PublishOptions {
  readonly directory: string;
  readonly signing: Signing;
  /** `YYYY-MM-DD` */
  readonly bestBefore?: string | undefined;
  readonly sidecars: boolean;
  readonly acceptRepublished: boolean;
  readonly allowUnsuitable: readonly string[];
  /** Whether the list is signed again although nothing has changed. */
  readonly renew: boolean;
  readonly dryRun: boolean;
  /** How long to wait for another publisher of the directory, in seconds. */
  readonly waitSec: number;
  readonly now: () => Date;
  readonly signal?: AbortSignal | undefined;
}

/** What was published, or would be. */
export interface Publication {
  readonly published: readonly PublishedFile[];
  readonly leftOut: readonly LeftOut[];
  readonly notices: readonly string[];
  /** Where there are any, nothing was written. */
  readonly problems: readonly Problem[];
  /** Whether the list is another one than before. */
  readonly listChanged: boolean;
  /** Whether it was signed, or would be. */
  readonly signed: boolean;
  /** Of the primary key that signed the list as it is now, lower-case hex; undefined where nobody has. */
  readonly signedBy?: string | undefined;
  readonly bestBefore?: string | undefined;
  /** Files that were removed, or would be. */
  readonly removed: readonly string[];
}

/**
 * Publishes a directory.
 * @throws UsageError, ConfigError (keys), PolicyError (the clock), StorageError, BusyError; what is wrong with the files
 *   is in the result
 */
export async function publish(options: PublishOptions): Promise<Publication> {
  const { directory, dryRun, waitSec, signal } = options;
  try {
    requireDirectory(directory);
    const signer = await openSigner(options.signing, options.now());
    if (dryRun) return await publishLocked(options, signer);
    // Publishers are one at a time. A file would be served, copied along, and be its first publisher's.
    const lock = await takeDirectoryLock(directory, { waitSec, signal });
    try {
      return await publishLocked(options, signer);
    } finally {
      await lock.release();
    }
  } catch (error) {
    // Nobody has to be root for this.
    const isForbidden = error instanceof StorageError && errorCode(error.cause) === 'EACCES';
    throw isForbidden ? new StorageError(error.message, { cause: error, next: WHO_MAY }) : error;
  }
}

const WHO_MAY = 'run as the user who may read all of the directory and write to it';

async function publishLocked(options: PublishOptions, signer: Signer | undefined): Promise<Publication> {
  const { directory, bestBefore, dryRun, signal } = options;
  const content = await readDirectory(directory);
  const before = readPublishedBefore(directory, content.names);
  const { files, steady } = await readFiles(directory, content.payloads, before.entries, signal);
  const plan = planPublication({ ...options, files, names: content.names, previous: before.entries });
  const problems = [...unreadableNames(content), ...plan.problems];
  const list = Buffer.from(plan.list);
  const listChanged = !before.list?.equals(list);
  const found = {
    published: plan.published,
    leftOut: content.leftOut,
    notices: [...noticesOn(content, before, signer, options), ...plan.notices],
    problems,
    listChanged,
    bestBefore,
  };
  if (problems.length > 0) return { ...found, signed: false, removed: [] };

  const going = filesToGo(content, before, plan, options);
  const kept = listChanged || options.renew ? undefined : await goodSignatureOf(before, signer, options.now());
  const signing = signer && !kept ? signer : undefined;
  const outcome = (good: GoodSignature | undefined) => ({
    ...found,
    notices: [...found.notices, ...noticesOnExpiry(good, options.now())],
    signed: signing !== undefined,
    signedBy: good?.fingerprint,
    removed: [...going.staleSignatures, ...going.remove.filter((name) => !content.leftovers.includes(name))],
  });
  if (dryRun) return outcome(kept);

  const fresh = signing && (await signList(list, before, signing, options));
  const beside = filesBeside(directory, plan, bestBefore);
  const rewritten = new Set(beside.map(({ name }) => name));
  await replaceList(directory, {
    ...going,
    beside,
    fresh: freshPayloads(plan, steady),
    list: listChanged ? list : undefined,
    signature: fresh?.signature,
    check: async () => {
      for (const [name, file] of steady) if (!rewritten.has(name)) await requireSteady(directory, name, file);
      signal?.throwIfAborted();
    },
  });
  return outcome(fresh?.good ?? kept);
}

/** What the new list leaves without a use: signatures that are not its own, and what publish itself has written. */
function filesToGo(
  { bestBefore, leftovers }: DirectoryContent,
  { signatures }: PublishedBefore,
  { orphans }: PublicationPlan,
  options: PublishOptions,
): Pick<Replacement, 'staleSignatures' | 'remove'> {
  const isSigned = options.signing.by !== 'nobody';
  const wanted = options.bestBefore === undefined ? undefined : bestBeforeName(options.bestBefore);
  return {
    staleSignatures: [...signatures.keys()].filter((name) => !isSigned || name !== SIGNATURE_NAME),
    remove: [...orphans, ...bestBefore.filter((name) => name !== wanted), ...leftovers],
  };
}

/** What is written beside the payloads: sidecars, and the empty file of the best-before day. */
function filesBeside(
  directory: string,
  { sidecars }: PublicationPlan,
  bestBefore: string | undefined,
): Replacement['beside'] {
  const written = sidecars.map(({ name, text }) => ({ name, content: text }));
  const name = bestBefore === undefined ? undefined : bestBeforeName(bestBefore);
  return name === undefined || isEmpty(directory, name) ? written : [...written, { name, content: '' }];
}

function isEmpty(directory: string, name: string): boolean {
  const info = lstatSync(join(directory, name), { throwIfNoEntry: false });
  return info?.isFile() === true && info.size === 0;
}

function unreadableNames({ unreadable }: DirectoryContent): Problem[] {
  return unreadable.map((name) => ({
    file: name,
    error: new UnsuitableError(`${name}: its name is not UTF-8: clients refuse a list with one`, { next: 'rename it' }),
  }));
}

function noticesOn(
  { bestBefore }: DirectoryContent,
  { list, defect, signatures }: PublishedBefore,
  signer: Signer | undefined,
  options: PublishOptions,
): string[] {
  const others = [...signatures.keys()].filter((name) => name !== SIGNATURE_NAME);
  return [
    ...(list && defect !== undefined ? [`the list that is there tells nothing: ${defect}`] : []),
    ...(signer && others.length > 0 ? [`${others.join(', ')}: goes, for it would not be of the new list`] : []),
    ...(!signer && signatures.size > 0 ? ['the list was signed until now: clients that verify it will refuse it'] : []),
    ...(bestBefore.length > 0 && options.bestBefore === undefined ? ['the list has no best-before day any more'] : []),
  ];
}

function noticesOnExpiry(good: GoodSignature | undefined, now: Date): string[] {
  if (good?.expires === undefined) return [];
  const days = (good.expires.getTime() - now.getTime()) / 86_400_000;
  if (days > EXPIRES_SOON_DAYS) return [];
  return [`the key expires on ${good.expires.toISOString().slice(0, 10)}: clients refuse the list from then on`];
}

/** The signature that is there, if clients take it and it is by the signer of now. */
async function goodSignatureOf(
  { list, signatures }: PublishedBefore,
  signer: Signer | undefined,
  now: Date,
): Promise<GoodSignature | undefined> {
  const signature = signatures.get(SIGNATURE_NAME);
  if (!list || !signature || !signer) return undefined;
  try {
    const verdict = await judgeOwnSignature(list, signature, signer, now);
    return 'refused' in verdict ? undefined : verdict;
  } catch {
    // Whatever is wrong with it: it is made anew.
    return undefined;
  }
}

/** @throws ConfigError when clients would refuse the signature; PolicyError when they would take the list for an old one */
async function signList(
  list: Buffer,
  before: PublishedBefore,
  signer: Signer,
  { now }: PublishOptions,
): Promise<{ readonly signature: Buffer; readonly good: GoodSignature }> {
  const signature = await signer.sign(list);
  const verdict = await judgeOwnSignature(list, signature, signer, now());
  if ('refused' in verdict) {
    throw new ConfigError(`clients would refuse the signature: ${verdict.refused}`, {
      next: 'nothing was written; sign with another key',
    });
  }
  const last = await newestCreation([...before.signatures.values()]);
  const made = await newestCreation([signature]);
  if (last && made && made < last) {
    throw new PolicyError(
      `the list that is there was signed at ${last.toISOString()}, and it is ${made.toISOString()}`,
      {
        next: 'clients refuse a list that is older than one they have seen: set the clock of this machine',
      },
    );
  }
  return { signature, good: verdict };
}

function freshPayloads({ published }: PublicationPlan, steady: ReadonlyMap<string, SteadyFile>): string[] {
  return published.flatMap(({ file, state }) =>
    (state === 'new' || state === 'changed') && steady.has(file) ? [file] : [],
  );
}
