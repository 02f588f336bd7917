/** extupdate.transfer(5). */
import { specifiers } from '../../definition/specifiers.ts';
import type { ManualPage } from './page.ts';
import { settingItems } from './setting-text.ts';
import {
  componentSettings,
  extensionSettings,
  featureSettings,
  sourceSettings,
  targetSettings,
  transferSettings,
} from './transfer-settings.ts';

const directories = ['/etc', '/run', '/usr/local/lib', '/usr/lib'];

export const transferPage: ManualPage = {
  name: 'extupdate.transfer',
  section: 5,
  summary: 'what extupdate keeps current, and where it comes from',
  parts: [
    {
      title: 'Synopsis',
      blocks: [
        {
          code: [
            ...directories.map((directory) => `${directory}/extupdate/transfer.d/*.transfer`),
            ...directories.map((directory) => `${directory}/sysupdate.NAME.d/*.transfer`),
            ...directories.map((directory) => `${directory}/sysupdate.d/*.transfer`),
          ].join('\n'),
        },
      ],
    },
    {
      title: 'Description',
      blocks: [
        'The format is that of sysupdate.d(5), unchanged, so that definitions of systemd-sysupdate work without an edit, drop-ins (*NAME*`.transfer.d/*.conf`), masks and specifiers included. Directories are listed in order of precedence: a file in an earlier one takes the place of the file of the same name in a later one; a file that is empty, or a link to `/dev/null`, masks.',
        'Each file in `extupdate/transfer.d` is a *component* of its own, named after the file without a leading *NN*`-`. All transfers in `sysupdate.`*NAME*`.d` together are the component *NAME* (`*.conf` counts there where no `*.transfer` does); those in `sysupdate.d` are the component `default`. The same component from both places is an error.',
        'A value that is not valid stops its component, with file, line and what is allowed (3); the other components go on. Unknown settings are warned about, as systemd does; in `[X-Extupdate]` they are errors.',
      ],
    },
    {
      title: '[X-Extupdate]',
      blocks: [
        'Settings that only extupdate knows. systemd-sysupdate ignores the section silently. Where a component has several transfers, all sections count together.',
        settingItems(extensionSettings),
      ],
    },
    { title: '[Transfer]', blocks: ['See sysupdate.d(5).', settingItems(transferSettings)] },
    { title: '[Source]', blocks: [settingItems(sourceSettings)] },
    { title: '[Target]', blocks: [settingItems(targetSettings)] },
    {
      title: 'Patterns',
      blocks: [
        'A pattern matches a whole file name. Wildcards: `@v` the version (needed); `@h` the SHA-256; `@s` the size; `@t` the time, in microseconds; `@m` the mode; `@r` whether it is read-only; `@l` and `@d` tries left and done; `@u`, `@f`, `@a` and `@g` are of partitions. A wildcard ends where the text that follows it first occurs. `**/` at the beginning looks at any depth.',
        'Versions are compared as UAPI.10 says: `1.2.0-rc1` is newer than `1.2.0`, `1.2.0~rc1` is older.',
      ],
    },
    {
      title: 'Specifiers',
      blocks: [
        'In `Path=`, `MatchPattern=`, `CurrentSymlink=`, `MinVersion=` and `ProtectVersion=`:',
        {
          items: Object.entries({ ...specifiers, '%': 'a percent sign' }).map(([letter, meaning]) => ({
            terms: [`\`%${letter}\``],
            text: [meaning],
          })),
        },
      ],
    },
    {
      title: '[Feature]',
      blocks: [
        '*NAME*`.feature` beside the transfers, with drop-ins in *NAME*`.feature.d/`, is a switch for the transfers that name it. A feature without a file is off. What features turn off is removed by the next run.',
        settingItems(featureSettings),
      ],
    },
    {
      title: '[Component]',
      blocks: [
        '`sysupdate.`*NAME*`.component` in the four directories, or *NAME*`.component` beside the transfer in `extupdate/transfer.d`, with drop-ins likewise. What is disabled is left alone.',
        settingItems(componentSettings),
      ],
    },
    {
      title: 'Example',
      blocks: [
        'Docker as Flatcar publishes it:',
        {
          code: [
            '[Transfer]',
            'Verify=no',
            '',
            '[Source]',
            'Type=url-file',
            'Path=https://extensions.flatcar.org/extensions/docker/',
            'MatchPattern=docker-@v-%a.raw',
            '',
            '[Target]',
            'Path=/opt/extensions/docker',
            'CurrentSymlink=/etc/extensions/docker.raw',
            '',
            '[X-Extupdate]',
            'SkipVersions=*-rc*',
            'HealthCheck=docker.service',
          ].join('\n'),
        },
      ],
    },
    {
      title: 'See also',
      blocks: ['`extupdate`(8), `extupdate.conf`(5), `sysupdate.d`(5), `systemd-sysext`(8), `systemd.v`(7)'],
    },
  ],
};
