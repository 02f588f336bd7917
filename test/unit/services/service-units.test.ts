import { describe, expect, it } from 'vitest';
import { isDown, isRunning, parseServiceUnits, type ServiceUnit } from '../../../src/services/service-units.ts';

/** What systemd 257 printed; 262 prints the properties in another order. */
const SHOWN_257 = `CanReload=yes

MainPID=117
ReloadResult=success
ExtensionDirectories=/var/lib/x/appdir.v
ExtensionImages=/var/lib/confexts/web.raw.v
Id=both.service
ActiveState=active
CanReload=yes

MainPID=111
ReloadResult=success
ExtensionDirectories=
ExtensionImages=-/var/lib/confexts/web.raw.v:root:noexec /var/lib/x/tool.raw.v:root:nosuid,noexec
Id=web-k.service
ActiveState=active
CanReload=no
`;

const SHOWN_262 = `Id=odd.service
ActiveState=failed
CanReload=yes
MainPID=0
ReloadResult=success
ExtensionImages=/var/lib/x/a b/app.raw -/var/lib/x/c:d/web.raw:root:nosuid:usr:noexec
ExtensionDirectories="-+/var/lib/x/a b" "/var/lib/x/e\\"f" -/nonexist

Id=plain.service
ActiveState=active
MainPID=7
`;

describe('parseServiceUnits', () => {
  it('reads what 257 prints', () => {
    expect(parseServiceUnits(SHOWN_257)).toEqual([
      {
        name: 'both.service',
        mainPid: 117,
        activeState: 'active',
        canReload: true,
        reloadResult: 'success',
        extensions: [
          { what: 'image', paths: ['/var/lib/confexts/web.raw.v'] },
          { what: 'directory', paths: ['/var/lib/x/appdir.v'] },
        ],
      },
      {
        name: 'web-k.service',
        mainPid: 111,
        activeState: 'active',
        canReload: false,
        reloadResult: 'success',
        extensions: [
          {
            what: 'image',
            paths: [
              '/var/lib/confexts/web.raw.v:root:noexec',
              '/var/lib/confexts/web.raw.v:root',
              '/var/lib/confexts/web.raw.v',
            ],
          },
          {
            what: 'image',
            paths: ['/var/lib/x/tool.raw.v:root:nosuid,noexec', '/var/lib/x/tool.raw.v:root', '/var/lib/x/tool.raw.v'],
          },
        ],
      },
    ]);
  });

  it('reads what 262 prints, blanks and colons in paths too, and leaves out what is below RootDirectory=', () => {
    const [odd, plain] = parseServiceUnits(SHOWN_262);
    expect(odd?.extensions.map(({ paths }) => paths[0])).toEqual([
      '/var/lib/x/a b/app.raw',
      '/var/lib/x/c:d/web.raw:root:nosuid:usr:noexec',
      '/var/lib/x/e"f',
      '/nonexist',
    ]);
    expect(odd?.extensions[1]?.paths).toContain('/var/lib/x/c:d/web.raw');
    expect(plain).toEqual({
      name: 'plain.service',
      mainPid: 7,
      activeState: 'active',
      canReload: false,
      reloadResult: '',
      extensions: [],
    });
  });

  it('finds nothing where there is nothing', () => {
    expect(parseServiceUnits('')).toEqual([]);
  });
});

describe('state', () => {
  const unit = (activeState: string, mainPid = 1): ServiceUnit => ({
    name: 'web.service',
    mainPid,
    activeState,
    canReload: true,
    reloadResult: '',
    extensions: [],
  });
  it.each([
    ['active', true, false],
    ['reloading', true, false],
    ['refreshing', true, false],
    ['activating', false, false],
    ['deactivating', false, false],
    ['inactive', false, true],
    ['failed', false, true],
  ])('%s: running %s, down %s', (activeState, running, down) => {
    expect(isRunning(unit(activeState))).toBe(running);
    expect(isDown(unit(activeState))).toBe(down);
  });

  it('without a main process nothing sees anything', () => {
    expect(isRunning(unit('active', 0))).toBe(false);
  });
});
