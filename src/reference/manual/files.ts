/** Files, units and variables that the manual tells about. */
import type { Item } from './page.ts';

export const environment: readonly Item[] = [
  {
    terms: ['`https_proxy`', '`http_proxy`', '`no_proxy`'],
    text: ['Proxies, in lower or upper case; `Proxy=` in extupdate.conf(5) counts before them.'],
  },
  {
    terms: ['`SYSTEMD_PAGER`', '`PAGER`'],
    text: [
      'The program that tables are shown with on a terminal; `cat`, or an empty value, for none. Default: `less`, else `more`.',
    ],
  },
  { terms: ['`SYSTEMD_LESS`'], text: ['Options for `less`. Default: `FRSXMK`.'] },
  {
    terms: ['`SYSTEMD_PAGERSECURE`'],
    text: [
      'Whether the pager must not start other programs: with `yes`, `less` is told so, and another one is trusted to know; `no` allows it. Where it is not set, and the rights are those of another user than the one who logged in (`SUDO_UID`, `PKEXEC_UID`, /proc/self/loginuid), no pager but `less` is started, whatever is asked for, and it is told so.',
    ],
  },
  { terms: ['`NO_COLOR`'], text: ['Where it is set to anything, nothing is coloured.'] },
  {
    terms: ['`CREDENTIALS_DIRECTORY`'],
    text: ['Where systemd puts the credentials of a unit; see `Credential=` in extupdate.conf(5).'],
  },
];

export const files: readonly Item[] = [
  {
    terms: ['`/var/lib/extupdate/staging`'],
    text: ['What was downloaded and is not installed yet, and what images were found to be.'],
  },
  { terms: ['`/var/lib/extupdate/state.json`'], text: ['Holds, bad marks, and what is installed from where.'] },
  { terms: ['`/var/lib/extupdate/os/`'], text: ['A record for every OS: which versions were active under it.'] },
  { terms: ['`/var/lib/extupdate/sources/`'], text: ['What was seen of each source, against lists from the past.'] },
  { terms: ['`/var/lib/extupdate/history.jsonl`'], text: ['What was done; `extupdate history` shows it.'] },
  { terms: ['`/run/extupdate/lock`'], text: ['The lock of everything that changes the disk.'] },
  {
    terms: ['`/etc/systemd/import-pubring.pgp`', '`/usr/lib/systemd/import-pubring.pgp`'],
    text: [
      'Keys that may sign lists (`.gpg` is read, too), beside those of the VOA hierarchy (`/etc/voa` and its like).',
    ],
  },
];

export const units: readonly Item[] = [
  {
    terms: ['`extupdate.timer`'],
    text: [
      'Starts `extupdate-install.service`, which pulls in `extupdate-acquire.service` and `extupdate-activate.service`.',
    ],
  },
  {
    terms: ['`extupdate-boot.service`', '`extupdate-boot-late.service`'],
    text: ['`select` at boot; the late one where extupdate comes as an extension itself.'],
  },
  { terms: ['`extupdate-bless.service`'], text: ['`bless`, when `boot-complete.target` is reached.'] },
  {
    terms: ['`extupdate-prepare.service`'],
    text: ['`prepare --bootable`; started by `extupdate-ostree.path` and `extupdate-sysupdate-notify.socket`.'],
  },
  { terms: ['`extupdate-daemon.service`'], text: ['`daemon`, in place of the timer.'] },
  {
    terms: ['`extupdate-varlink.socket`'],
    text: ['The same for programs: the interface `io.extupdate.Manager` at `/run/extupdate/io.extupdate.Manager`.'],
  },
  {
    terms: ['`extupdate-incoming@`*NAME*`.path`'],
    text: ['`apply` *NAME* when something is put into `/var/lib/extupdate/incoming/`*NAME*.'],
  },
];
