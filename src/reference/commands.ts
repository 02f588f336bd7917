/**
 * Every command and its options. Help, manual pages and completions are made of this table, and the command line is read
 * by it; what the manual says beyond the summaries stands in `command-manual.ts`.
 */
import type { CommandText, OptionText } from './command-text.ts';

const acceptRepublished = {
  flags: '--accept-republished',
  summary: 'take what was published again under its old name with other content',
} as const satisfies OptionText;

const now = { flags: '--now', summary: 'activate at once, whatever Activate= says' } as const satisfies OptionText;

const switches = [
  {
    flags: '--feature <name>',
    summary: 'switch this feature of the component (may be repeated)',
    completes: 'feature',
    repeats: true,
  },
  { flags: '-a, --feature-all', summary: 'switch all its features' },
  { flags: '-s, --feature-suggested', summary: 'switch the features that are suggested here' },
  { flags: '-A, --component-all', summary: 'switch all components, or features of all' },
  { flags: '-S, --component-suggested', summary: 'switch the components that are suggested here' },
  { flags: '--now', summary: 'apply at once' },
] as const satisfies readonly OptionText[];

export const commands = [
  {
    name: 'list',
    words: '[name] [version]',
    summary: 'list versions: offered, installed, active, and why one is not chosen',
    group: 'look',
  },
  {
    name: 'check',
    words: '[names...]',
    summary: 'say what apply would change to',
    group: 'look',
    options: [{ flags: '--exit-code', summary: 'exit with 100 when there is an update' }, acceptRepublished],
  },
  {
    name: 'status',
    words: '[names...]',
    summary: 'show what is installed and active, without a network',
    group: 'look',
    options: [{ flags: '--os', summary: 'show what every OS that can be booted would get' }],
  },
  { name: 'why', words: '<name>', summary: 'say for every version why it is chosen or not', group: 'look' },
  { name: 'history', words: '[names...]', summary: 'show what was done', group: 'look' },
  {
    name: 'verify',
    words: '[names...]',
    summary: 'say which keys and signatures count, and why the others do not',
    group: 'look',
    options: [{ flags: '--installed', summary: 'read what is installed, and say what is damaged' }],
  },
  {
    name: 'check-new',
    words: '[name]',
    summary: 'say which version there is to update to, as systemd-sysupdate does',
    group: 'look',
  },
  {
    name: 'search',
    words: '[word]',
    summary: 'list what the sources of this host offer, defined or not',
    group: 'look',
    options: [{ flags: '--url <url>', summary: 'look into this repository in place of those sources' }],
    common: [
      ...['root', 'definitions', 'component', 'json', 'verify', 'offline', 'keyring', 'arch'],
      ...['no-pager', 'no-legend', 'debug'],
    ],
  },
  {
    name: 'doctor',
    words: '',
    summary: 'check this host, and say what to do about what is wrong',
    group: 'look',
    common: ['root', 'definitions', 'json', 'keyring', 'arch', 'no-pager', 'debug'],
  },
  {
    name: 'apply',
    words: '[name@version...]',
    summary: 'acquire, install and activate the newest versions that fit, or those named',
    group: 'change',
    options: [now, acceptRepublished],
  },
  {
    name: 'acquire',
    words: '[name@version...]',
    summary: 'download only',
    group: 'change',
    options: [acceptRepublished],
  },
  {
    name: 'install',
    words: '[name@version...]',
    summary: 'install and activate what is downloaded, without a network',
    group: 'change',
    options: [acceptRepublished, now, { flags: '--no-activate', summary: 'only install; nothing becomes visible' }],
  },
  {
    name: 'rollback',
    words: '[names...]',
    summary: 'go back to the version before, or to the set before the last change; without a network',
    group: 'change',
  },
  {
    name: 'hold',
    words: '<name@version...>',
    summary: 'stay at the version that is active, or at the one named',
    group: 'change',
  },
  {
    name: 'unhold',
    words: '<names...>',
    summary: 'follow the newest version again, and try again what failed',
    group: 'change',
  },
  {
    name: 'reset-floor',
    words: '<names...>',
    summary: 'forget what was seen of their sources: an older list is accepted again',
    group: 'change',
  },
  {
    name: 'gc',
    words: '[names...]',
    summary: 'remove versions that nothing needs, and say why the others stay',
    group: 'change',
  },
  {
    name: 'prepare',
    words: '[names...]',
    summary: 'acquire and install now what another OS needs at its first boot',
    group: 'os',
    options: [
      {
        flags: '--os-root <dir>',
        summary: 'the OS whose tree, or whose /usr, is in this directory',
        completes: 'directory',
      },
      { flags: '--os-release <file>', summary: 'the OS with this os-release file', completes: 'file' },
      { flags: '--uki <file>', summary: 'the OS of this unified kernel image', completes: 'file' },
      { flags: '--bootable', summary: 'every OS that can be booted' },
      { flags: '--check', summary: 'only say what it would get; 17 when something required has no version that fits' },
    ],
  },
  {
    name: 'select',
    words: '[names...]',
    summary: 'at boot: make visible what goes with the OS that was booted; without a network',
    group: 'os',
  },
  {
    name: 'bless',
    words: '',
    summary: 'after boot-complete.target: this boot is good, and what became active with it if it is healthy',
    group: 'os',
  },
  {
    name: 'add',
    words: '<extension> <url>',
    summary: 'define an extension that a repository offers; asks before it writes',
    group: 'setup',
    options: [
      {
        flags: '--signed-by <fingerprint>',
        summary: 'only lists that this key has signed count (may be repeated)',
        repeats: true,
      },
      { flags: '--yes', summary: 'write it without asking' },
      { flags: '--force', summary: 'replace a definition that add has written before' },
      { flags: '--now', summary: 'apply at once' },
    ],
    common: [
      ...['root', 'definitions', 'json', 'verify', 'offline', 'dry-run', 'keyring', 'arch', 'no-refresh', 'wait'],
      ...['no-legend', 'debug'],
    ],
  },
  {
    name: 'remove',
    words: '<names...>',
    summary: 'take extensions away: what is installed of them, and their definitions; asks before',
    group: 'setup',
    options: [
      { flags: '--yes', summary: 'do it without asking' },
      { flags: '--purge', summary: 'delete definitions that were written by hand, too' },
      { flags: '--keep-files', summary: 'take the definition away, and leave what is installed' },
    ],
    common: ['root', 'definitions', 'json', 'dry-run', 'arch', 'no-refresh', 'wait', 'debug'],
  },
  {
    name: 'components',
    words: '',
    summary: 'list components, and whether they are enabled',
    group: 'setup',
  },
  {
    name: 'features',
    words: '[names...]',
    summary: 'list optional features; with -C COMPONENT, the word names a feature of it',
    group: 'setup',
  },
  {
    name: 'enable',
    words: '[names...]',
    summary: 'enable components, or features of theirs; the next run acts on it',
    group: 'setup',
    options: switches,
  },
  {
    name: 'disable',
    words: '[names...]',
    summary: 'disable components, or features of theirs; the next run acts on it',
    group: 'setup',
    options: switches,
  },
  {
    name: 'publish',
    words: '<dir>',
    summary: 'list and sign the images in a directory, for a web server to offer',
    group: 'publish',
    common: ['json', 'dry-run', 'wait', 'no-pager', 'no-legend', 'debug'],
    options: [
      { flags: '--key <file>', summary: 'sign with the OpenPGP secret key in this file', completes: 'file' },
      { flags: '--gpg-key <id>', summary: 'sign through gpg, with this key' },
      { flags: '--gpg', summary: 'sign through gpg, with its default key' },
      { flags: '--no-sign', summary: 'publish without a signature' },
      {
        flags: '--passphrase-file <file>',
        summary: 'the first line of this file is the passphrase of the key',
        completes: 'file',
      },
      {
        flags: '--best-before <day>',
        summary: 'until when the list is good: a day (2027-01-31), or a time span from now on (30d)',
      },
      { flags: '--renew', summary: 'sign again, although nothing has changed' },
      { flags: '--no-sidecars', summary: 'write no files that tell what the images fit' },
      {
        flags: '--allow-unsuitable <glob>',
        summary: 'list files with such a name although no client could load them (may be repeated)',
        repeats: true,
      },
      {
        flags: '--accept-republished',
        summary: 'list what was published before with other content, which clients that have it refuse',
      },
    ],
  },
  {
    name: 'daemon',
    words: '',
    summary: 'acquire and install on the schedule of extupdate.conf, until it is told to stop',
    group: 'run',
  },
] as const satisfies readonly CommandText[];

/** The commands that print a table or a document. */
export type CommandName = (typeof commands)[number]['name'];
