/** Carries out the install steps of a plan, and judges what it made before anything can see it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UnsuitableError } from '../errors.ts';
import { resolveInRoot } from '../os/root.ts';
import type { State } from '../os/state.ts';
import { VERSION_XATTR, writeXattr } from '../os/xattr.ts';
import { judgeImage } from '../resolve/compatibility.ts';
import { imageNameOf, installsParked, PARKED } from '../resolve/exposure.ts';
import type { ComponentPlan, Step } from '../resolve/plan.ts';
import type { System } from '../system.ts';
import { readLocalFacts } from '../target/list-installed.ts';
import { stateKey } from '../target/paths.ts';
import type { DoneAction, PayloadUsers, Work } from '../work.ts';
import { installPayload } from './install.ts';

/**
 * Installs what a plan needs. New files go where systemd does not look yet.
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
  for (const step of steps) await installOne(system, state, place, work, step, users);
  if (steps.length === 0) return;
  done.push({ component: plan.component.name, action: 'install', version: plan.version, from: plan.from ?? null });
}

async function installOne(
  system: System,
  state: State,
  place: string,
  work: Work,
  step: Extract<Step, { step: 'install' }>,
  users: PayloadUsers,
): Promise<void> {
  const { transfer, instance, fileName } = step;
  const directory = join(transfer.target.path, installsParked(transfer) ? PARKED : '');
  const to = join(resolveInRoot(place, directory), fileName);
  const left = (users.get(instance.sha256) ?? 1) - 1;
  users.set(instance.sha256, left);
  const isLast = left <= 0;
  const sizeBytes = await installPayload({
    from: system.staging.payload(instance.sha256),
    sha256: instance.sha256,
    to,
    name: instance.name,
    mode: transfer.target.mode ?? instance.mode ?? (transfer.target.readOnly ? 0o444 : undefined),
    mtime: instance.mtime,
    maxBytes: system.config.maxImageSize,
    ready: isLast ? work.ready.get(instance.sha256) : undefined,
    makeRoom: system.makeRoom,
  });
  const facts = transfer.kind === 'none' ? undefined : await readLocalFacts(to);
  if (facts) {
    system.facts.set(instance.sha256, facts);
    const use = { kind: transfer.kind, imageName: imageNameOf(transfer, fileName) };
    const verdict = judgeImage(facts, use, system.host.release);
    if (!verdict.fits) {
      await rm(to, { force: true });
      throw new UnsuitableError(`${instance.name}: ${verdict.text}`, {
        next: 'a later run tries the next version down',
      });
    }
  }
  if (!fileName.includes(instance.version)) await writeXattr(to, VERSION_XATTR, instance.version);
  state.installed[stateKey(transfer, fileName)] = {
    component: work.survey.component.name,
    version: instance.version,
    sha256: instance.sha256,
    sizeBytes,
  };
  if (!isLast) return;
  await rm(system.staging.payload(instance.sha256), { force: true });
  await rm(system.staging.unpacked(instance.sha256), { force: true });
}
