/** `features`, `components`, `enable` and `disable`, and what other commands make of what is off. */
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extensionImage } from '../../support/images.ts';
import { definition, makeWorld, runProgram, type World } from '../../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.close());

const DROP_IN = '50-systemd-sysupdate-enabled.conf';
const image = (name: string) => extensionImage({ name, release: { ID: 'testos', VERSION_ID: '1' }, files: {} });

function define(path: string, name: string, settings: Record<string, string> = {}): void {
  const sections = {
    Transfer: settings,
    Source: { Type: 'url-file', Path: `${world.server.url}/${name}`, MatchPattern: `${name}_@v.raw` },
    Target: { Path: `/var/lib/extensions/${name}.raw.v`, MatchPattern: `${name}_@v.raw` },
  };
  world.write(path, definition(sections));
}

async function offer(...names: string[]): Promise<void> {
  for (const name of names) await world.publish(name, { [`${name}_1.raw`]: image(name) });
}

const installed = (name: string) => existsSync(join(world.root, `var/lib/extensions/${name}.raw.v/${name}_1.raw`));

describe('a component that is disabled', () => {
  beforeEach(async () => {
    define('usr/lib/extupdate/transfer.d/10-app.transfer', 'app');
    define('usr/lib/sysupdate.tool.d/tool.transfer', 'tool');
    await offer('app', 'tool');
  });

  it.each([
    ['app', `etc/extupdate/transfer.d/app.component.d/${DROP_IN}`],
    ['tool', `etc/sysupdate.tool.component.d/${DROP_IN}`],
  ])('%s is so by a drop-in below /etc', async (name, file) => {
    const disabled = await world.run(['disable', name]);
    expect(disabled).toMatchObject({
      status: 0,
      stdout: `${name}: disabled\nWhat is installed stays as it is, and is not updated any more.\n`,
      stderr: '',
    });
    expect(world.read(file)).toBe("# Generated via 'extupdate disable'\n\n[Component]\nEnabled=no\n");
    expect((await world.run(['enable', name])).stdout).toContain(
      `${name}: enabled\nNothing is downloaded or removed yet`,
    );
    expect(world.read(file)).toBe("# Generated via 'extupdate enable'\n\n[Component]\nEnabled=yes\n");
  });

  it('is passed over, and refused when a run is to change it', async () => {
    await world.run(['disable', 'tool']);
    expect(await world.run(['apply'])).toMatchObject({ status: 0, stdout: 'app: exposed 1\n' });
    expect([installed('app'), installed('tool')]).toEqual([true, false]);
    for (const command of ['apply', 'acquire', 'install', 'rollback', 'hold']) {
      const refused = await world.run([command, 'tool']);
      expect([refused.status, refused.stderr]).toEqual([
        2,
        'extupdate: tool is disabled\n  "extupdate enable tool" enables it\n',
      ]);
    }
    expect((await world.run(['list', 'tool'])).stdout).toContain('tool: disabled');
    expect((await world.run(['components', '--no-legend'])).stdout).toBe('app   yes  no  -  -\ntool  no   no  -  -\n');
  });

  it('keeps what it has', async () => {
    await world.run(['apply']);
    await world.run(['disable', 'tool']);
    await world.run(['apply']);
    await world.run(['gc']);
    expect(installed('tool')).toBe(true);
  });

  it('is applied at once with --now', async () => {
    await world.run(['disable', 'tool']);
    const result = await world.run(['enable', 'tool', '--now']);
    expect(result).toMatchObject({ status: 0, stdout: 'tool: enabled\ntool: exposed 1\n' });
    expect([installed('app'), installed('tool')]).toEqual([false, true]);
  });

  it('says so when another drop-in has the last word', async () => {
    world.write('etc/sysupdate.tool.component.d/60-site.conf', '[Component]\nEnabled=no\n');
    const { status, stderr } = await world.run(['enable', 'tool']);
    expect(status).toBe(0);
    expect(stderr).toContain(
      `tool: it is disabled all the same: a drop-in that sorts after /etc/sysupdate.tool.component.d/${DROP_IN} says so`,
    );
  });

  it('nothing is written by --dry-run', async () => {
    const file = `etc/sysupdate.tool.component.d/${DROP_IN}`;
    const text = await world.run(['disable', 'tool', '--dry-run']);
    expect(text.stdout).toBe(`tool: would be disabled, by /${file}\n`);
    const json = await world.run(['disable', 'tool', '--now', '--feature-all', '--dry-run', '--json=short']);
    expect(json.json()).toMatchObject({ format: 1, errors: [], switched: [] });
    expect(world.read(file)).toBeUndefined();
  });

  it('is told in the document', async () => {
    const { stdout } = await world.run(['disable', '--component-all', '--json=short']);
    expect(JSON.parse(stdout).switched).toEqual([
      {
        component: 'app',
        feature: null,
        enabled: false,
        file: `/etc/extupdate/transfer.d/app.component.d/${DROP_IN}`,
      },
      { component: 'tool', feature: null, enabled: false, file: `/etc/sysupdate.tool.component.d/${DROP_IN}` },
    ]);
  });

  it('links in the tree lead to places in it', async () => {
    world.write('usr/etc/keep', '');
    symlinkSync('/usr/etc', join(world.root, 'etc/sysupdate.tool.component.d'));
    await world.run(['disable', 'tool']);
    expect(world.read(`usr/etc/${DROP_IN}`)).toContain('Enabled=no');
  });
});

