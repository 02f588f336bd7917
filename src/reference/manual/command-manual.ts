/** What the manual says about a command, beyond its one line and its options; `COMMAND --help` shows it, too. */
import type { CommandName } from '../commands.ts';
import type { Block } from './page.ts';

export const commandManual: Readonly<Partial<Record<CommandName, readonly Block[]>>> = {
  list: [
    'Every version that is offered or here, the newest first: whether it is installed, active, available and compatible, and the reason why it is not chosen. With *VERSION* only that one. Images on a server are looked into where that costs little.',
  ],
  check: [
    'Ends with 0 whether or not there is an update; `--exit-code` tells it by 100. Nothing is downloaded, but lists are fetched, and a look is taken into images that may be chosen.',
  ],
  status: [
    'Asks no server. Services that mount an image of a component themselves are shown with the version that they really see; root sees all of them.',
  ],
  why: [
    'From the newest version down, each with its state and the rule that chose it or kept it out; the first line says what a run would do.',
  ],
  history: [
    'Run by run, the newest last: when, under which OS, what changed, and what failed. The last 500 runs are kept that changed something, or could not activate it; other failures are in the journal.',
  ],
  verify: [
    'For each source: which keys would count, why others would not, and what the signature that is there now is worth. With `--installed`, everything that is installed is read to its end: damaged files end with 11, unreadable ones with 14. Nothing is changed.',
  ],
  'check-new': [
    'Prints the version there is to update to and ends with 0; prints nothing and ends with 1 where there is none. Without *NAME* it is about `sysupdate.d/`.',
  ],
  search: [
    'Reads the lists of all sources, and where a source is the directory of a single extension, that of the directory above: Flatcar and Fedora have a list of all extensions there. *WORD* is a part of a name. What is found is told apart by file names, so *NEWEST* is what names say is for this machine. With `--url=` a repository is searched that is no source; nothing of it is read that nobody has signed, but with `--verify=no`.',
  ],
  doctor: [
    'Looks at definitions, keys, systemd and what it lacks, room and permissions, units, the clock, and every image that systemd sees: which one it passes over, which one keeps it from merging anything, and why. Each line is `ok`, a `note`, a `warning` or a `problem`, with the next step. Asks no server and changes nothing. Ends with 0 where there is no problem, with its status where there is one, with 15 where there are several kinds. With `--root=`, what is of the running machine is left out.',
  ],
  apply: [
    'Downloads, verifies, installs and test-merges what is new, makes it visible, has systemd merge, restarts what the images ask for and looks after their health. When something goes wrong, the previous set is put back (16). Without names, all components; one that fails does not stop the others.',
    '*NAME*`@`*VERSION* chooses a version; an older one than the active goes back, and holds the newer ones until one appears that is newer still. Naming a held version releases it.',
  ],
  acquire: [
    'Into `/var/lib/extupdate/staging`, and resumes what was interrupted. Needs no root where staging belongs to the user.',
  ],
  install: ['The rest of `apply`: what was acquired is verified again, installed and activated.'],
  rollback: [
    'With names, each goes back to the version before; without, the whole set goes back to where it was before the last change. The newer versions are held until one appears that is newer still, or `unhold`.',
  ],
  hold: [
    'No other version than the one that is active, or the one named, is chosen until `unhold`; for other OSes, too.',
  ],
  unhold: ['Forgets holds and bad marks of the components.'],
  'reset-floor': [
    'A list that was signed before the last one that was accepted is refused (12), as is one that was emptied. Where a publisher really went back, this accepts it again.',
  ],
  gc: [
    'Kept is what is active, what a record of a bootable OS names, the version before, and the newest `InstancesMax=`. Every run removes the rest; this does only that, and says why each file is kept.',
  ],
  prepare: [
    'Resolves for the OS that is named, acquires and installs out of sight, and plans its record, so that its first boot needs no network. Ends with 17 when something with `Required=yes` has no version that fits. Hooks of OS updates call it; waits two minutes for another run.',
  ],
  select: [
    'What the record of the OS that was booted says and still fits; without a record, the newest installed that fits; and where nothing fits, nothing changes. Asks no server, looks at no signature and no clock.',
  ],
  bless: ['Called by `extupdate-bless.service`. Health checks of what became active with this boot are made up for.'],
  add: [
    'Fetches the list of a repository, finds *EXTENSION* in it by the names that publishers use, looks into an image, and shows the definition that goes with it and the version it would bring. It is written when a person says yes, or with `--yes`. *URL* is the directory with `SHA256SUMS` in it, the directory above, or a file in it.',
    'The list has to be signed by a key of this host. Where nobody has signed whom it knows, a person is asked, or `--verify=no` says it: then the definition has `Verify=no`, and the server is trusted alone.',
  ],
  remove: [
    'Takes extensions out of sight, has systemd merge without them, deletes what is installed of them, for other OSes too, and their definitions, and forgets holds and records. What `add` has written is deleted; what the OS ships is masked by a link to `/dev/null` in `/etc`; what was written by hand stays, and is disabled, but with `--purge`. A run that dies on the way leaves the definition: the next run puts things back, or `remove` is said again.',
    'Units that the images named are stopped; those that they brought and did not name go on running, and are told.',
  ],
  components: ['With `--json`, in the shape of systemd-sysupdate 262.'],
  features: ['With `-C` and `--json`, in the shape of systemd-sysupdate 262.'],
  enable: [
    'Writes drop-ins below `/etc`, as systemd-sysupdate 262 does. With `--feature=` and its like, features are switched, not the component. Nothing is downloaded before the next run, or `--now`.',
  ],
  disable: [
    'A component that is disabled is left alone by all runs. What features turn off is removed by the next run.',
  ],
  publish: [
    'Hashes every regular file in *DIR*, looks into images and tar archives as clients will, and refuses what none of them could load (13) or would refuse as republished (12): all that is wrong is told at once, and nothing is written. Files that are no extensions are listed as they are; hidden and temporary names, links and directories are left out.',
    'Then it writes `SHA256SUMS` and its signature, `SHA256SUMS.gpg`, which systemd from 257 on asks for, too; beside an image without a sidecar, `IMAGE.raw.json` with what it fits; and with `--best-before=` the entry after which clients refuse the list. Payloads and sidecars are on disk before the list, which is replaced as a whole. Where nothing has changed, nothing is written, unless with `--renew`.',
    'How the list is signed has to be said. A key that clients would not take is refused (3): one that is expired, revoked, weak, or unknown to the gpg of systemd.',
  ],
  daemon: [
    'For hosts without timers, and for maintenance windows: see `Schedule=` and `MaintenanceWindow=` in extupdate.conf(5). SIGTERM or SIGINT ends the run that is at work, then the daemon, with 0.',
  ],
};
