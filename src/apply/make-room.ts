/**
 * Room for what is wanted, where space is short: what nobody wants of staging goes first, then installed versions that
 * nothing runs on and no OS needs, the oldest first, what one could go back to last.
 */
import { lstatSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { underAll } from '../each-work.ts';
import { reportOf } from '../errors.ts';
import { collectNeeds } from '../needs.ts';
import { writeFileAtomic } from '../os/atomic-file.ts';
import { readBoundedFile } from '../os/bounded-file.ts';
import { removeTree } from '../os/remove-tree.ts';
import { resolveInRoot } from '../os/root.ts';
import { ensureSpace, type MakeRoom } from '../os/space.ts';
import { type State, writeState } from '../os/state.ts';
import { chooseSpare } from '../resolve/keep.ts';
import type { System } from '../system.ts';
import { instancePath } from '../target/paths.ts';
import type { DoneAction, Work } from '../work.ts';
import { decideForComponent, type FileDecision, removeFile } from './prune.ts';

/**
 * Makes the function that a run calls when space is short; calls are served one after the other.
 * @param works the running OS's components: what they can spare goes
 * @param wanted the components that this run works at; what is chosen for them stays
 */
export function makeRoomFor(
  system: System,
  state: State,
  works: readonly Work[],
  done: DoneAction[],
  wanted: readonly Work[] = works,
): MakeRoom {
  let last: Promise<void> = Promise.resolve();
  return (directory, bytes) => {
    last = last.catch(() => {}).then(() => makeRoom(system, state, works, wanted, done, directory, bytes));
    return last;
  };
}

/** Leaves word, for a run that may delete, of how many bytes a download needs. */
export async function noteWantedSpace(system: System, bytes: number): Promise<void> {
  await writeFileAtomic(system.staging.wantedSpaceFile, JSON.stringify({ bytes }));
}

/** Makes the room that a run without the right to delete has asked for: the next download finds it. */
export async function makeWantedRoom(system: System): Promise<void> {
  const { wantedSpaceFile, directory } = system.staging;
  let wanted: number;
  try {
    wanted = Number(JSON.parse(String(readBoundedFile('', wantedSpaceFile))).bytes);
  } catch {
    return;
  }
  // There may be room by now.
  if (wanted > 0 && wanted <= system.config.maxImageSize) {
    await ensureSpace(directory, wanted, system.makeRoom).catch((error: unknown) => {
      system.options.reporter.notice('', reportOf(error).message);
    });
  }
  await rm(wantedSpaceFile, { force: true });
}

async function makeRoom(
  system: System,
  state: State,
  works: readonly Work[],
  wanted: readonly Work[],
  done: DoneAction[],
  directory: string,
  bytes: number,
): Promise<void> {
  const device = statSync(directory).dev;
  const missing = bytes - (await dropStaged(system, wanted, device, bytes));
  if (missing <= 0) return;
  const needs = await collectNeeds(system, state);
  await underAll(system, works, async (place) => {
    const candidates: (FileDecision & { readonly work: Work })[] = [];
    for (const work of works.filter(({ survey }) => !survey.unreadable)) {
      const { component } = work.survey;
      for (const decision of await decideForComponent(system, state, place, component, needs)) {
        const path = resolveInRoot(place, instancePath(decision.transfer, decision.instance), false);
        const { version } = decision.instance;
        const isWanted =
          wanted.some(
            ({ survey, resolution }) =>
              survey.component.name === component.name && resolution?.chosen?.version === version,
          ) ||
          done.some((one) => one.action === 'install' && one.component === component.name && one.version === version);
        if (!isWanted && statSync(path, { throwIfNoEntry: false })?.dev === device)
          candidates.push({ ...decision, work });
      }
    }
    for (const { work, ...decision } of chooseSpare(candidates, missing)) {
      const reason = `space is needed, and it was ${decision.reason}`;
      await removeFile(system, state, place, work.survey.component, { ...decision, reason }, done);
    }
  });
  await writeState(system.options.root, state);
}

/** Payloads that are staged and that this run does not want. @returns how many bytes they had */
async function dropStaged(system: System, works: readonly Work[], device: number, bytes: number): Promise<number> {
  const { directory } = system.staging;
  const chosen = works.flatMap(({ resolution }) => [...(resolution?.chosen?.offered.values() ?? [])]);
  const wanted = new Set([...system.sources.wanted.keys(), ...chosen.map(({ sha256 }) => sha256)]);
  let freed = 0;
  for (const name of namesIn(directory)) {
    const sha256 = /^([0-9a-f]{64})(\.partial)?$/.exec(name)?.[1];
    const info = lstatSync(join(directory, name), { throwIfNoEntry: false });
    if (freed >= bytes || sha256 === undefined || wanted.has(sha256) || info?.dev !== device) continue;
    await removeTree(join(directory, name));
    system.options.reporter.step('', `removed ${name.slice(0, 12)}… from staging: space is needed`);
    freed += info.size;
  }
  return freed;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
