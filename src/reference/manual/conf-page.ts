/** extupdate.conf(5). */
import { daemonSettings, patienceSettings, transferSettings, trustSettings } from './conf-settings.ts';
import type { ManualPage } from './page.ts';
import { settingItems } from './setting-text.ts';

export const confPage: ManualPage = {
  name: 'extupdate.conf',
  section: 5,
  summary: 'settings of the host for extupdate',
  parts: [
    {
      title: 'Synopsis',
      blocks: [
        {
          code: [
            '/etc/extupdate.conf',
            '/run/extupdate.conf',
            '/usr/local/lib/extupdate.conf',
            '/usr/lib/extupdate.conf',
            '/etc/extupdate.conf.d/*.conf',
            '/run/extupdate.conf.d/*.conf',
            '/usr/local/lib/extupdate.conf.d/*.conf',
            '/usr/lib/extupdate.conf.d/*.conf',
          ].join('\n'),
        },
      ],
    },
    {
      title: 'Description',
      blocks: [
        'Settings of the host stand in the section `[Extupdate]`. The first main file counts, in the order above; it may also be called `extupdate/extupdate.conf` in each of the four directories. Then the drop-ins, sorted by name, a name in an earlier directory taking the place of the same name in a later one; a file that is empty, or a link to `/dev/null`, masks.',
        'A value that is not valid, or a setting that does not exist, is an error that names file, line and what is allowed (3). Sizes take the suffixes K, M, G and T, in powers of 1024. Times are written as in systemd.time(7): `90s`, `5min`, `1d 12h`.',
      ],
    },
    { title: 'Trust', blocks: [settingItems(trustSettings)] },
    { title: 'Transfers', blocks: [settingItems(transferSettings)] },
    { title: 'Patience', blocks: [settingItems(patienceSettings)] },
    { title: 'Daemon', blocks: [settingItems(daemonSettings)] },
    {
      title: 'Example',
      blocks: [
        'A mirror in the house, and updates on Saturday nights only:',
        {
          code: [
            '[Extupdate]',
            'BaseURL=https://extensions.flatcar.org/ https://mirror.example.com/flatcar/',
            'MaintenanceWindow=Sat 22:00-04:00',
          ].join('\n'),
        },
      ],
    },
    { title: 'See also', blocks: ['`extupdate`(8), `extupdate.transfer`(5), `systemd.time`(7)'] },
  ],
};
