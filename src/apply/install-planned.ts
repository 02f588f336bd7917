/** Carries out the install steps of a plan, and judges what it made before anything can see it. */
import { join } from 'node:path';
import { UnsuitableError } from '../errors.ts';
import { readLocalFacts } from '../image/read-local-facts.ts';
import { requireNoLinks } from '../os/own-place.ts';
import { removeTree } from '../os/remove-tree.ts';
import { resolveInRoot } from '../os/root.ts';
import { type State, writeState } from '../os/state.ts';
import { VERSION_XATTR, writeXattr } from '../os/xattr.ts';
import { judgeImage } from '../resolve/compatibility.ts';
import { imageNameOf, installsParked, PARKED } from '../resolve/exposure.ts';
import type { ComponentPlan, Step } from '../resolve/plan.ts';
import { payloadOf } from '../source/source.ts';
import type { System } from '../system.ts';
import { stateKey } from '../target/paths.ts';
import type { DoneAction, PayloadUsers, Work } from '../work.ts';
import { commit, discard, type InstallRequest, type Prepared, preparePayload } from './install.ts';

type InstallStep = Extract<Step, { step: 'install' }>;

/**
 * Installs what a plan needs: all of it is made ready before any of it gets its name. New files go where systemd does
 * not look yet.
 * @param place root through which targets are written
 * @throws StorageError, TrustError, PolicyError, UnsuitableError when an image does not fit after all
 */
export async function installPlanned(
  system: System,
  state: State,
  place: string,
  work: Work,
  plan: ComponentPlan,
  users: PayloadUsers,
  done: DoneAction[],
): Promise<void> {
  const steps = plan.steps.filter((step) => step.step === 'install');
  if (steps.length === 0) return;
  system.options.reporter.phase(`installing ${plan.component.name} ${plan.version}`);
  const ready: { readonly step: InstallStep; readonly prepared: Prepared }[] = [];
  const before = { ...state.installed };
  try {
    for (const step of steps) ready.push({ step, prepared: await makeReady(system, place, work, step, users) });
    // First: without its hash, a version that a killed run leaves could not be marked as bad.
    for (const { step, prepared } of ready) note(state, work, step, prepared);
    await writeState(system.options.root, state);
    await commit(ready.map(({ prepared }) => prepared));
  } catch (error) {
    state.installed = before;
    await discard(ready.map(({ prepared }) => prepared));
    throw error;
  }
  for (const { step } of ready) await release(system, step, users);
  done.push({ component: plan.component.name, action: 'install', version: plan.version, from: plan.from ?? null });
}

/** Notes what is installed; of what is not there, nothing that is noted counts. */
function note(state: State, { survey }: Work, { transfer, fileName, instance }: InstallStep, prepared: Prepared): void {
  const { version, sha256 } = instance;
  const { sizeBytes, contentSha256 } = prepared;
  state.installed[stateKey(transfer, fileName)] = {
    component: survey.component.name,
    version,
    sha256,
    sizeBytes,
    ...(contentSha256 === undefined ? {} : { contentSha256 }),
  };
}

async function makeReady(
  system: System,
  place: string,
  work: Work,
  step: InstallStep,
  users: PayloadUsers,
): Promise<Prepared> {
  const { instance, fileName } = step;
  const left = (users.get(instance.sha256) ?? 1) - 1;
  users.set(instance.sha256, left);
  const ready = left <= 0 ? work.ready.get(instance.sha256) : undefined;
  const prepared = await preparePayload({ ...requestFor(system, place, step), ready });
  try {
    await judge(system, step, prepared);
    if (!fileName.includes(instance.version)) await writeXattr(prepared.temporary, VERSION_XATTR, instance.version);
  } catch (error) {
    await discard([prepared]);
    throw error;
  }
  return prepared;
}

function requestFor(system: System, place: string, { transfer, instance, fileName }: InstallStep): InstallRequest {
  const { target } = transfer;
  const directory = resolveInRoot(place, target.path);
  const to = join(directory, installsParked(transfer) ? PARKED : '', fileName);
  requireNoLinks(directory, to);
  const payload = payloadOf(system.sources.of(transfer), instance);
  // An archive brings mode and time of its tree along; those of the archive itself are something else.
  const fields =
    payload.form === 'archive' ? { ...instance.fields, mode: undefined, mtime: undefined } : instance.fields;
  return {
    payload,
    to,
    name: instance.name,
    mode: target.mode ?? fields.mode,
    mtime: fields.mtime,
    readOnly: target.readOnly ?? fields.readOnly,
    subvolume: target.type === 'subvolume',
    maxBytes: system.config.maxImageSize,
    makeRoom: system.makeRoom,
  };
}

/** @throws UnsuitableError when the image does not fit: what was known of it was not of this image */
async function judge(system: System, { transfer, instance, fileName }: InstallStep, prepared: Prepared): Promise<void> {
  const facts = transfer.kind === 'none' ? undefined : await readLocalFacts(prepared.temporary);
  if (!facts) return;
  system.facts.set(instance.sha256, facts);
  const use = { kind: transfer.kind, imageName: imageNameOf(transfer, fileName) };
  const verdict = judgeImage(facts, use, system.host.release);
  if (verdict.fits) return;
  throw new UnsuitableError(`${instance.name}: ${verdict.text}`, { next: 'a later run tries the next version down' });
}

/** Removes from staging what nobody needs any more; what cannot be removed goes with the leftovers of some later run. */
async function release(system: System, { transfer, instance }: InstallStep, users: PayloadUsers): Promise<void> {
  if ((users.get(instance.sha256) ?? 0) > 0) return;
  const payload = system.sources.of(transfer).payload(instance);
  if (payload?.staged) await removeTree(payload.path).catch(() => {});
  await removeTree(system.staging.unpacked(instance.sha256)).catch(() => {});
}
