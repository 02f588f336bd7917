/** The text of a definition that `add` writes: one that systemd-sysupdate reads, too. Pure. */
import type { ChosenTarget } from './choose-target.ts';

/** What the first line of every definition that `add` has written begins with. */
const MARK = '# Written by "extupdate add';

export interface DefinitionParts {
  readonly name: string;
  /** With a slash at its end. */
  readonly url: string;
  /** False where nobody verifies: then the text says why. */
  readonly verify: boolean;
  /** Fingerprints of the only keys that may sign; empty for all that the host trusts. */
  readonly signedBy: readonly string[];
  /** Preferred ones first. */
  readonly patterns: readonly string[];
  readonly target: ChosenTarget;
  /** Globs of versions that are those of other extensions. */
  readonly skipVersions: readonly string[];
}

/** Renders a definition. */
export function renderDefinition(parts: DefinitionParts): string {
  const { name, url, verify, signedBy, patterns, target, skipVersions } = parts;
  const lines = [
    `${MARK} ${name} ${url}"; "extupdate remove ${name}" takes it away again.`,
    '# It may be edited: sysupdate.d(5) says what the settings mean, and systemd-sysupdate can read it, too.',
    ...(verify ? [] : ['', '[Transfer]', '# The list is not verified: the server is trusted alone.', 'Verify=no']),
    '',
    '[Source]',
    'Type=url-file',
    `Path=${url.replaceAll('%', '%%')}`,
    `MatchPattern=${patterns.join(' ')}`,
    '',
    '[Target]',
    'Type=regular-file',
    `Path=${target.path}`,
    ...(target.pattern === undefined ? [] : [`MatchPattern=${target.pattern}`]),
    ...(target.currentSymlink === undefined ? [] : [`CurrentSymlink=${target.currentSymlink}`]),
    ...(target.instancesMax === undefined ? [] : [`InstancesMax=${target.instancesMax}`]),
    ...own(signedBy, skipVersions),
  ];
  return `${lines.join('\n')}\n`;
}

/** Whether a definition is one that `add` has written. */
export function isWrittenByAdd(text: string): boolean {
  return text.startsWith(MARK);
}

function own(signedBy: readonly string[], skipVersions: readonly string[]): string[] {
  if (signedBy.length + skipVersions.length === 0) return [];
  return [
    '',
    '# Only extupdate reads this section.',
    '[X-Extupdate]',
    ...(signedBy.length > 0 ? [`SignedBy=${signedBy.join(' ')}`] : []),
    ...(skipVersions.length > 0
      ? ['# What the pattern takes for versions, and are other extensions.', `SkipVersions=${skipVersions.join(' ')}`]
      : []),
  ];
}
