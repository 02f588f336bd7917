/** The settings of `extupdate.conf`, as the manual tells them. */
import type { SettingText } from './setting-text.ts';

export const trustSettings: readonly SettingText[] = [
  {
    name: 'AllowExpiredKey',
    value: '*BOOL*',
    standard: '`no`',
    text: ['Accept signatures by keys that have expired since. Every run says so, and revoked keys never count.'],
  },
  {
    name: 'MaxManifestAgeSec',
    value: '*TIME*',
    standard: 'no limit',
    text: [
      'A list that was signed longer ago is refused (12): a server, or somebody between, that keeps back security updates is noticed after that time. A publisher can say the same with `BEST-BEFORE-`*DATE* in the list.',
    ],
  },
  {
    name: 'TrustAnchors',
    value: '*N*',
    standard: '`3`',
    text: [
      'How many trust anchors have to certify a verifier of the VOA hierarchy, where there are any for it. 1 to 16.',
    ],
  },
  {
    name: 'AllowHTTP',
    value: '*BOOL*',
    standard: '`no`',
    text: ['Follow a redirect from https to http.'],
  },
];

export const transferSettings: readonly SettingText[] = [
  {
    name: 'MaxImageSize',
    value: '*SIZE*',
    standard: '`16G`',
    text: ['The largest image, as published and unpacked; `infinity` for any.'],
  },
  {
    name: 'RateLimit',
    value: '*SIZE*',
    standard: 'none',
    text: ['Bytes per second, for all downloads together.'],
  },
  {
    name: 'BaseURL',
    value: '*FROM* *TO*',
    standard: 'none',
    text: [
      'Replaces the beginning of source URLs: a mirror, on a server or (`file:///...`) in a directory. May be repeated; the first that matches counts. An empty value forgets those before it.',
    ],
  },
  {
    name: 'Credential',
    value: '*PREFIX* *NAME*',
    standard: 'none',
    text: [
      'The systemd credential *NAME* (`user:password`, or a token) is sent as Authorization to URLs with the prefix, and dropped on a redirect to another host. May be repeated. Units get it by `LoadCredential=` or `ImportCredential=` in a drop-in.',
    ],
  },
  {
    name: 'Proxy',
    value: '*URL*',
    standard: 'the environment',
    text: ['The proxy for all requests; without it `https_proxy`, `http_proxy` and `no_proxy` count.'],
  },
  {
    name: 'CAFile',
    value: '*PATH*',
    standard: 'those of the OS',
    text: ['A PEM file of the authorities that are trusted for TLS.'],
  },
];

export const patienceSettings: readonly SettingText[] = [
  {
    name: 'ConnectTimeoutSec',
    value: '*TIME*',
    standard: '`10s`',
    text: ['Time for a connection, TLS included.'],
  },
  {
    name: 'StallTimeoutSec',
    value: '*TIME*',
    standard: '`30s`',
    text: ['The longest silence of a server, before its answer and in it.'],
  },
  {
    name: 'ListTimeoutSec',
    value: '*TIME*',
    standard: '`60s`',
    text: ['Time for a list, signature or sidecar, or a look into a remote image, with all tries.'],
  },
  {
    name: 'DownloadTimeoutSec',
    value: '*TIME*',
    standard: '`4h`',
    text: ['Time for an image, with all tries and pauses; the next run goes on where it ended.'],
  },
  {
    name: 'MinRate',
    value: '*SIZE*',
    standard: '`1K`',
    text: ['Bytes per second that an image has to come with, on average over `MinRateIntervalSec=`; `0` for any.'],
  },
  {
    name: 'MinRateIntervalSec',
    value: '*TIME*',
    standard: '`5min`',
    text: ['The interval of `MinRate=`.'],
  },
  {
    name: 'RetrySec',
    value: '*TIME*',
    standard: '`400ms`',
    text: ['The pause before the second try, doubled for each further one.'],
  },
  {
    name: 'RetryTimeoutSec',
    value: '*TIME*',
    standard: '`10min`',
    text: ['After so long without any progress, no further try is begun.'],
  },
  {
    name: 'RetryAfterMaxSec',
    value: '*TIME*',
    standard: '`15min`',
    text: ['How long a server may ask to wait (`Retry-After:`), for one file in all.'],
  },
];

export const daemonSettings: readonly SettingText[] = [
  {
    name: 'Schedule',
    value: '*CRON*',
    standard: '`0 */6 * * *`',
    text: [
      'When `extupdate daemon` runs: minute, hour, day of month, month, day of week (both days have to match), in local time.',
    ],
  },
  {
    name: 'RandomizedDelaySec',
    value: '*TIME*',
    standard: '`30min`',
    text: ['Each cycle of the daemon begins after a random part of it.'],
  },
  {
    name: 'MaintenanceWindow',
    value: '[*DAYS*] *HH:MM*-*HH:MM*',
    standard: 'always',
    text: [
      'When the daemon may install, in local time: `Mon..Fri 22:00-04:00` (open until the next morning), `Sun 00:00-24:00`. May be repeated.',
    ],
  },
];

/** All of them, in the order of the manual. */
export const confSettings: readonly SettingText[] = [
  ...trustSettings,
  ...transferSettings,
  ...patienceSettings,
  ...daemonSettings,
];
