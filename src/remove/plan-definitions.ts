/**
 * What becomes of the files that define a component when it is removed: what `add` has written goes, what a vendor ships
 * is masked, and what a person has written stays, and is switched off. Pure.
 */
import type { DefinitionFile } from '../definition/definition-files.ts';

/** A definition, and who has written it. */
export interface OwnedFile extends DefinitionFile {
  readonly byAdd: boolean;
}

/** A further file of the administrator's that says something about the component. */
export interface BesideFile {
  /** As seen inside the root. */
  readonly path: string;
  /** Whether a program has written it, which any program may take back. */
  readonly isGenerated: boolean;
}

export interface DefinitionChange {
  /** As seen inside the root. */
  readonly file: string;
  /** `mask`: a link to /dev/null takes its name; `disable`: a drop-in switches the component off. */
  readonly action: 'delete' | 'mask' | 'disable' | 'keep';
}

export interface DefinitionRequest {
  /** All definitions of the component, and masks of such, in order of precedence. */
  readonly files: readonly OwnedFile[];
  /** Drop-ins and the like in the directories of the administrator. */
  readonly beside: readonly BesideFile[];
  /** Directories of the administrator: what is elsewhere was shipped, or is gone with the next boot. */
  readonly own: readonly string[];
  /** Whether what a person has written goes, too. */
  readonly purge: boolean;
  /** The drop-in that switches the component off; undefined where it has no switch. */
  readonly disableFile: string | undefined;
}

/** Plans it, in the order in which it is done. Files that stay as they are come last. */
export function planDefinitions(request: DefinitionRequest): DefinitionChange[] {
  const { files, beside, purge, disableFile } = request;
  const isOwn = ({ directory }: OwnedFile) => request.own.includes(directory);
  const byHand = files.filter((file) => isOwn(file) && !file.masked && !file.byAdd && !purge);
  if (byHand.length > 0) {
    const kept = byHand.map(({ path }): DefinitionChange => ({ file: path, action: 'keep' }));
    return [...(disableFile === undefined ? [] : [{ file: disableFile, action: 'disable' } as const]), ...kept];
  }
  const shipped = files.filter((file) => !isOwn(file) && !file.masked);
  const masks = [...new Set(shipped.map((file) => maskFor(file, request.own)))];
  const changes: DefinitionChange[] = masks.map((file) => ({ file, action: 'mask' }));
  for (const file of files.filter((one) => isOwn(one) && !one.masked && !masks.includes(one.path))) {
    changes.push({ file: file.path, action: 'delete' });
  }
  // A mask that is there already stays one.
  const masked = files.filter((file) => isOwn(file) && file.masked).map(({ path }) => path);
  const open = changes.filter(({ file }) => !masked.includes(file));
  const isGoing = ({ isGenerated }: BesideFile) => isGenerated || purge;
  const change = (action: DefinitionChange['action']) => (one: BesideFile) => ({ file: one.path, action });
  const going = beside.filter(isGoing).map(change('delete'));
  const staying = beside.filter((one) => !isGoing(one)).map(change('keep'));
  if (open.length < 2 || disableFile === undefined) return [...open, ...going, ...staying];
  // With some of its definitions it would be another component: until all are gone it is off.
  const isSwitch = ({ file }: DefinitionChange) => file === disableFile;
  const off = { file: disableFile, action: 'disable' } as const;
  const others = going.filter((one) => !isSwitch(one));
  return [off, ...open, ...others, { file: disableFile, action: 'delete' }, ...staying];
}

/** A file of the same name in the directory that comes first. */
function maskFor({ origin, fileName, directory }: OwnedFile, own: readonly string[]): string {
  const last = directory.slice(directory.lastIndexOf('/') + 1);
  const place = own.find((one) => (origin === 'extupdate' ? one.endsWith('/transfer.d') : one.endsWith(`/${last}`)));
  return `${place ?? own[0] ?? ''}/${fileName}`;
}
