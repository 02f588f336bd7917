/**
 * Where extupdate does something else than systemd-sysupdate, on purpose: all there is. Any other difference is a
 * defect of the one or the other; one of these that does not occur any more has to be taken out.
 */

import { isSameVersion } from '../../../src/version/compare.ts';
import type { IntendedDifference } from './intended-difference.ts';
import { ofOldSystemd } from './old-systemd.ts';
import {
  chosenBySystemd,
  installedOf,
  isOff,
  linkOf,
  type MatchedFile,
  newestWholeOf,
  offeredOf,
  publishedAfter,
  type Situation,
  statesOf,
  visibleOf,
  visibleSetOf,
} from './situation.ts';
import { type Entry, renderEntry } from './tree.ts';

/** What holds for both versions of systemd. */
const ours: readonly IntendedDifference[] = [
  {
    name: 'nothing to install and nothing installed is a failure',
    reason:
      'systemd-sysupdate says "No update needed" where it has found nothing at all, be it for a wrong pattern or on an ' +
      'empty server; extupdate ends with status 13 and names the newest version and why it was left out.',
    explains: ({ what, systemd, extupdate }, { byExtupdate: { document, files }, scenario, bySystemd }) => {
      if (what !== 'succeeded' || systemd !== true || extupdate !== false) return false;
      const [error] = document?.errors ?? [];
      const isToldSo = error?.code === 'unsuitable' && error.message.includes('no version fits and none is installed');
      const [first = [], ...others] = scenario.transfers.map((spec) => installedOf(spec, files));
      const isWhole = first.some(({ version }) =>
        others.every((other) => other.some((one) => one.version === version)),
      );
      return isToldSo && !isWhole && (bySystemd.candidate ?? null) === null;
    },
  },
  {
    name: 'an installed version that was published again is told',
    reason:
      'systemd-sysupdate never looks at the hash of what is installed; extupdate keeps it, and ends with status 11 for ' +
      'as long as its source has another content under the same name. It does not fill a set up from the new content.',
    explains: ({ what, systemd, extupdate }, { byExtupdate: { document } }) => {
      const isRefused = what === 'succeeded' && systemd === true && extupdate === false;
      if (!isRefused && !(what === 'candidate' && extupdate === null)) return false;
      const [error] = document?.errors ?? [];
      return error?.code === 'trust' && error.message.includes('was republished');
    },
  },
  {
    name: 'a damaged version that is asked for is installed anew',
    reason:
      'systemd-sysupdate takes a version for installed by its name; extupdate hashes what a person asks for by name, and ' +
      'installs it again where it is not what was installed.',
    explains: (difference, { command, before, earlier }) => {
      if (difference.what !== 'file' || command.command !== 'update' || command.version === undefined) return false;
      const { systemd, path } = difference;
      const here = before.get(path);
      const isDamaged = earlier.some((step) => step.do === 'damage');
      return isDamaged && here !== undefined && systemd !== undefined && renderEntry(here) === renderEntry(systemd);
    },
  },
  {
    name: 'a version that was asked for stays',
    reason:
      'systemd-sysupdate goes forward again with the next update after a person has chosen an older version, or, where ' +
      'the newer one is still installed, does not update any more (#24082); extupdate holds the newer ones that were ' +
      'known then, and goes on to what appears later.',
    explains: (difference, situation) => {
      if (difference.what !== 'candidate' && difference.what !== 'file') return false;
      const { earlier } = situation;
      // What is here, and has no link to be led to, is no update.
      if (difference.what === 'candidate' && isSettled(situation, difference.extupdate)) return false;
      const isAskedFor = earlier.some((step) => step.do === 'command' && step.version !== undefined);
      const theirs = chosenBySystemd(situation) ?? statesOf(situation).find(({ installed }) => installed)?.version;
      return isAskedFor && statesOf(situation).some(({ version, held }) => held && version === theirs);
    },
  },
  {
    name: 'temporary files of others stay',
    reason:
      'systemd-sysupdate deletes every ".#*" and ".sysupdate.partial.*" in a target directory, whoever is writing it; ' +
      'extupdate removes only what it has made itself.',
    explains: (difference, { before }) => {
      if (difference.what !== 'file' || difference.systemd) return false;
      const name = difference.path.slice(difference.path.lastIndexOf('/') + 1);
      const isTemporary = /^\.(#|sysupdate\.partial\.)/.test(name);
      return isTemporary && before.has(difference.path) && difference.extupdate !== undefined;
    },
  },
  {
    name: 'a file belongs to the transfer whose pattern says most of its name',
    reason:
      'With app_@v.raw and app_extra_@v.raw in one directory, app_extra_1.raw is also version "extra_1" of app for ' +
      'systemd-sysupdate, which lists it, counts it against InstancesMax= and deletes it.',
    explains: (difference, situation) => {
      if (difference.what === 'versions') {
        const others = sharedFiles(situation).map(({ version }) => version);
        return difference.systemd.filter((version) => !others.includes(version)).join() === difference.extupdate.join();
      }
      if (difference.what !== 'file' || difference.systemd || !difference.extupdate) return false;
      // What counts the files of others is over its limit sooner.
      const crowded = situation.scenario.transfers.filter((spec) =>
        sharedFiles(situation).some(({ path }) => installedOf(spec, situation.before).some((one) => one.path === path)),
      );
      return crowded.some((spec) => installedOf(spec, situation.before).some(({ path }) => path === difference.path));
    },
  },
  {
    name: 'the version to go back to stays',
    reason:
      'Where protected versions fill InstancesMax=, systemd-sysupdate deletes the one that was used until now before it ' +
      'has downloaded another; extupdate keeps the version before the visible one, whatever InstancesMax= says.',
    explains: (difference, situation) => {
      const { scenario, before, differences } = situation;
      if (difference.what !== 'file') return false;
      return scenario.transfers.some((spec) => {
        const installed = installedOf(spec, before);
        const last = [visibleOf(situation).get(spec), newestWholeOf(scenario, before)];
        const staying = installed.filter(({ path, version }) =>
          differences.some(
            (one) =>
              one.what === 'file' && one.path === path && one.extupdate && !one.systemd && last.includes(version),
          ),
        );
        if (staying.some(({ path }) => path === difference.path)) return true;
        // It stays in the place of another one.
        const isInstalled = installed.some(({ path }) => path === difference.path);
        return staying.length > 0 && isInstalled && difference.systemd !== undefined && !difference.extupdate;
      });
    },
  },
  {
    name: 'what a feature turns off goes with the next apply',
    reason:
      'systemd-sysupdate removes the files of a transfer that is off with the next vacuum, or when it installs something; ' +
      'extupdate does so whenever it applies, as turning off is what the person wants now (#35759).',
    explains: (difference, situation) => {
      const { before, command, scenario } = situation;
      if (difference.what !== 'file' || difference.extupdate || !difference.systemd) return false;
      if (command.command !== 'update' || chosenBySystemd(situation) !== null) return false;
      return scenario.transfers.some(
        (spec) =>
          isOff(spec, situation) &&
          [linkOf(spec), ...installedOf(spec, before).map(({ path }) => path)].includes(difference.path),
      );
    },
  },
  {
    name: 'of several files with one version the first counts',
    reason:
      'Where a version is offered more than once, systemd-sysupdate takes the one that its binary search happens to ' +
      'hit; extupdate takes the one of the earlier pattern, then the one whose name sorts first.',
    explains: (difference, situation) => {
      if (difference.what !== 'file') return false;
      const published = publishedAfter(situation.earlier);
      return situation.scenario.transfers.some((spec) => {
        const chosen = chosenBySystemd(situation);
        const offered = offeredOf(spec, situation).filter(
          ({ version }) => chosen !== null && isSameVersion(version, chosen),
        );
        const [first] = [...offered].sort((a, b) => a.rank - b.rank || (a.path < b.path ? -1 : 1));
        const publishedIn = (entry: Entry) =>
          offered.find(({ path }) => entry.content?.includes(published.get(path)?.content ?? '\0'))?.path;
        const entry = difference.extupdate ?? difference.systemd;
        if (offered.length < 2 || !entry) return false;
        if (entry.kind === 'link') return difference.systemd?.kind === difference.extupdate?.kind;
        return difference.extupdate
          ? publishedIn(difference.extupdate) === first?.path
          : publishedIn(entry) !== undefined;
      });
    },
  },
  {
    name: 'a version may be asked for in another spelling',
    reason:
      '1.0 and 1.00 are one version by UAPI.10, and systemd-sysupdate treats them so but where it is told one by name; ' +
      'extupdate does so there, too.',
    explains: (difference, { command: { version }, bySystemd, byExtupdate }) => {
      if (version === undefined || !bySystemd.said.includes(`Update '${version}' not found.`)) return false;
      const others = (byExtupdate.document?.components[0]?.versions ?? []).map((state) => state.version);
      const isSpelledElse = others.some((other) => other !== version && isSameVersion(other, version));
      if (difference.what === 'succeeded') return isSpelledElse && difference.extupdate;
      return isSpelledElse && difference.what === 'file';
    },
  },
  {
    name: 'the current version is the one that is visible',
    reason:
      'systemd-sysupdate calls the newest version of which any file is there the current one, wherever the link leads; ' +
      'for extupdate it is the one of which all files are visible, or, where no link shows any, all files are there.',
    explains: (difference, situation) => {
      if (difference.what !== 'current') return false;
      return difference.extupdate === (visibleSetOf(situation) ?? null);
    },
  },
  {
    name: 'the link follows to a version that is installed already',
    reason:
      'Asked for an older version that is still installed, systemd-sysupdate says "Skipping update" and leaves ' +
      'CurrentSymlink= where it is; extupdate makes that version the visible one.',
    explains: (difference, { scenario, bySystemd, command, before }) => {
      if (difference.what !== 'file' || difference.extupdate?.kind !== 'link' || command.version === undefined)
        return false;
      const isSkipped = bySystemd.said.includes(`'${command.version}' is already installed. Skipping update.`);
      const target = difference.extupdate.content?.split('/').at(-1);
      return (
        isSkipped &&
        scenario.transfers.some((spec) =>
          installedOf(spec, before).some(
            ({ path, version }) => version === command.version && path.endsWith(target ?? '/'),
          ),
        )
      );
    },
  },
];

export const intendedDifferences: readonly IntendedDifference[] = [...ours, ...ofOldSystemd];

/** Files that the patterns of two transfers match, as versions of the one that says less of them. */
function sharedFiles({ scenario, before, byExtupdate }: Situation): MatchedFile[] {
  const all = scenario.transfers.flatMap((spec) => [
    ...installedOf(spec, before),
    ...installedOf(spec, byExtupdate.files),
  ]);
  // What is the longer version was matched with less literal text.
  return all.filter(({ path, version }) =>
    all.some((other) => other.path === path && other.version.length < version.length),
  );
}

function isSettled(situation: Situation, version: string | null): boolean {
  const state = statesOf(situation).find((one) => one.version === version);
  const hasLink = situation.scenario.transfers.some(({ target }) => target.CurrentSymlink !== undefined);
  return state?.installed === true && !state.incomplete && !hasLink;
}
