/**
 * `regular-file`, `tar`, `directory` and `subvolume`: versions in a directory of this machine, which is trusted as it
 * is (sysupdate.d(5)). Nothing is acquired: a payload is taken from where it lies.
 */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { compressionOf } from '../image/file-compression.ts';
import { readLocalFacts } from '../image/read-local-facts.ts';
import { listNames } from '../os/list-names.ts';
import { resolveInRoot } from '../os/root.ts';
import { errorCode } from '../os/storage-error.ts';
import type { OfferedInstance, PayloadForm } from '../types.ts';
import { directoryDepth } from '../version/pattern.ts';
import { pickNames } from './pick-names.ts';
import type { Source } from './source.ts';

/**
 * @param root '' or the directory of `--root=`
 * @param transferSource directory of `--transfer-source=`, outside the root
 */
export function createLocalSource(root: string, transferSource: string | undefined): (form: PayloadForm) => Source {
  return (form) => ({
    mayBeEmpty: true,
    async list({ id, file, source: { path, explicit, patterns } }) {
      if (explicit && transferSource === undefined) {
        throw new UsageError(`${file}: PathRelativeTo=explicit needs --transfer-source=`, {
          next: 'say --transfer-source=DIR',
        });
      }
      const directory = explicit ? join(transferSource ?? '', path) : resolveInRoot(root, path);
      const depth = Math.max(...patterns.map(directoryDepth));
      const names = listNames(directory, depth, form === 'tree' ? 'directory' : 'file');
      return pickNames(patterns, names).flatMap(({ name, fields }): OfferedInstance[] => {
        const location = join(directory, name);
        const info = lookAt(location);
        // It may have gone since it was listed.
        if (!info) return [];
        const sha256 = fields.sha256 ?? info.identity;
        const instance = { transferId: id, version: fields.version, name, location, sha256, sidecars: [] };
        return [{ ...instance, fields: { mtime: info.mtime, mode: info.mode, ...fields } }];
      });
    },
    async learn({ location }) {
      const isPlain = form === 'tree' || (form === 'file' && (await compressionOf(location)) === undefined);
      return isPlain ? readLocalFacts(location) : undefined;
    },
    acquire: async () => false,
    payload: ({ location, fields }) => ({ form, path: location, sha256: fields.sha256, staged: false }),
    isPartial: () => false,
  });
}

/** What a version takes over from its source where its name tells nothing else, without what nobody should inherit. */
const MODE_INHERITED = 0o775n;

interface LocalInfo {
  /** What stands for the content: another one in its place, or a change of it, is told apart. */
  readonly identity: string;
  readonly mode: number;
  /** In microseconds since 1970. */
  readonly mtime: bigint;
}

function lookAt(path: string): LocalInfo | undefined {
  try {
    const { dev, ino, size, mtimeNs, mode } = statSync(path, { bigint: true });
    const identity = createHash('sha256').update([path, dev, ino, size, mtimeNs].join('\0')).digest('hex');
    return { identity, mode: Number(mode & MODE_INHERITED), mtime: mtimeNs / 1000n };
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}
