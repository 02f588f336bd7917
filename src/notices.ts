/** What is odd about a component and no failure: told once a run. */
import type { Resolution } from './resolve/resolver.ts';
import type { Survey } from './survey.ts';
import type { System } from './system.ts';
import { looksLikePreRelease } from './version/compare.ts';

/** Tells when UAPI.10 puts a pre-release before its release, where a person would not. */
export function noticePreReleases(system: System, resolution: Resolution): void {
  const chosen = resolution.chosen?.version;
  if (chosen === undefined || !looksLikePreRelease(chosen)) return;
  const release = chosen.replace(/-(alpha|beta|pre|rc|dev).*$/i, '');
  if (!resolution.versions.some(({ version }) => version === release)) return;
  system.options.reporter.notice(
    resolution.component.name,
    `${chosen} counts as newer than ${release} (UAPI.10 writes pre-releases with "~"); SkipVersions=*-rc* leaves it out`,
  );
}

/** Tells when the active version does not fit this OS, nothing else does either, and so nothing changes. */
export function noticeStuck(system: System, resolution: Resolution): void {
  const active = resolution.versions.find((version) => version.active);
  if (resolution.chosen || !active) return;
  const text = `${active.version} is active and should not be (${active.reason.text}), and no other version fits`;
  system.options.reporter.notice(resolution.component.name, text);
}

/** Tells when a version in a directory of this machine has other content now; the installed one stays. */
export function noticeRepublished(system: System, survey: Survey): void {
  for (const { transferId, version, sha256 } of survey.installed) {
    const offered = survey.offered.find((other) => other.transferId === transferId && other.version === version);
    if (!sha256 || !offered || offered.sha256 === sha256 || offered.republished) continue;
    if (system.options.acceptRepublished) continue;
    const text = `${version} has another content in its source now; the installed one stays`;
    system.options.reporter.notice(survey.component.name, text);
  }
}

/** Tells when the active version is not offered any more and stays all the same. */
export function noticeWithdrawn(system: System, { withdrawn }: Survey, resolution: Resolution): void {
  const { active, component, chosen } = resolution;
  if (active === undefined || !withdrawn?.has(active) || chosen?.version !== active) return;
  const stays = component.settings.onWithdrawn === 'keep' ? 'OnWithdrawn=keep' : 'there is nothing to go back to';
  system.options.reporter.notice(
    component.name,
    `${active} is active, and its source does not offer it any more; it stays (${stays})`,
  );
}
