/** What the driver tells of a scenario, and what a person reads of one that failed. */
import { renderDifference } from './compare.ts';
import type { Failure, Played } from './play.ts';
import { definitionOf, renderStep, type Scenario } from './scenario.ts';
import { renderEntry, type Tree } from './tree.ts';

export interface Report {
  readonly seed: number;
  readonly commands: number;
  readonly comparisons: number;
  readonly seen: Readonly<Record<string, number>>;
  /** How to understand and replay each command that went wrong. */
  readonly failures: readonly string[];
}

export function reportOf(scenario: Scenario, { failures, ...figures }: Played): Report {
  return { seed: scenario.seed, ...figures, failures: failures.map((failure) => describeFailure(scenario, failure)) };
}

function describeFailure(scenario: Scenario, failure: Failure): string {
  const features = Object.entries(scenario.features).map(([name, on]) => `# ${name}.feature: ${on ? 'on' : 'off'}\n`);
  return [
    `systemd ${failure.systemd}; again: EXTUPDATE_TEST_SEED=${scenario.seed} EXTUPDATE_TEST_SCENARIOS=1`,
    ...scenario.transfers.map((spec) => `# ${spec.name}.transfer\n${definitionOf(spec, 'http://SERVER/src')}`),
    features.join(''),
    ...[...failure.earlier, failure.command].map(renderStep),
    'differs:',
    ...failure.unexplained.map((difference) => `  ${renderDifference(difference)}`),
    'before:',
    renderTree(failure.before),
    'systemd-sysupdate:',
    renderTree(failure.bySystemd.files),
    indent(failure.bySystemd.said.replace(chatter, '')),
    'extupdate:',
    renderTree(failure.byExtupdate.files),
    indent(failure.byExtupdate.said),
    'to edit and play alone, EXTUPDATE_TEST_SCENARIO=FILE with:',
    JSON.stringify({ ...scenario, steps: [...failure.earlier, failure.command] }),
  ].join('\n');
}

/** Lines of systemd-sysupdate and its helpers that tell nothing. */
const chatter =
  /^(Discovering|Determining|Pulling|Downloading|Acquired|Download of|Operation completed|Exiting|. Acquiring|.*lacks MatchPattern).*\n/gm;

function renderTree(tree: Tree): string {
  return [...tree].map(([path, entry]) => `  ${path}: ${renderEntry(entry)}`).join('\n');
}

function indent(text: string): string {
  return text.trimEnd().replace(/^/gm, '  ');
}
