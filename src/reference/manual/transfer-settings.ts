/** The settings of definitions, as the manual tells them. */
import type { SettingText } from './setting-text.ts';

/** `[X-Extupdate]`. */
export const extensionSettings: readonly SettingText[] = [
  {
    name: 'Kind',
    value: '*KIND*',
    standard: 'from the path',
    text: [
      'What the component is: `sysext`, `confext`, `portable` (a portable service) or `none` (files that systemd does not merge, which fit every OS).',
    ],
  },
  {
    name: 'MaxVersion',
    value: '*VERSION*',
    standard: 'none',
    text: ['Nothing newer is chosen.'],
  },
  {
    name: 'SkipVersions',
    value: '*GLOB...*',
    standard: 'none',
    text: ['Versions that are never chosen, such as `*-rc*`. May be repeated.'],
  },
  {
    name: 'Manifest',
    value: '*NAME...*',
    standard: '`@f.manifest.gz @f.manifest @f.json @f.raw.json`',
    text: ['Names of sidecar manifests; `@f` is the name of the image without `.raw`.'],
  },
  {
    name: 'SignedBy',
    value: '*FINGERPRINT...*',
    standard: 'any trusted key',
    text: ['Fingerprints of the keys, or signing subkeys, that may sign.'],
  },
  {
    name: 'Keyring',
    value: '*FILE*',
    standard: 'those of the host',
    text: [
      'OpenPGP keys that may sign, in place of all others. What is known elsewhere of these keys counts all the same: a key that was revoked, or masked, is no better for being here.',
    ],
  },
  {
    name: 'Threshold',
    value: '*N*',
    standard: '`1`',
    text: ['How many different keys have to sign.'],
  },
  {
    name: 'Required',
    value: '*BOOL*',
    standard: '`no`',
    text: ['An OS for which nothing fits must not be updated to: `prepare` ends with 17, and hooks refuse the update.'],
  },
  {
    name: 'Activate',
    value: '*WHEN*',
    standard: '`now`',
    text: [
      '`now`; `reboot`: at the next boot (`/run/reboot-required` is touched); `manual`: by `extupdate apply --now` only.',
    ],
  },
  {
    name: 'ExtensionServices',
    value: '*HOW*',
    standard: '`reload`',
    text: [
      'What is done with services that have an image of this component in `ExtensionImages=` or `ExtensionDirectories=`: `reload`; `reload-or-restart` those that see the old version otherwise; `ignore`.',
    ],
  },
  {
    name: 'ReloadUnits',
    value: '*UNIT...*',
    standard: 'none',
    text: ['Units that are reloaded, or restarted, when the version changes. May be repeated.'],
  },
  {
    name: 'HealthCheck',
    value: '*UNIT or COMMAND*',
    standard: 'none',
    text: [
      'A unit that has to start, or a command (beginning with `/`) that has to succeed; tried until `HealthTimeoutSec=` is over. When it fails, the version before is put back (16), and the one that failed is marked bad.',
    ],
  },
  {
    name: 'HealthTimeoutSec',
    value: '*TIME*',
    standard: '`60s`',
    text: ['How long `HealthCheck=`, and the units that the image names, may take to be well.'],
  },
  {
    name: 'AllowExpiredKey',
    value: '*BOOL*',
    standard: 'from `extupdate.conf`',
    text: ['As in extupdate.conf(5), for this source.'],
  },
  {
    name: 'MaxManifestAgeSec',
    value: '*TIME*',
    standard: 'from `extupdate.conf`',
    text: ['As in extupdate.conf(5), for this source; `infinity`: no limit.'],
  },
  {
    name: 'OnWithdrawn',
    value: '*WHAT*',
    standard: '`keep`',
    text: [
      'What becomes of an installed version that its source does not list any more although it lists older ones: `keep` it and say so; go to the `previous` version, the newest that is still listed or here, and stay where there is none; `remove` it, even if nothing takes its place.',
    ],
  },
];

/** `[Transfer]` of sysupdate.d(5). */
export const transferSettings: readonly SettingText[] = [
  {
    name: 'Verify',
    value: '*BOOL*',
    standard: '`yes`',
    text: ['Whether the list of a url source has to be signed by a trusted key. Payloads are hashed in any case.'],
  },
  { name: 'MinVersion', value: '*VERSION*', text: ['Older versions are obsolete: never chosen.'] },
  { name: 'ProtectVersion', value: '*VERSION*', text: ['A version that is never removed; may have specifiers.'] },
  {
    name: 'Features',
    value: '*FEATURE...*',
    text: ['The transfer is on when one of these features is enabled.'],
  },
  { name: 'RequisiteFeatures', value: '*FEATURE...*', text: ['All of these have to be enabled for it.'] },
  { name: 'ChangeLog', value: '*URL*', text: ['Shown where the version is; may have `@v`.'] },
  { name: 'AppStream', value: '*URL*', text: ['A catalogue of AppStream metadata.'] },
];

/** `[Source]`. */
export const sourceSettings: readonly SettingText[] = [
  {
    name: 'Type',
    value: '*TYPE*',
    text: [
      '`url-file`, `url-tar`: files or tar archives in a published directory, listed in its SHA256SUMS. `regular-file`, `tar`, `directory`, `subvolume`: what is in a local directory.',
    ],
  },
  {
    name: 'Path',
    value: '*URL or PATH*',
    text: ['Where the versions are: the directory, with https, http or file URLs for url sources.'],
  },
  {
    name: 'PathRelativeTo',
    value: '*WHAT*',
    standard: '`root`',
    text: ['`explicit`: relative to `--transfer-source=`. Others are left to systemd-sysupdate.'],
  },
  {
    name: 'MatchPattern',
    value: '*PATTERN...*',
    text: ['What a version is called. `@v` is the version. Of several patterns, the first one that matches counts.'],
  },
];

