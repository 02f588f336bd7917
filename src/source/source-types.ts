/** What the source types of sysupdate.d(5) are made of, and which targets each can fill ("Resource Types"). Pure. */
import type { PayloadForm, SourceType, TargetType } from '../types.ts';

export interface SourceTraits {
  /** Whether versions are listed by a web server, or by a local directory. */
  readonly at: 'url' | 'path';
  readonly form: PayloadForm;
  /** Target types that it can fill. */
  readonly targets: readonly TargetType[];
}

const files = ['regular-file', 'partition'] as const;
const trees = ['directory', 'subvolume'] as const;

export const sourceTraits: Readonly<Record<SourceType, SourceTraits>> = {
  'url-file': { at: 'url', form: 'file', targets: files },
  'url-tar': { at: 'url', form: 'archive', targets: trees },
  'regular-file': { at: 'path', form: 'file', targets: files },
  tar: { at: 'path', form: 'archive', targets: trees },
  directory: { at: 'path', form: 'tree', targets: trees },
  subvolume: { at: 'path', form: 'tree', targets: trees },
};

/** Whether a target type holds a directory tree. */
export function isTreeTarget(type: TargetType): boolean {
  return type === 'directory' || type === 'subvolume';
}
