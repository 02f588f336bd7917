/** What `doctor` knows of definitions, keys and components, out of what every run loads. */
import { dirname } from 'node:path';
import { defaultExtensionSettings } from '../../definition/extension-settings.ts';
import { isTurnedOff } from '../../definition/features.ts';
import { renderProblem } from '../../definition/load.ts';
import { ExtupdateError, reportOf } from '../../errors.ts';
import { requireSafeDirectory } from '../../os/own-place.ts';
import type { State } from '../../os/state.ts';
import { isBadUnder } from '../../resolve/marks.ts';
import { signaturePolicy } from '../../source/signature-policy.ts';
import { sourceTraits } from '../../source/source-types.ts';
import { resolveSurvey, surveyAll } from '../../survey.ts';
import type { System } from '../../system.ts';
import { shownName } from '../../target/active.ts';
import { listInstalled } from '../../target/list-installed.ts';
import type { Component } from '../../types.ts';
import { judgeKey } from '../../verify/judge-key.ts';
import { NoKeyringError } from '../../verify/keyring.ts';
import type { ComponentFact, ComponentFacts } from '../check-components.ts';
import type { DefinitionFacts } from '../check-definitions.ts';
import type { KeyFact, KeyFacts } from '../check-keys.ts';

/** What was loaded, what was not and why, and targets that a run would refuse. */
export function definitionFacts({ definitions, options: { root } }: System): DefinitionFacts {
  const { components, broken, left, disabled, warnings } = definitions;
  return {
    components: components.map(({ name }) => name),
    broken: broken.map(({ name, problems }) => ({ name, problems: problems.map(renderProblem) })),
    left,
    disabled,
    turnedOff: components.filter(isTurnedOff).map(({ name }) => name),
    warnings: warnings.map(renderProblem),
    unsafe: components.flatMap((component) => unsafeTargets(root, component)),
  };
}

/** Targets that a run would refuse to install to. */
function unsafeTargets(root: string, { name, transfers }: Component): DefinitionFacts['unsafe'][number][] {
  const directories = transfers.flatMap(({ target }) => [
    target.path,
    ...(target.currentSymlink === undefined ? [] : [dirname(target.currentSymlink)]),
  ]);
  return [...new Set(directories)].flatMap((directory) => {
    try {
      requireSafeDirectory(root, directory);
      return [];
    } catch (error) {
      if (!(error instanceof ExtupdateError)) throw error;
      return [{ name, text: error.message, next: error.next }];
    }
  });
}

/** The keys of all components that have their lists verified. */
export async function keyFacts(system: System): Promise<KeyFacts> {
  const { definitions, options, config, now, keys } = system;
  const published = definitions.components.filter(({ transfers }) =>
    transfers.some(({ source }) => sourceTraits[source.type].at === 'url'),
  );
  const isVerified = ({ transfers }: Component) => transfers.some(({ verify }) => options.verify ?? verify);
  const verified = published.filter(isVerified);
  const byComponent = new Map<string, readonly KeyFact[]>();
  const common = {
    verified: verified.map(({ name }) => name),
    unverified: published.filter((component) => !isVerified(component)).map(({ name }) => name),
    now,
  };
  try {
    // Where no component needs keys, those are looked at that are there for all.
    const asked = verified.length > 0 ? verified : [{ name: '', settings: defaultExtensionSettings }];
    for (const { name, settings } of asked) {
      const policy = signaturePolicy(settings, config, now);
      const known = await keys.of({ name, settings });
      byComponent.set(name, await Promise.all(known.map((key) => judged(key, policy))));
    }
    return { ...common, keys: byComponent };
  } catch (error) {
    const { message: text, next, code } = reportOf(error);
    if (code === 'unexpected') throw error;
    return { ...common, keys: byComponent, failure: { text, next, isMissing: error instanceof NoKeyringError } };
  }
}

async function judged(...[key, policy]: Parameters<typeof judgeKey>): Promise<KeyFact> {
  const { fingerprint, userIds, files, accepted, text, expires } = await judgeKey(key, policy);
  return { fingerprint, userId: userIds[0], files, accepted, text, expires };
}

/** What is active of each component, and what a run without a network would choose. */
export async function componentFacts(system: System, state: State): Promise<ComponentFacts> {
  const surveys = await surveyAll(system, state, { sources: false });
  const components = surveys.map((survey): ComponentFact => {
    const resolution = resolveSurvey(system, state, survey);
    const { name } = survey.component;
    const active = resolution.versions.find((version) => version.active);
    const bad = Object.values(state.bad).filter(
      (mark) => mark.component === name && isBadUnder(mark, system.os.identity),
    );
    const isWrong = active !== undefined && !['current', 'chosen', 'older', 'held'].includes(active.reason.code);
    return {
      name,
      active: active?.version,
      wrong: isWrong ? active.reason : undefined,
      chosen: resolution.chosen?.version,
      why: resolution.chosen?.reason.text,
      isInstalled: survey.installed.length > 0,
      unreadable: survey.unreadable?.message,
      bad: bad.map(({ version, reason }) => ({ version, reason })),
    };
  });
  return { components, offAndVisible: await visibleThoughOff(system, state) };
}

async function visibleThoughOff({ definitions, options, host }: System, state: State): Promise<string[]> {
  const names: string[] = [];
  for (const { name, disabledTransfers } of definitions.components) {
    for (const transfer of disabledTransfers) {
      const installed = await listInstalled(options.root, transfer, state, { readImages: false });
      const shown = shownName(options.root, transfer, installed, host.release.architecture);
      if (shown !== undefined && installed.some((one) => one.name === shown)) names.push(name);
    }
  }
  return [...new Set(names)];
}
