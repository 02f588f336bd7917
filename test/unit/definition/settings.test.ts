import { describe, expect, it } from 'vitest';
import { overrideBaseUrl, parseConfig } from '../../../src/definition/config.ts';
import { extensionSettingNames, parseExtensionSettings } from '../../../src/definition/extension-settings.ts';
import { parseIni } from '../../../src/definition/ini.ts';
import { kindOfTarget } from '../../../src/definition/kind.ts';
import { expandSpecifiers } from '../../../src/definition/specifiers.ts';
import { defaultNetworkLimits } from '../../../src/fetch/limits.ts';
import { parseBoolean, parseSize, parseTimeSpan } from '../../../src/syntax.ts';

const own = (text: string) => parseExtensionSettings(parseIni(`[X-Extupdate]\n${text}`, 'f').assignments);
const config = (text: string) => parseConfig(parseIni(`[Extupdate]\n${text}`, 'f').assignments);

describe('[X-Extupdate]', () => {
  it.each([
    ['Kind=confext', { kind: 'confext' }],
    ['Required=yes', { required: true }],
    ['Activate=reboot', { activate: 'reboot' }],
    ['MaxVersion=2.0', { maxVersion: '2.0' }],
    ['SkipVersions=*-rc* 1.?', { skipVersions: ['*-rc*', '1.?'] }],
    ['SkipVersions=a\nSkipVersions=\nSkipVersions=b', { skipVersions: ['b'] }],
    ['Manifest=@f.json', { manifest: ['@f.json'] }],
    [`SignedBy=${'AB'.repeat(20)}`, { signedBy: ['ab'.repeat(20)] }],
    ['Keyring=/usr/lib/app/keys.pgp', { keyring: '/usr/lib/app/keys.pgp' }],
    ['Threshold=2', { threshold: 2 }],
    [`SignedBy=${'ab'.repeat(20)} ${'cd'.repeat(20)}\nThreshold=2`, { threshold: 2 }],
    ['AllowExpiredKey=yes', { allowExpiredKey: true }],
    ['MaxManifestAgeSec=30d', { maxManifestAgeSec: 30 * 86_400 }],
    ['MaxManifestAgeSec=infinity', { maxManifestAgeSec: Number.POSITIVE_INFINITY }],
    ['OnWithdrawn=remove', { onWithdrawn: 'remove' }],
    ['HealthCheck=web.service', { healthCheck: 'web.service' }],
    ['HealthTimeoutSec=2min', { healthTimeoutSec: 120 }],
    ['ReloadUnits=a.service b.socket', { reloadUnits: ['a.service', 'b.socket'] }],
    ['ExtensionServices=reload-or-restart', { extensionServices: 'reload-or-restart' }],
  ])('%s', (text, expected) => {
    expect(own(text)).toMatchObject({ settings: expected, problems: [] });
  });

  it.each([
    ['Kind=image', 'Kind=: "image" is not valid; allowed: sysext, confext, portable, none'],
    ['Required=maybe', 'Required=: "maybe" is not valid; allowed: yes, no'],
    ['Activate=later', 'allowed: now, reboot, manual'],
    ['MaxVersion=a/b', 'allowed: a version'],
    ['Manifest=sidecar.json', 'allowed: file names with @f'],
    ['SignedBy=123', 'allowed: OpenPGP fingerprints'],
    ['Threshold=0', 'allowed: a number of keys'],
    ['MaxManifestAgeSec=0', 'allowed: a time span'],
    ['HealthTimeoutSec=soon', 'allowed: a time span'],
    ['ReloadUnits=web', 'allowed: names of units'],
    ['ExtensionServices=restart', 'allowed: reload, reload-or-restart, ignore'],
    ['HealthCheck=web', 'allowed: a unit such as check.service, or a command that begins with /'],
    ['SkipVersion=1', 'SkipVersion=: unknown setting in [X-Extupdate]; allowed: Kind, Required'],
  ])('%s: %s', (text, message) => {
    expect(own(text).problems).toMatchObject([{ file: 'f', line: 2, message: expect.stringContaining(message) }]);
  });

  it.each([
    [1, ['ab'.repeat(20)], 'names one key'],
    [1, ['ab'.repeat(20), 'AB'.repeat(20)], 'names one key'],
    [2, ['ab'.repeat(20), 'cd'.repeat(20)], 'names 2 keys'],
  ])('refuses a Threshold= above %i: %j', (count, fingerprints, message) => {
    const text = (threshold: number) => `Threshold=${threshold}\nSignedBy=${fingerprints.join(' ')}`;
    expect(own(text(count)).problems).toEqual([]);
    const [problem, ...others] = own(text(count + 1)).problems;
    expect(problem).toMatchObject({ file: 'f', line: 2, severity: 'error' });
    expect(problem?.message).toContain(message);
    expect(others).toEqual([]);
  });

  it('knows the settings of the design', () => {
    expect(extensionSettingNames).toEqual(
      'Kind Required Activate MaxVersion SkipVersions Manifest SignedBy Keyring Threshold AllowExpiredKey MaxManifestAgeSec OnWithdrawn HealthCheck HealthTimeoutSec ReloadUnits ExtensionServices'.split(
        ' ',
      ),
    );
  });
});

