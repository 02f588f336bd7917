/** What `remove` shows before it asks, and what it says in the end. */
import type { DefinitionChange } from '../remove/plan-definitions.ts';
import type { Outcome } from './outcome.ts';
import type { RemovedDocument } from './remove-command.ts';

/** What goes, and what stays, of each component. */
export function renderRemovals(removals: readonly RemovedDocument[], keepFiles: boolean): string {
  return removals.flatMap((removal) => renderRemoval(removal, keepFiles)).join('\n');
}

function renderRemoval(
  { component, visible, files, definitions, services }: RemovedDocument,
  keepFiles: boolean,
): string[] {
  const none = keepFiles ? '  nothing of it is deleted (--keep-files)' : '  nothing of it is installed';
  const isDisabled = definitions.some(({ action }) => action === 'disable') && definitions.some(isKept);
  return [
    `${component}:`,
    ...(visible.length > 0 ? [`  will be hidden: ${visible.join(', ')}`] : []),
    ...services.map((unit) => `  in use by ${unit}, which mounts it itself and cannot start without it`),
    ...files.map(({ path }) => `  will be deleted: ${path}`),
    ...(files.length === 0 ? [none] : []),
    ...definitions.flatMap((change) => lineOf(change, isDisabled)),
  ];
}

function isKept({ action }: DefinitionChange): boolean {
  return action === 'keep';
}

function lineOf({ file, action }: DefinitionChange, isDisabled: boolean): string[] {
  switch (action) {
    case 'delete':
      return [`  definition, will be deleted: ${file}`];
    case 'mask':
      return [`  definition, will be masked, for it was shipped with the OS: ${file} -> /dev/null`];
    case 'disable':
      return isDisabled ? [`  will be disabled, by ${file}`] : [];
    case 'keep':
      return [`  stays, for it was written by hand (--purge deletes it): ${file}`];
  }
}

/** What came of it. */
export function renderRemoved({ removed = [], errors }: Outcome): string {
  if (removed.some(({ done }) => done)) {
    return removed
      .map(({ component, definitions }) => {
        const isOff = definitions.some(({ action }) => action === 'disable') && definitions.some(isKept);
        return isOff
          ? `${component}: removed, and disabled: "extupdate enable ${component}" takes it back`
          : `${component}: removed`;
      })
      .join('\n');
  }
  return errors.length > 0 ? '' : 'Nothing was removed.';
}