describe('a feature', () => {
  beforeEach(async () => {
    define('usr/lib/sysupdate.app.d/app.transfer', 'app', { Features: 'debug' });
    world.write('usr/lib/sysupdate.app.d/debug.feature', '[Feature]\nDescription=Debug symbols\nSuggest=yes\n');
    await offer('app');
  });

  it.each([
    ['list', 'No versions.\n'],
    ['check', 'No components.\n'],
    ['status', 'No versions.\n'],
    ['apply', ''],
    ['why', '', 'app'],
    ['apply', '', 'app'],
  ])('turns off all that a component has: %s', async (command, before, ...names) => {
    const line = 'app: turned off by its features; see "extupdate features -C app"\n';
    expect(await world.run([command, ...names])).toMatchObject({ status: 0, stdout: `${before}${line}`, stderr: '' });
    expect(installed('app')).toBe(false);
  });

  it('is enabled by a drop-in beside the definitions of its component', async () => {
    const result = await world.run(['enable', 'app', '--feature=debug']);
    expect(result.stdout).toBe(
      'app: feature debug: enabled\nNothing is downloaded or removed yet: the next run does it, or "extupdate apply app" now.\n',
    );
    expect(world.read(`etc/sysupdate.app.d/debug.feature.d/${DROP_IN}`)).toBe(
      "# Generated via 'extupdate enable'\n\n[Feature]\nEnabled=yes\n",
    );
    expect((await world.run(['apply'])).stdout).toBe('app: exposed 1\n');
  });

  it('is shown', async () => {
    expect((await world.run(['features', '--no-legend'])).stdout).toBe('app  debug  no  yes  Debug symbols  -\n');
    expect((await world.run(['features', '-C', 'app', 'debug'])).stdout).toBe(
      [
        'Name:          debug',
        'Component:     app',
        'Enabled:       no',
        'Suggested:     yes',
        'Description:   Debug symbols',
        'Transfer:      app',
        '',
      ].join('\n'),
    );
  });

  it('TEST-72 case 7: malformed conditions are told, and nothing is suggested by them', async () => {
    world.write('usr/lib/sysupdate.app.d/debug.feature', '[Feature]\nSuggestOnFraction=x\n');
    const { stdout } = await world.run(['features', '-C', 'app', 'debug']);
    expect(stdout).toContain('Suggested:     error (malformed, or cannot be told here)\n');
    const enabled = await world.run(['enable', 'app', '--feature-suggested']);
    expect(enabled).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    expect(enabled.stderr).toContain('app, feature debug: whether it is suggested cannot be told, skipping');
  });

  it('TEST-72 case 28: SuggestOnMachineTag= both ways', async () => {
    world.write('usr/lib/sysupdate.app.d/debug.feature', '[Feature]\nSuggestOnMachineTag=test\n');
    world.write('etc/machine-info', 'TAGS=other\n');
    expect((await world.run(['enable', 'app', '-s'])).stdout).toBe('Nothing to do.\n');
    world.write('etc/machine-info', 'TAGS=other:test\n');
    expect((await world.run(['enable', 'app', '-s'])).stdout).toContain('app: feature debug: enabled\n');
  });

  it('TEST-72 case 29: -A with all transfers off, below --root=', async () => {
    expect((await world.run(['enable', '-A', '-a'])).stdout).toContain('app: feature debug: enabled\n');
  });
});