/** `[Target]`. */
export const targetSettings: readonly SettingText[] = [
  {
    name: 'Type',
    value: '*TYPE*',
    standard: 'what goes with the source',
    text: ['`regular-file`, `directory` or `subvolume`. `partition` is left to systemd-sysupdate.'],
  },
  {
    name: 'Path',
    value: '*PATH*',
    text: [
      'The directory for the versions. `/var/lib/extensions/`*NAME*`.raw.v` is the simplest place for a system extension, `/var/lib/confexts/`*NAME*`.raw.v` for a configuration extension.',
    ],
  },
  {
    name: 'PathRelativeTo',
    value: '*WHAT*',
    standard: '`root`',
    text: ['Everything else is left to systemd-sysupdate.'],
  },
  {
    name: 'MatchPattern',
    value: '*PATTERN...*',
    standard: 'that of the source',
    text: ['What a version is called there.'],
  },
  {
    name: 'CurrentSymlink',
    value: '*PATH*',
    text: ['A link to the version that systemd is to see, relative to `Path=` or absolute.'],
  },
  { name: 'InstancesMax', value: '*N*', standard: '`3`', text: ['How many versions stay, at least 2.'] },
  { name: 'Mode', value: '*MODE*', text: ['The access mode of files, in octal digits.'] },
  { name: 'ReadOnly', value: '*BOOL*', text: ['Takes the write bits, or makes a subvolume or directory read-only.'] },
  { name: 'TriesLeft', value: '*N*', text: ['The first value of `@l` in the name.'] },
  { name: 'TriesDone', value: '*N*', text: ['The first value of `@d` in the name.'] },
  {
    name: 'RemoveTemporary',
    value: '*BOOL*',
    text: ['Known and without effect: what an interrupted run left is always removed.'],
  },
  {
    name: 'MatchPartitionType',
    value: '*TYPE*',
    text: ['Of partitions, which are left to systemd-sysupdate, as are the four below.'],
  },
  { name: 'PartitionUUID', value: '*UUID*', text: ['Of partitions.'] },
  { name: 'PartitionFlags', value: '*FLAGS*', text: ['Of partitions.'] },
  { name: 'PartitionNoAuto', value: '*BOOL*', text: ['Of partitions.'] },
  { name: 'PartitionGrowFileSystem', value: '*BOOL*', text: ['Of partitions.'] },
];

const suggestions: readonly SettingText[] = [
  {
    name: 'Suggest',
    value: '*BOOL*',
    text: [
      'Whether it should be on here: a hint, on which only `enable -s` and `-S` act. Counts before the conditions.',
    ],
  },
  {
    name: 'SuggestOnArchitecture',
    value: '*ARCH*',
    text: ['As `ConditionArchitecture=` of systemd.unit(5), `!` and `|` included; likewise the following.'],
  },
  { name: 'SuggestOnFirmware', value: '*FIRMWARE*', text: ['As `ConditionFirmware=`.'] },
  { name: 'SuggestOnVirtualization', value: '*KIND*', text: ['As `ConditionVirtualization=`.'] },
  { name: 'SuggestOnHost', value: '*HOST*', text: ['As `ConditionHost=`.'] },
  { name: 'SuggestOnFraction', value: '*PERCENT*', text: ['A share of all machines, by their machine id.'] },
  { name: 'SuggestOnKernelCommandLine', value: '*WORD*', text: ['As `ConditionKernelCommandLine=`.'] },
  { name: 'SuggestOnVersion', value: '*COMPARISON*', text: ['As `ConditionVersion=`.'] },
  { name: 'SuggestOnCredential', value: '*NAME*', text: ['As `ConditionCredential=`.'] },
  { name: 'SuggestOnSecurity', value: '*KIND*', text: ['As `ConditionSecurity=`.'] },
  { name: 'SuggestOnOSRelease', value: '*COMPARISON*', text: ['As `ConditionOSRelease=`.'] },
  { name: 'SuggestOnMachineTag', value: '*TAG*', text: ['A tag of `/etc/machine-info`.'] },
];

/** `[Feature]` of a `.feature` file. */
export const featureSettings: readonly SettingText[] = [
  { name: 'Description', value: '*TEXT*', text: ['One line.'] },
  { name: 'Documentation', value: '*URL*', text: ['May be repeated.'] },
  { name: 'AppStream', value: '*URL*', text: ['A catalogue of AppStream metadata.'] },
  { name: 'Enabled', value: '*BOOL*', standard: '`no`', text: ['Whether the transfers that name it are on.'] },
  ...suggestions,
];

/** `[Component]` of a `.component` file. */
export const componentSettings: readonly SettingText[] = [
  { name: 'Description', value: '*TEXT*', text: ['One line.'] },
  { name: 'Documentation', value: '*URL*', text: ['May be repeated.'] },
  { name: 'Enabled', value: '*BOOL*', standard: '`yes`', text: ['Whether runs care for it.'] },
  ...suggestions,
];
