/** What each exit status means, in the words of the manual. */
import type { exitStatus } from '../errors.ts';

/** By the names in `src/errors.ts`. */
export const exitStatusTexts: Readonly<Record<keyof typeof exitStatus, string>> = {
  done: 'done, or nothing to do; “no update” is no error',
  unexpected: 'a defect of extupdate: run again with `--debug` and report it',
  usage: 'usage: an option, component or version that does not exist',
  config: 'a definition, `extupdate.conf` or a keyring has to be mended',
  network: 'the network or the server failed; a later run tries again',
  trust:
    'authenticity or integrity: signature, hash or list are not what they claim to be; an installed version was published again with another content',
  policy:
    'a rule forbids it: stale, older or emptied list, signature of the future, larger than `MaxImageSize=`, https to http; `publish`: other content under a name that was published',
  unsuitable:
    'content that this host cannot use, and nothing else fits or is installed; `publish`: content that no client could load',
  storage: 'local storage: space, permissions, something in the way',
  mixed: 'several components failed for different reasons, or some failed and some did not',
  activation: 'systemd did not merge the new set, or it was not healthy; the previous one is back',
  blocked:
    '`prepare`: something with `Required=yes`, or named, has no version that fits the OS; counts before all others',
  busy: 'another run is at work',
  updateAvailable: '`check --exit-code`: there is an update',
};

/** What holds beside them. */
export const exitStatusNotes: readonly string[] = [
  'Nothing newer that fits, and the old one still good, is 0.',
  '`doctor` ends with the status that a run would have that meets the problem it has found; with 15 where there are several kinds of them, and with 0 where there are notes and warnings only.',
];
