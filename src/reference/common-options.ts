/** Options that commands share. */
import type { OptionText } from './command-text.ts';

export const commonOptions = [
  {
    flags: '--root <dir>',
    summary: 'work on the tree of an operating system in this directory',
    completes: 'directory',
  },
  { flags: '--definitions <dir>', summary: 'read definitions from this directory only', completes: 'directory' },
  {
    flags: '-C, --component <name>',
    summary: 'look at this component only (may be repeated)',
    completes: 'component',
    repeats: true,
  },
  { flags: '--json <mode>', summary: 'print one JSON document', choices: ['short', 'pretty', 'off'], standard: 'off' },
  { flags: '--verify <bool>', summary: 'override Verify= of the definitions' },
  { flags: '--offline', summary: 'ask no server; use what is here' },
  { flags: '--dry-run', summary: 'say what would be done, and do nothing' },
  {
    flags: '--keyring <file>',
    summary: 'use these OpenPGP keys in place of the host’s (may be repeated)',
    completes: 'file',
    repeats: true,
  },
  { flags: '--arch <arch>', summary: 'match for this architecture (x86-64, arm64, ...)' },
  {
    flags: '--transfer-source <dir>',
    summary: 'what PathRelativeTo=explicit is relative to',
    completes: 'directory',
  },
  { flags: '-m, --instances-max <n>', summary: 'keep so many versions, at least 2' },
  { flags: '--no-refresh', summary: 'do not have systemd merge' },
  { flags: '--wait <sec>', summary: 'wait so long for another run to end' },
  { flags: '--no-pager', summary: 'do not pipe output into a pager' },
  { flags: '--no-legend', summary: 'print no header and no counts' },
  { flags: '--debug', summary: 'print stack traces' },
] as const satisfies readonly OptionText[];
