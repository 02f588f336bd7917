/** What definitions must not share: a link, or the very same files. Pure. */
import { isTreeTarget } from '../source/source-types.ts';
import type { Component, Transfer } from '../types.ts';
import { matchPatterns, type Pattern } from '../version/pattern.ts';
import type { Problem } from './ini.ts';

export interface Checked {
  readonly components: readonly Component[];
  readonly broken: readonly { readonly name: string; readonly problems: readonly Problem[] }[];
}

/**
 * Tells transfers of their rivals in a directory, and takes out components that claim the same link or files. What is
 * turned off keeps its names, unless another transfer, which is on, has taken them over: two transfers for one target,
 * of which features choose one; or they are those of a component that is disabled, whose files are left as they are.
 * @param untouched transfers of components that are disabled
 */
export function checkConflicts(components: readonly Component[], untouched: readonly Transfer[]): Checked {
  const on = components.flatMap(({ transfers }) => transfers);
  const all = [...on, ...components.flatMap(({ disabledTransfers }) => disabledTransfers), ...untouched];
  const broken: { name: string; problems: Problem[] }[] = [];
  const good: Component[] = [];
  for (const component of components) {
    const problems = component.transfers.flatMap((transfer) =>
      on.filter((other) => other !== transfer).flatMap((other) => conflictOf(transfer, other) ?? []),
    );
    if (problems.length > 0) {
      broken.push({ name: component.name, problems });
      continue;
    }
    const ownRivals = (transfer: Transfer) => withRivals(transfer, all);
    good.push({
      ...component,
      transfers: component.transfers.map(ownRivals),
      disabledTransfers: component.disabledTransfers
        .flatMap((transfer) => withoutTaken(transfer, [...on, ...untouched]))
        .map(ownRivals),
    });
  }
  return { components: good, broken };
}

function withRivals(transfer: Transfer, all: readonly Transfer[]): Transfer {
  const others = all.filter(({ file, target }) => file !== transfer.file && target.path === transfer.target.path);
  return { ...transfer, rivals: others.flatMap(({ target }) => target.patterns) };
}

/** What is left of a transfer that is off when others have what is theirs; nothing, maybe. */
function withoutTaken(transfer: Transfer, others: readonly Transfer[]): Transfer[] {
  const { currentSymlink, ...target } = transfer.target;
  const taken = new Set(
    others.filter(({ target: { path } }) => path === target.path).flatMap((other) => other.target.patterns.map(textOf)),
  );
  const patterns = target.patterns.filter((pattern) => !taken.has(textOf(pattern)));
  if (patterns.length === 0) return [];
  const isLinkTaken = others.some((other) => other.target.currentSymlink === currentSymlink);
  const link = currentSymlink === undefined || isLinkTaken ? {} : { currentSymlink };
  return [{ ...transfer, target: { ...target, ...link, patterns } }];
}

function textOf({ text }: Pattern): string {
  return text;
}

/** What of a path stands below a directory; undefined when it is elsewhere. */
function nameBelow(directory: string, path: string): string | undefined {
  return path.startsWith(`${directory}/`) ? path.slice(directory.length + 1).split('/')[0] : undefined;
}

function conflictOf(transfer: Transfer, other: Transfer): Problem | undefined {
  const { currentSymlink, path, patterns } = transfer.target;
  const error = (message: string): Problem => ({ file: transfer.file, line: 1, message, severity: 'error' });
  if (currentSymlink !== undefined && currentSymlink === other.target.currentSymlink) {
    return error(`CurrentSymlink=: ${currentSymlink} is also that of ${other.file}; allowed: a link of its own`);
  }
  const below = isTreeTarget(transfer.target.type) ? nameBelow(path, other.target.path) : undefined;
  if (below !== undefined && matchPatterns(patterns, below) !== undefined) {
    return error(`MatchPattern=: matches ${below}, the target directory of ${other.file}; allowed: names of its own`);
  }
  if (path !== other.target.path) return undefined;
  const texts = new Set(patterns.map(textOf));
  const shared = other.target.patterns.find(({ text }) => texts.has(text));
  if (!shared) return undefined;
  return error(`MatchPattern=: "${shared.text}" in ${path} is also that of ${other.file}; allowed: names of its own`);
}