describe('extupdate.conf', () => {
  it('reads every setting, later files overriding earlier ones', () => {
    const text =
      'MaxImageSize=1G\nMaxImageSize=2G\nMaxManifestAgeSec=30d\nAllowExpiredKey=yes\nTrustAnchors=1\nAllowHTTP=no\nRateLimit=5M\nProxy=http://p:3128\nCAFile=/etc/ca.pem\nBaseURL=https://a/x http://b\nCredential=https://a/ token\nSchedule=30 2 * * mon\nRandomizedDelaySec=1h\nMaintenanceWindow=02:00-03:00\nMaintenanceWindow=\nMaintenanceWindow=Sun 02:00-04:00\nMaintenanceWindow=Sat 22:00-01:00\n';
    expect(config(text)).toEqual({
      problems: [],
      config: {
        ...defaultNetworkLimits,
        maxImageSize: 2 * 1024 ** 3,
        maxManifestAgeSec: 30 * 86_400,
        allowExpiredKey: true,
        trustAnchors: 1,
        allowHttp: false,
        rateLimit: 5 * 1024 ** 2,
        proxy: 'http://p:3128',
        caFile: '/etc/ca.pem',
        baseUrls: [{ from: 'https://a/x', to: 'http://b' }],
        credentials: [{ prefix: 'https://a/', name: 'token' }],
        schedule: '30 2 * * mon',
        randomizedDelaySec: 3600,
        maintenanceWindows: [
          { days: [0], opens: 120, closes: 240 },
          { days: [6], opens: 1320, closes: 1500 },
        ],
      },
    });
  });

  it.each([
    ['ConnectTimeoutSec=5s', { connectTimeoutSec: 5 }],
    ['StallTimeoutSec=1min', { stallTimeoutSec: 60 }],
    ['ListTimeoutSec=90', { listTimeoutSec: 90 }],
    ['DownloadTimeoutSec=7d', { downloadTimeoutSec: 7 * 86_400 }],
    ['MinRate=2K', { minRate: 2048 }],
    ['MinRate=0', { minRate: 0 }],
    ['MinRateIntervalSec=10min', { minRateIntervalSec: 600 }],
    ['RetrySec=100ms', { retrySec: 0.1 }],
    ['RetryTimeoutSec=0', { retryTimeoutSec: 0 }],
    ['RetryAfterMaxSec=1h', { retryAfterMaxSec: 3600 }],
  ])('limits the network: %s', (text, expected) => {
    expect(config(text)).toMatchObject({ config: { ...defaultNetworkLimits, ...expected }, problems: [] });
  });

  it.each([
    ['StallTimeoutSec=0', 'StallTimeoutSec=: "0" is not valid; allowed: a time span such as 30s, up to 7d'],
    ['DownloadTimeoutSec=8d', 'up to 7d'],
    ['ListTimeoutSec=infinity', 'up to 7d'],
    ['MinRate=infinity', 'allowed: bytes per second'],
    ['MinRate=slow', 'allowed: bytes per second'],
    ['MaxImageSize=big', 'MaxImageSize=: "big" is not valid; allowed: a size'],
    ['BaseURL=https://a', 'BaseURL=: "https://a" is not valid; allowed: two URLs'],
    ['Credential=https://a/ ../x', 'Credential='],
    ['Schedule=daily', 'Schedule=: "daily" is not valid; allowed: five fields of a cron expression'],
    ['Schedule=0 0 0 * * *', 'allowed: five fields'],
    ['Schedule=0 0 * *', 'allowed: five fields'],
    ['RandomizedDelaySec=soon', 'RandomizedDelaySec=: "soon" is not valid; allowed: a time span'],
    ['RandomizedDelaySec=infinity', 'up to 7d'],
    [
      'MaintenanceWindow=Sa 02:00-04:00',
      'MaintenanceWindow=: "Sa 02:00-04:00" is not valid; allowed: [DAYS] HH:MM-HH:MM',
    ],
    ['MaxImagesize=1', 'MaxImagesize=: unknown setting; did you mean MaxImageSize?'],
  ])('%s: %s', (text, message) => {
    expect(config(text).problems).toMatchObject([{ line: 2, message: expect.stringContaining(message) }]);
  });

  it.each(['0 */6 * * *', '* * * * *', '0,30 8-17/2 1,15 jan-mar Mon-Fri', '0 0 L * ?', '0 0 15W * *', '0  2 * * 2#3'])(
    'Schedule=%s has the shape of one',
    (schedule) => {
      expect(config(`Schedule=${schedule}`)).toMatchObject({ config: { schedule }, problems: [] });
    },
  );

  it.each([
    ['https://a/x/y', 'http://b/y'],
    ['https://a/x', 'http://b'],
    ['https://a/xy', 'https://a/xy'],
    ['https://other/x', 'https://other/x'],
  ])('BaseURL= turns %s into %s', (from, to) => {
    expect(overrideBaseUrl(from, config('BaseURL=https://a/x http://b\n').config)).toBe(to);
  });
});

