/** Archives that are unpacked in a place where whatever goes wrong shows. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type UnpackedTar, type UnpackRequest, unpackTar } from '../../src/archive/unpack-tar.ts';
import { ExtupdateError } from '../../src/errors.ts';
import { chunksOf } from './tar-writer.ts';

export interface Place {
  /** Where the new directory is made. */
  readonly to: string;
  readonly base: string;
  unpack(archive: Uint8Array, extra?: Partial<UnpackRequest>): Promise<UnpackedTar>;
  /** The message of a refusal, after a look that nothing of the archive is left, inside or outside. */
  refusal(archive: Uint8Array, extra?: Partial<UnpackRequest>): Promise<string>;
  remove(): void;
}

/** A directory with a file that no archive may touch, beside the new directory and above it. */
export function makePlace(): Place {
  const base = mkdtempSync(join(tmpdir(), 'extupdate-unpack-'));
  const work = join(base, 'above', 'work');
  mkdirSync(work, { recursive: true });
  for (const directory of [base, join(base, 'above'), work]) writeFileSync(join(directory, 'sentinel'), 'untouched');
  const to = join(work, 'new');
  const outside = () =>
    readdirSync(base, { recursive: true, encoding: 'utf8' })
      .sort()
      .map((name) => (name.endsWith('sentinel') ? `${name}: ${readFileSync(join(base, name), 'utf8')}` : name))
      .join('\n');
  const before = outside();
  const unpack = (archive: Uint8Array, extra: Partial<UnpackRequest> = {}) =>
    unpackTar({ name: 'x.tar', open: () => chunksOf(archive), to, maxBytes: 100_000_000, ...extra });
  return {
    base,
    to,
    unpack,
    async refusal(archive, extra) {
      const error: unknown = await unpack(archive, extra).catch((thrown: unknown) => thrown);
      if (!(error instanceof ExtupdateError)) throw new Error('not refused', { cause: error });
      if (outside() !== before) throw new Error(`left behind:\n${outside()}`);
      return `${error.exit} ${error.message.replace('x.tar: ', '')}`;
    },
    // Node cannot remove trees that are very deep.
    remove: () => void execFileSync('rm', ['-rf', base]),
  };
}
