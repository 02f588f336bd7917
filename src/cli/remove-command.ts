/** `remove`: shows what would go, asks, takes it away. */

import { rootOfDefinitions } from '../definition/candidates.ts';
import { exitStatus } from '../errors.ts';
import { requireWritable } from '../os/require-writable.ts';
import { STATE_PATH } from '../os/state.ts';
import type { DefinitionChange } from '../remove/plan-definitions.ts';
import { mergedAs, type Removal } from '../remove/plan-removal.ts';
import type { RunOptions } from '../system.ts';
import type { Conversation } from './add-command.ts';
import { type Outcome, withSystem } from './outcome.ts';

/** What the command line says. */
export interface RemoveOptions {
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly purge: boolean;
  readonly keepFiles: boolean;
}

/** What goes with a component, in the JSON document. */
export interface RemovedDocument {
  readonly component: string;
  /** Names under which systemd sees it now. */
  readonly visible: readonly string[];
  readonly files: readonly { readonly path: string; readonly version: string }[];
  readonly definitions: readonly DefinitionChange[];
  /** Running services that mount an image of it themselves. */
  readonly services: readonly string[];
  /** Whether that was done; else it would be. */
  readonly done: boolean;
}

/** Removes components. @throws UsageError, ConfigError, StorageError, ActivationError */
export async function removeCommand(
  run: RunOptions,
  names: readonly string[],
  options: RemoveOptions,
  { show, ask }: Conversation,
): Promise<Outcome> {
  const unique = [...new Set(names)];
  const { renderRemovals } = await import('./render-remove.ts');
  let shown: readonly Removal[] = [];
  let isUnasked = false;
  const agree = async (removals: readonly Removal[]) => {
    shown = removals;
    show?.(
      renderRemovals(
        removals.map((removal) => documentOf(removal, false)),
        options.keepFiles,
      ),
    );
    if (options.dryRun) return false;
    requireWritable(run.root, STATE_PATH);
    // Asked before any image is deleted: the next run would bring back what a definition still names.
    const place = rootOfDefinitions(run);
    for (const { file, action } of removals.flatMap(({ definitions }) => definitions)) {
      if (action !== 'keep') requireWritable(place, file);
    }
    if (options.yes) return true;
    isUnasked = ask === undefined;
    return (await ask?.('Go on?', true)) === true;
  };
  const outcome = await withSystem({ ...run, components: [], unwanted: unique, offline: true }, async (system) => {
    const { removeComponents } = await import('../remove/remove.ts');
    const result = await removeComponents(system, unique, options, agree);
    const removed = (result?.removals ?? shown).map((removal) => documentOf(removal, result !== undefined));
    return { resolutions: [], errors: [], removed, done: result?.done ?? [], dryRun: options.dryRun };
  });
  const message = 'nothing was removed, for there is no terminal to ask on';
  const next = '--yes does it, --dry-run only shows it';
  const refusal = { component: null, code: 'usage', exit: exitStatus.usage, message, next };
  const errors = isUnasked ? [refusal] : [];
  // Other components are none of this command's business.
  return { ...outcome, errors, left: [], disabled: [], turnedOff: [] };
}

function documentOf(removal: Removal, done: boolean): RemovedDocument {
  const { component, parts, definitions, services } = removal;
  return {
    component,
    visible: mergedAs(removal).map(({ name }) => name),
    files: parts.flatMap(({ installed }) => installed.map(({ path, version }) => ({ path, version }))),
    definitions,
    services,
    done,
  };
}