describe('kindOfTarget', () => {
  it.each([
    ['/var/lib/extensions', undefined, 'sysext'],
    ['/var/lib/extensions/foo.raw.v', undefined, 'sysext'],
    ['/opt/extensions/docker', '/etc/extensions/docker.raw', 'sysext'],
    ['/var/lib/extensions.d', '/var/lib/extensions.d/nix.raw', 'sysext'],
    ['/var/lib/confexts/web.raw.v', undefined, 'confext'],
    ['/srv/images', '/run/confexts/web.raw', 'confext'],
    ['/var/lib/portables', undefined, 'portable'],
    ['/home/user/extensions', undefined, 'none'],
    ['/usr/share/gnome-shell/extensions', undefined, 'none'],
    ['/', undefined, 'none'],
  ])('%s, %s: %s', (path, currentSymlink, kind) => {
    expect(kindOfTarget({ path, ...(currentSymlink ? { currentSymlink } : {}) })).toBe(kind);
  });
});

describe('specifiers', () => {
  it.each([
    ['foo_%w_%a', 'foo_43_x86-64'],
    ['100%%', '100%'],
    ['%%w', '%w'],
    ['%x', '%x'],
    ['a%', 'a%'],
    ['%A', ''],
  ])('%s: %s', (text, expected) => {
    expect(expandSpecifiers(text, { w: '43', a: 'x86-64', A: '' })).toBe(expected);
  });
});

describe('values of systemd.syntax(7)', () => {
  it.each([
    ['yes', true],
    ['ON', true],
    ['0', false],
    ['maybe', undefined],
  ])('boolean %s: %s', (text, value) => {
    expect(parseBoolean(text)).toBe(value);
  });
  it.each([
    ['1', 1],
    ['4K', 4096],
    ['1.5G', 1.5 * 1024 ** 3],
    ['2 MiB', 2 * 1024 ** 2],
    ['infinity', Number.POSITIVE_INFINITY],
    ['-1', undefined],
    ['1X', undefined],
  ])('size %s: %s', (text, value) => {
    expect(parseSize(text)).toBe(value);
  });
  it.each([
    ['90', 90],
    ['1h 30min', 5400],
    ['2d', 172_800],
    ['500ms', 0.5],
    ['1y?', undefined],
    ['1h!', undefined],
    ['5 constructor', undefined],
    [`${'1'.repeat(60)}!`, undefined],
    ['', undefined],
  ])('time span %s: %s', (text, value) => {
    expect(parseTimeSpan(text)).toBe(value);
  });
});
