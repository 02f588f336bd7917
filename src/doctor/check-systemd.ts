/** The version of systemd, and what extupdate does in its place. Pure. */
import { exitStatus } from '../errors.ts';
import { type Finding, findingsOf } from './finding.ts';

export interface SystemdFacts {
  /** Main version; undefined when it cannot be told. */
  readonly version: number | undefined;
  /** Whether it is the first process of this machine. */
  readonly isRunning: boolean;
  /** Components whose images are in a `.v` directory. */
  readonly versioned: readonly string[];
  /** Components that are configuration extensions. */
  readonly confexts: readonly string[];
  /** Components with `.transfer` files where systemd-sysupdate reads them. */
  readonly transfers: readonly string[];
  /** Components whose images name units to restart. */
  readonly restarting: readonly string[];
  /** Whether `systemd-sysext.service.d/50-extupdate.conf` is there. */
  readonly hasBootDropIn: boolean;
}

/** What a version brought, the newest first (NEWS of systemd, and as tried on 257 and 262). */
export const systemdFeatures = [
  { since: 262, lacks: 'restarting units that an extension names; extupdate does it' },
  { since: 262, lacks: 'reading .component files and Enabled= (systemd-sysupdate); extupdate does' },
  { since: 257, lacks: 'reading .transfer files (systemd-sysupdate, which only knows .conf); extupdate reads both' },
  { since: 256, lacks: '.v directories: an image in one is not found' },
  { since: 254, lacks: 'configuration extensions (systemd-confext)' },
  { since: 249, lacks: 'system extensions (systemd-sysext)' },
] as const;

/** The oldest version that extupdate is tried with. */
const TRIED_SINCE = 257;

const { ok, note, warning, problem } = findingsOf('systemd');

/** What the version of systemd lacks: a problem where a component needs it, else a note. */
export function checkSystemd(facts: SystemdFacts): Finding[] {
  const { version, isRunning, versioned, confexts, transfers, restarting, hasBootDropIn } = facts;
  if (version === undefined) {
    return [
      problem(exitStatus.activation, 'systemctl tells no version: nothing can be merged here', 'is systemd installed?'),
    ];
  }
  const findings: Finding[] = [];
  if (!isRunning) findings.push(note('systemd does not run here: images are put in place, and nothing is merged'));
  const isOlder = (since: number, names: readonly string[]) => version < since && names.length > 0;
  if (isOlder(256, versioned)) {
    const text = `systemd ${version} has no .v directories: it does not see ${versioned.join(', ')}`;
    findings.push(problem(exitStatus.activation, text, 'use CurrentSymlink= in [Target] (extupdate help transfer)'));
  }
  if (isOlder(254, confexts)) {
    const text = `systemd ${version} has no configuration extensions: it does not see ${confexts.join(', ')}`;
    findings.push(problem(exitStatus.activation, text, 'update the OS'));
  }
  if (isOlder(257, transfers)) {
    findings.push(
      note(`systemd-sysupdate ${version} does not read .transfer files: ${transfers.join(', ')} are ours alone`),
    );
  }
  if (version >= 262 && restarting.length > 0 && !hasBootDropIn) {
    const text = `systemd ${version} waits for itself at boot for units that ${restarting.join(', ')} has it restart`;
    findings.push(
      problem(
        exitStatus.activation,
        text,
        'copy systemd-sysext.service.d of extupdate (where it came as an extension: from /usr/lib/extupdate) to /etc/systemd/system',
      ),
    );
  }
  const lacking = systemdFeatures.filter(({ since }) => version < since).map(({ lacks }) => lacks);
  if (version < TRIED_SINCE) {
    const text = `systemd ${version} is older than what extupdate is tried with (${TRIED_SINCE})`;
    return [
      warning(text, 'watch the first merge: systemd-sysext status'),
      ...findings,
      ...lacking.map((one) => note(`it lacks ${one}`)),
    ];
  }
  return [ok(`systemd ${version}`), ...findings, ...lacking.map((one) => note(`it lacks ${one}`))];
}
