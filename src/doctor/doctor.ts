/** `doctor`: gathers facts about a host, and has each check judge its own. Changes nothing, and asks no server. */
import { mergedFileNames, mergedNames } from '../apply/activate.ts';
import { loadConfig } from '../definition/load-config.ts';
import { readState, type State } from '../os/state.ts';
import { releaseFieldsOf } from '../resolve/compatibility.ts';
import { imageNameOf } from '../resolve/exposure.ts';
import { describeOs } from '../resolve/os-identity.ts';
import { openSystem, type RunOptions, type System } from '../system.ts';
import { listInstalled } from '../target/list-installed.ts';
import { checkComponents } from './check-components.ts';
import { checkDefinitions } from './check-definitions.ts';
import { checkExtensions, type ExtensionFacts } from './check-extensions.ts';
import { checkKeys } from './check-keys.ts';
import { checkStorage } from './check-storage.ts';
import { componentFacts, definitionFacts, keyFacts } from './facts/definition-facts.ts';
import { storageFacts } from './facts/storage-facts.ts';
import { findVisibleImages } from './facts/visible-images.ts';
import { checkNames, type Finding, findingsOf } from './finding.ts';
import { guarded, problemOf } from './guarded.ts';
import { examineMachine } from './machine.ts';

/** Looks at everything, in the order in which it is told. What cannot be looked at does not stop the rest. */
export async function examine(run: RunOptions, version: string): Promise<Finding[]> {
  const findings = checkConfiguration(run.root);
  const told = new Set(findings.map(({ text }) => text));
  // What is odd about keys is told while they are read.
  const odd: string[] = [];
  const keep = (_: string, text: string) => {
    if (!told.has(text)) odd.push(text);
  };
  const reporter = { ...run.reporter, notice: keep, warning: keep };
  const options = { ...run, components: [], offline: true, lenient: true, reporter };
  try {
    const system = openSystem(options, version);
    try {
      findings.push(...(await examineSystem(system)));
    } finally {
      await system.close();
    }
  } catch (error) {
    findings.push(problemOf('host', error));
    if (run.root === '') findings.push(...(await examineMachine([], { now: new Date(), restarting: [] })));
  }
  findings.push(...odd.map((text) => findingsOf('keys').warning(text)));
  return findings.sort((a, b) => checkNames.indexOf(a.check) - checkNames.indexOf(b.check));
}

function checkConfiguration(root: string): Finding[] {
  try {
    loadConfig(root);
    return [findingsOf('configuration').ok('extupdate.conf is good, or not there')];
  } catch (error) {
    return [problemOf('configuration', error)];
  }
}

/** All that can be known when host and definitions can be read. */
async function examineSystem(system: System): Promise<Finding[]> {
  const { options, now, host, os, definitions } = system;
  const { root } = options;
  const { components } = definitions;
  const isHere = root === '';
  const { note, ok } = findingsOf('host');
  // What several checks need; what is wrong with it is told by the last of them.
  const state = shared(async () => readState(root, false));
  const found = shared(() => findVisibleImages(root, host.release, components));
  const { largest, restarting } = await state.then((known) => lookAtInstalled(system, known)).catch(() => notInstalled);
  const { unreadable } = await found.catch(() => ({ unreadable: [] }));
  const findings = [
    [ok(`${host.release.fields.PRETTY_NAME ?? describeOs(os)}, ${host.release.architecture}`)],
    isHere ? [] : [note('a tree in a directory: what is of the machine that runs is not looked at')],
    await guarded('definitions', () => checkDefinitions(definitionFacts(system))),
    await guarded('keys', async () => checkKeys(await keyFacts(system))),
    await guarded('storage', () => checkStorage({ ...storageFacts(root, components), unreadable, largest })),
    await guarded('extensions', async () =>
      checkExtensions({ ...(await found), ...(isHere ? await lookAtMerged() : notMerged) }),
    ),
    await guarded('components', async () => checkComponents(await componentFacts(system, await state))),
    isHere ? await examineMachine(components, { now, restarting }) : [],
  ];
  return findings.flat();
}

/** A promise that several wait for, or nobody. */
function shared<T>(make: () => Promise<T>): Promise<T> {
  const made = make();
  made.catch(() => {});
  return made;
}

const notInstalled = { largest: 0, restarting: [] } as const;

const notMerged = { merged: { sysext: undefined, confext: undefined }, loops: new Set<string>() } as const;

async function lookAtMerged(): Promise<Pick<ExtensionFacts, 'merged' | 'loops'>> {
  const [sysext, confext] = await Promise.all([mergedNames('sysext'), mergedNames('confext')]);
  return { merged: { sysext, confext }, loops: mergedFileNames() };
}

/** The size of the largest image, and components whose images name units to restart. */
async function lookAtInstalled({ options: { root }, definitions }: System, state: State) {
  let largest = 0;
  const restarting = new Set<string>();
  for (const { name, transfers } of definitions.components) {
    for (const transfer of transfers) {
      // What cannot be listed is told with the components.
      for (const { sizeBytes, facts, name: fileName } of await listInstalled(root, transfer, state).catch(() => [])) {
        largest = Math.max(largest, sizeBytes);
        const use = { kind: transfer.kind, imageName: imageNameOf(transfer, fileName) };
        const fields = facts && releaseFieldsOf(facts, use);
        if (fields?.EXTENSION_RESTART_UNITS || fields?.EXTENSION_RELOAD_OR_RESTART_UNITS) restarting.add(name);
      }
    }
  }
  return { largest, restarting: [...restarting] };
}