describe('the command line', () => {
  beforeEach(() => {
    define('usr/lib/sysupdate.app.d/app.transfer', 'app', { Features: 'debug' });
    define('usr/lib/sysupdate.d/os.transfer', 'os');
    world.write('usr/lib/sysupdate.app.d/debug.feature', '[Feature]\n');
  });

  it.each([
    ['enable', 'which component?', []],
    ['enable', 'nope: no such component', ['nope']],
    ['enable', '../x: no such component', ['../x']],
    ['enable', 'app: no such feature: a/b', ['app', '--feature=a/b']],
    ['enable', 'default: no such feature: debug', ['default', '--feature=debug']],
    ['enable', 'no component has the feature nope', ['-A', '--feature=nope']],
    ['enable', 'default: has no switch of its own', ['default']],
    ['enable', 'components: NAME and --component-all, not both', ['app', '-A']],
    ['enable', 'features: --feature= and --feature-all, not both', ['app', '--feature=debug', '-a']],
    ['enable', '--component-suggested goes with no features', ['-S', '-a']],
    ['disable', '--now: of a disabled component nothing is touched', ['app', '--now']],
    ['features', 'nope: no such component', ['nope']],
    ['features', 'app: no such feature: nope', ['-C', 'app', 'nope']],
    ['features', 'features: expected one feature', ['-C', 'app', 'debug', 'debug']],
  ])('%s: %s', async (command, message, args) => {
    const result = await world.run([command, ...args]);
    expect([result.status, result.stderr.split('\n')[0]]).toEqual([2, `extupdate: ${message}`]);
    expect(result.stdout).toBe('');
    expect(world.names('etc')).toEqual(['systemd']);
  });

  it('names what is known', async () => {
    const { stderr } = await world.run(['enable', 'nope']);
    expect(stderr).toContain('  known: app, default\n');
    expect((await world.run(['enable', 'app', '--feature=x'])).stderr).toContain('  known: debug\n');
  });

  it('--definitions= goes with neither enable nor disable', async () => {
    const args = ['enable', 'app', `--definitions=${join(world.root, 'usr/lib/sysupdate.app.d')}`];
    const result = await runProgram([...args, `--root=${world.root}`]);
    expect([result.status, result.stderr.split('\n')[0]]).toEqual([
      2,
      'extupdate: --definitions= goes with no enable or disable: they write below /etc',
    ]);
  });

  it('a broken component does not keep the others from being told', async () => {
    define('usr/lib/sysupdate.bad.d/a.transfer', 'bad', { Verify: 'maybe' });
    const all = await world.run(['features', '--json=short']);
    expect([all.status, JSON.parse(all.stdout).features.length]).toEqual([15, 1]);
    expect(all.stderr).toContain('/usr/lib/sysupdate.bad.d/a.transfer:2: Verify=');
    const components = await world.run(['components', '--json=short']);
    expect(JSON.parse(components.stdout)).toEqual({ default: true, components: ['app', 'bad'] });
    expect(components.status).toBe(15);
    const named = await world.run(['features', '-C', 'bad', '--json=short']);
    expect([named.status, named.json().errors[0]?.code]).toEqual([3, 'config']);
  });

  it('a drop-in that cannot be written is a failure of storage', async () => {
    world.write('etc/sysupdate.app.component.d', 'a file');
    const result = await world.run(['disable', 'app']);
    expect([result.status, result.stderr]).toEqual([
      14,
      expect.stringContaining(`/etc/sysupdate.app.component.d/${DROP_IN}: `),
    ]);
  });
});
