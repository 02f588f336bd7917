/** Programs that extupdate starts. Pure. */
import { exitStatus } from '../errors.ts';
import { type Finding, findingsOf, listed } from './finding.ts';

/** What is needed, for what, and what has it. */
export const programs = [
  { name: 'systemctl', need: 'always', from: 'systemd', exit: exitStatus.activation },
  { name: 'systemd-sysext', need: 'sysext', from: 'systemd (or systemd-container)', exit: exitStatus.activation },
  { name: 'systemd-confext', need: 'confext', from: 'systemd (or systemd-container)', exit: exitStatus.activation },
  { name: 'flock', need: 'always', from: 'util-linux', exit: exitStatus.storage },
  { name: 'unshare', need: 'always', from: 'util-linux', exit: exitStatus.storage },
  { name: 'mount', need: 'always', from: 'util-linux', exit: exitStatus.storage },
  { name: 'umount', need: 'always', from: 'util-linux', exit: exitStatus.storage },
  { name: 'rm', need: 'always', from: 'coreutils', exit: exitStatus.storage },
  { name: 'tar', need: 'archive', from: 'tar', exit: exitStatus.unsuitable },
  { name: 'cp', need: 'tree', from: 'coreutils', exit: exitStatus.storage },
] as const;

/** What is only used by others, or to find out more. */
export const optionalPrograms = ['systemd-vpick', 'systemd-dissect', 'systemd-sysupdate', 'systemd-importd'] as const;

export type ProgramNeed = (typeof programs)[number]['need'];

export interface ProgramFacts {
  /** Names of those that are there, optional ones too. */
  readonly present: ReadonlySet<string>;
  /** What the components of this host need. */
  readonly needs: ReadonlySet<ProgramNeed>;
}

const { ok, note, problem } = findingsOf('programs');

/** A program that one of the components needs and that is not there is a problem, with the status of a run without it. */
export function checkPrograms({ present, needs }: ProgramFacts): Finding[] {
  const missing = programs.filter(({ name, need }) => (need === 'always' || needs.has(need)) && !present.has(name));
  const findings: Finding[] = missing.map(({ name, from, exit }) =>
    problem(exit, `${name} is not there`, `install ${from}`),
  );
  const absent = optionalPrograms.filter((name) => !present.has(name));
  if (absent.length > 0) findings.push(note(`not there, and not needed: ${listed(absent)}`));
  return missing.length > 0 ? findings : [ok('all that is needed is there'), ...findings];
}
