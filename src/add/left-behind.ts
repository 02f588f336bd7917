/** What a definition that is replaced has installed, and the one in its place would not know. */
import { loadDefinitions } from '../definition/load.ts';
import { UsageError } from '../errors.ts';
import { readState } from '../os/state.ts';
import type { System } from '../system.ts';
import { listInstalled } from '../target/list-installed.ts';
import type { Component, Transfer } from '../types.ts';

/**
 * @param next the component as it would be
 * @throws UsageError when something installed would be nobody's; StorageError
 */
export async function requireNothingLeftBehind(system: System, next: Component): Promise<void> {
  const { root, definitions } = system.options;
  // Unwanted, it is loaded also where it is disabled.
  const place = { root, unwanted: [next.name], ...(definitions === undefined ? {} : { definitions }) };
  const present = loadDefinitions(place, system.host.specifiers).components.find(({ name }) => name === next.name);
  const before = await pathsOf(root, present ? [...present.transfers, ...present.disabledTransfers] : []);
  const after = new Set(await pathsOf(root, next.transfers));
  const left = before.find((path) => !after.has(path));
  if (left === undefined) return;
  throw new UsageError(`${next.name}: the new definition does not go with what is installed: ${left}`, {
    next: `"extupdate remove ${next.name}" takes away what there is; then add it again`,
  });
}

async function pathsOf(root: string, transfers: readonly Transfer[]): Promise<string[]> {
  const state = readState(root, false);
  const installed = transfers.map((transfer) => listInstalled(root, transfer, state, { readImages: false }));
  return (await Promise.all(installed)).flat().map(({ path }) => path);
}
