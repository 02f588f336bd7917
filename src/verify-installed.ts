/**
 * What stands behind `extupdate verify --installed`: everything that is installed is read to its end, and compared with
 * what was installed. Nothing is changed; `apply NAME@VERSION` puts right what is damaged.
 */
import { type ErrorReport, reportOf, StorageError, TrustError } from './errors.ts';
import { judgeContent } from './installed-content.ts';
import { readState, type State } from './os/state.ts';
import type { System } from './system.ts';
import { listInstalled } from './target/list-installed.ts';
import { instancePath } from './target/paths.ts';
import type { Component } from './types.ts';

export interface FileVerdict {
  readonly component: string;
  readonly version: string;
  /** As seen inside the root. */
  readonly path: string;
  readonly state: 'intact' | 'damaged' | 'unreadable' | 'missing' | 'unknown';
  readonly text: string;
}

/** What was found of one component; the first damage is its failure. */
export interface InstalledVerdict {
  readonly component: string;
  readonly files: readonly FileVerdict[];
  readonly failure?: ErrorReport;
}

/** Reads the installed files of all selected components, one after the other. */
export async function verifyInstalled(system: System): Promise<InstalledVerdict[]> {
  const state = readState(system.options.root, false);
  const verdicts: InstalledVerdict[] = [];
  for (const component of system.definitions.components) verdicts.push(await verifyComponent(system, state, component));
  return verdicts;
}

async function verifyComponent(system: System, state: State, component: Component): Promise<InstalledVerdict> {
  const { name } = component;
  try {
    const files = [...(await verifyFiles(system, state, component))];
    const bad = files.find((file) => file.state !== 'intact' && file.state !== 'unknown');
    return { component: name, files, ...(bad ? { failure: failureOf(bad) } : {}) };
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return { component: name, files: [], failure: reportOf(error) };
  }
}

async function verifyFiles(
  { options: { root, signal } }: System,
  state: State,
  component: Component,
): Promise<FileVerdict[]> {
  const files: FileVerdict[] = [];
  const here = new Set<string>();
  for (const transfer of component.transfers) {
    for (const instance of await listInstalled(root, transfer, state, { readImages: false })) {
      signal?.throwIfAborted();
      here.add(instance.path);
      const verdict = await judgeContent(root, state, transfer, instance);
      const version = state.installed[instance.path]?.version ?? instance.version;
      const path = instancePath(transfer, instance);
      files.push({ component: component.name, version, path, state: verdict.state, text: verdict.text });
    }
  }
  const gone = Object.entries(state.installed).filter(
    ([path, known]) => known.component === component.name && !here.has(path) && isOf(component, path),
  );
  for (const [path, { version }] of gone) {
    files.push({
      component: component.name,
      version,
      path,
      state: 'missing',
      text: 'it was installed, and is not there',
    });
  }
  return files;
}

/** Whether a remembered path is in a directory of the component as it is defined now. */
function isOf({ transfers }: Component, path: string): boolean {
  return transfers.some(({ target }) => path.startsWith(`${target.path}/`));
}

function failureOf({ component, version, path, state, text }: FileVerdict): ErrorReport {
  const next = `extupdate apply ${component}@${version} installs it anew, when it is offered`;
  const Kind = state === 'damaged' ? TrustError : StorageError;
  return reportOf(new Kind(state === 'unreadable' ? text : `${path}: ${text}`, { next }));
}
