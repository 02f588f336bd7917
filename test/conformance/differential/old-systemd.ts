/** What systemd 257 did otherwise than 262, which extupdate does as 262. */
import type { IntendedDifference } from './intended-difference.ts';
import { hasLongerName, statesOf } from './situation.ts';

export const ofOldSystemd: readonly IntendedDifference[] = [
  {
    name: '257: a list with directories in it is refused',
    reason: 'Since 260 names in SHA256SUMS may lead into directories; extupdate does as 262.',
    explains: (_, { systemd, bySystemd }) =>
      systemd === 257 && /^Invalid filename specified at manifest line/m.test(bySystemd.said),
  },
  {
    name: '257: "**/" is not known',
    reason: 'It came later; extupdate does as 262.',
    explains: (_, { systemd, scenario, bySystemd }) =>
      systemd === 257 &&
      scenario.transfers.some(({ sourcePatterns }) => sourcePatterns.some((one) => one.startsWith('**/'))) &&
      /^Failed to match pattern/m.test(bySystemd.said),
  },
  {
    name: '257: a directory named by a version is a crash',
    reason: 'A pattern with a wildcard before "/" ends in an assertion (#42895); extupdate does as 262.',
    explains: (_, { systemd, bySystemd }) =>
      systemd === 257 && /^Assertion .* failed at src\/sysupdate\/sysupdate-pattern\.c/m.test(bySystemd.said),
  },
  {
    name: '257: an empty list is a failure',
    reason: 'Nothing on the server is no reason to fail, as 262 sees it too.',
    explains: (_, { systemd, bySystemd }) =>
      systemd === 257 && /^Premature connection termination/m.test(bySystemd.said),
  },
  {
    name: '257: a pattern matches the beginning of a longer name',
    reason: 'app_1.raw.sha256 is a version for app_@v.raw (#38605, mended in 261); extupdate does as 262.',
    explains: (_, situation) => situation.systemd === 257 && hasLongerName(situation),
  },
  {
    name: '257: "~" and "^" are not allowed in versions',
    reason: 'UAPI.10 has them since 258; extupdate does as 262.',
    explains: (_, situation) =>
      situation.systemd === 257 &&
      /[~^]/.test(
        [
          ...statesOf(situation).map(({ version }) => version),
          ...situation.scenario.transfers.map(({ transfer }) => transfer.MinVersion),
          situation.command.version,
        ].join(),
      ),
  },
];
