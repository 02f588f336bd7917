/** What definitions must not share: a link, or the very same files. Pure. */
import type { Component, Transfer } from '../types.ts';
import type { Problem } from './ini.ts';

export interface Checked {
  readonly components: readonly Component[];
  readonly broken: readonly { readonly name: string; readonly problems: readonly Problem[] }[];
}

/** Tells transfers of their rivals in a directory, and takes out components that claim the same link or files. */
export function checkConflicts(components: readonly Component[]): Checked {
  const all = components.flatMap((component) => component.transfers.map((transfer) => ({ component, transfer })));
  const broken: { name: string; problems: Problem[] }[] = [];
  const good: Component[] = [];
  for (const component of components) {
    const problems = component.transfers.flatMap((transfer) =>
      all.filter((other) => other.transfer !== transfer).flatMap((other) => conflictOf(transfer, other.transfer) ?? []),
    );
    if (problems.length > 0) broken.push({ name: component.name, problems });
    else good.push({ ...component, transfers: component.transfers.map((transfer) => withRivals(transfer, all)) });
  }
  return { components: good, broken };
}

function withRivals(transfer: Transfer, all: readonly { readonly transfer: Transfer }[]): Transfer {
  const others = all.filter(
    (other) => other.transfer !== transfer && other.transfer.target.path === transfer.target.path,
  );
  return { ...transfer, rivals: others.flatMap((other) => other.transfer.target.patterns) };
}

function conflictOf(transfer: Transfer, other: Transfer): Problem | undefined {
  const { currentSymlink, path, patterns } = transfer.target;
  const error = (message: string): Problem => ({ file: transfer.file, line: 1, message, severity: 'error' });
  if (currentSymlink !== undefined && currentSymlink === other.target.currentSymlink) {
    return error(`CurrentSymlink=: ${currentSymlink} is also that of ${other.file}; allowed: a link of its own`);
  }
  if (path !== other.target.path) return undefined;
  const texts = new Set(patterns.map(({ text }) => text));
  const shared = other.target.patterns.find(({ text }) => texts.has(text));
  if (!shared) return undefined;
  return error(`MatchPattern=: "${shared.text}" in ${path} is also that of ${other.file}; allowed: names of its own`);
}
