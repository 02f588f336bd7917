/** Definitions, features and switches: what is defined, and what is wrong with it. Pure. */
import { exitStatus } from '../errors.ts';
import { type Finding, findingsOf, listed } from './finding.ts';

export interface DefinitionFacts {
  readonly components: readonly string[];
  readonly broken: readonly { readonly name: string; readonly problems: readonly string[] }[];
  readonly left: readonly { readonly name: string; readonly reason: string }[];
  readonly disabled: readonly string[];
  /** Components that their features turn off. */
  readonly turnedOff: readonly string[];
  readonly warnings: readonly string[];
  /** Target directories that somebody else than root could exchange files in, and why. */
  readonly unsafe: readonly { readonly name: string; readonly text: string; readonly next?: string | undefined }[];
}

const { ok, note, warning, problem } = findingsOf('definitions');

/** What no run would take is a problem each; what is off, left to others or ignored is told besides. */
export function checkDefinitions(facts: DefinitionFacts): Finding[] {
  const { components, broken, left, disabled, turnedOff, warnings, unsafe } = facts;
  const findings: Finding[] = [];
  for (const { name, problems } of broken) {
    for (const text of problems) findings.push(problem(exitStatus.config, text, `mend it; extupdate list ${name}`));
  }
  for (const { name, text, next } of unsafe) findings.push(problem(exitStatus.config, `${name}: ${text}`, next));
  for (const text of warnings) findings.push(warning(text, 'it is ignored: mend it, or take it out'));
  for (const { name, reason } of left) findings.push(note(`${name} is left to systemd-sysupdate: ${reason}`));
  if (disabled.length > 0) findings.push(note(`disabled: ${listed(disabled)}`, 'extupdate enable NAME'));
  if (turnedOff.length > 0) {
    findings.push(note(`turned off by their features: ${listed(turnedOff)}`, 'extupdate features -C NAME'));
  }
  if (components.length > 0) {
    return [
      ok(`${components.length === 1 ? 'one component' : `${components.length} components`}: ${listed(components)}`),
      ...findings,
    ];
  }
  if (findings.length > 0) return findings;
  return [note('there are none', 'extupdate add NAME URL defines an extension that a repository offers')];
}
