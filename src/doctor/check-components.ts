/** Whether what is active of each component is what should be. Pure. */
import { type Finding, findingsOf, listed } from './finding.ts';

export interface ComponentFact {
  readonly name: string;
  /** The version that systemd sees; undefined for none. */
  readonly active: string | undefined;
  /** What is wrong with that, where it is not what a run would choose among what is installed. */
  readonly wrong: { readonly code: string; readonly text: string } | undefined;
  /** The version that a run would choose among what is installed. */
  readonly chosen: string | undefined;
  /** Why that is not active. */
  readonly why: string | undefined;
  /** Whether anything of it is installed. */
  readonly isInstalled: boolean;
  /** Why it cannot be told what is installed. */
  readonly unreadable: string | undefined;
  /** Versions that failed under this OS, and why. */
  readonly bad: readonly { readonly version: string; readonly reason: string }[];
}

export interface ComponentFacts {
  readonly components: readonly ComponentFact[];
  /** Components that are off, and of which something is visible still. */
  readonly offAndVisible: readonly string[];
}

const { ok, note, warning } = findingsOf('components');

/** What is active and should not be, or could be and is not; what is as it should be stands in one line. */
export function checkComponents({ components, offAndVisible }: ComponentFacts): Finding[] {
  const findings: Finding[] = [];
  const good: string[] = [];
  for (const { name, active, wrong, chosen, why, isInstalled, unreadable, bad } of components) {
    for (const { version, reason } of bad) {
      findings.push(
        note(`${name}: version ${version} is kept out: ${reason}`, `extupdate unhold ${name} lets it be tried again`),
      );
    }
    if (unreadable !== undefined) findings.push(note(unreadable, 'run as root'));
    else if (!isInstalled) findings.push(note(`${name}: nothing is installed`, `extupdate apply ${name}`));
    else if (active === undefined && chosen === undefined) {
      findings.push(warning(`${name}: nothing that is installed fits this OS`, `extupdate why ${name}`));
    } else if (active === undefined || (chosen !== undefined && chosen !== active)) {
      const text = `${name}: ${chosen} is installed, and ${active ?? 'nothing'} is active${why === undefined ? '' : `: ${why}`}`;
      findings.push(note(text, `extupdate apply --now ${name}`));
    } else if (wrong) {
      findings.push(warning(`${name}: ${active} is active, and should not be: ${wrong.text}`, `extupdate why ${name}`));
    } else good.push(`${name} ${active}`);
  }
  for (const name of offAndVisible) {
    findings.push(warning(`${name} is off, and still visible`, `extupdate apply ${name}, or extupdate remove ${name}`));
  }
  return good.length > 0 ? [ok(`active as they should be: ${listed(good)}`), ...findings] : findings;
}
