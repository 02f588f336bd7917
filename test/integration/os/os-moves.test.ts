import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { OsDocument } from '../../../src/cli/document.ts';
import { extensionImage } from '../../support/images.ts';
import { writeUki } from '../../support/pe-writer.ts';
import { definition, makeWorld, runProgram, type World } from '../../support/world.ts';

let world: World;
const release = (version: string) => ({ ID: 'testos', VERSION_ID: version });
const image = (name: string, version: string, os: string) =>
  extensionImage({
    name,
    release: os === 'any' ? { ID: '_any' } : release(os),
    files: { [`usr/share/${name}/version`]: version },
  });
/** Publishes versions of an extension, `VERSION:OS`. */
const offer = (name: string, ...builds: string[]) =>
  world.publish(
    name,
    Object.fromEntries(
      builds.map((build) => {
        const [version = '', os = ''] = build.split(':');
        return [`${name}_${version}.raw`, image(name, version, os)];
      }),
    ),
  );
const define = (name: string, more: Record<string, string> = {}, target: Record<string, string> = {}) =>
  world.write(
    `etc/extupdate/transfer.d/${name}.transfer`,
    definition({
      Source: { Type: 'url-file', Path: `${world.server.url}/${name}`, MatchPattern: `${name}_@v.raw` },
      Target: { Path: `/var/lib/extensions/${name}.raw.v`, ...target },
      'X-Extupdate': more,
    }),
  );
const oses = async (...args: string[]) =>
  ((await world.run([...args, '--json=short'])).json() as unknown as { oses: OsDocument[] }).oses;
const record = (name: string) => JSON.parse(world.read(`var/lib/extupdate/os/${name}.json`) ?? 'null');

describe('preparing for another OS', () => {
  beforeAll(async () => {
    world = await makeWorld();
    define('app');
    define('web', { Required: 'yes' });
    await offer('app', '1:1', '2:2');
    await offer('web', '1:1', '2:any');
    expect((await world.run(['apply'])).status).toBe(0);
  });
  afterAll(() => world.close());

  it('writes the record of the running OS in the documented format', () => {
    expect(record('testos:1')).toMatchObject({
      format: 1,
      identity: 'testos:1',
      buildId: null,
      ostreeVersion: null,
      deployment: null,
      components: { app: { version: '1', file: '/var/lib/extensions/app.raw.v/app_1.raw' } },
    });
    expect(record('testos:1').components.app.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('--check only answers', async () => {
    world.write('other/os-release', 'ID=testos\nVERSION_ID=2\n');
    const before = readdirSync(join(world.root, 'var/lib/extupdate'));
    const file = join(world.root, 'other/os-release');
    const [os] = await oses('prepare', `--os-release=${file}`, '--check');
    expect(os).toMatchObject({
      name: 'testos:2',
      description: 'testos 2',
      components: [
        { component: 'app', version: '2' },
        { component: 'web', version: '2' },
      ],
    });
    expect(readdirSync(join(world.root, 'var/lib/extupdate'))).toEqual(before);
    expect(world.names('var/lib/extensions/app.raw.v/.parked')).toEqual([]);
  });

  it('O129: acquires and installs out of sight, and plans the record', async () => {
    const file = join(world.root, 'other/os-release');
    expect((await world.run(['prepare', `--os-release=${file}`])).status).toBe(0);
    expect(world.names('var/lib/extensions/app.raw.v/.parked')).toEqual(['app_2.raw']);
    expect(record('testos:2')).toMatchObject({ state: 'planned', components: { app: { version: '2', planned: '' } } });
    // It survives runs and collections under the running OS, with its reason.
    await world.run(['apply']);
    expect((await world.run(['gc'])).stdout).toMatch(/app_2\.raw +recorded for testos 2/);
  });

  it('O127: is what select finds when that OS is booted, and the way back is there too', async () => {
    world.setOs(release('2'));
    expect((await world.run(['select'])).stdout).toContain('app: exposed 2 (was 1)');
    expect((await world.run(['select'])).stdout).toBe('Nothing to do.\n');
    world.setOs(release('1'));
    expect((await world.run(['select'])).stdout).toContain('app: exposed 1 (was 2)');
  });

  it('a component with Required= and nothing that fits blocks (17), one without does not', async () => {
    world.write('other/os-release', 'ID=testos\nVERSION_ID=9\n');
    const file = join(world.root, 'other/os-release');
    // web 2 fits every OS.
    const open = await world.run(['prepare', `--os-release=${file}`, '--check']);
    expect(open.status).toBe(0);
    expect(open.stderr).toContain('app: no version fits testos 9');
    await offer('web', '1:1', '3:3');
    const blocked = await world.run(['prepare', `--os-release=${file}`, '--check', '--offline']);
    expect(blocked.status).toBe(0);
    world.write('other/os-release', 'ID=otheros\nVERSION_ID=9\n');
    define('web', { Required: 'yes', SkipVersions: '2' });
    const refused = await world.run(['prepare', `--os-release=${file}`]);
    expect(refused.status).toBe(17);
    expect(refused.stderr).toMatch(
      /web: no version fits otheros 9 \(x86-64\); [0-9]+ looked at, the newest is 3: ID=testos.*\n.*Required=yes/,
    );
    // Whoever names a component wants to know.
    expect((await world.run(['prepare', 'app', `--os-release=${file}`, '--check'])).status).toBe(17);
    define('web', { Required: 'yes' });
  });

  it('a tree, or a bare /usr, brings its own definitions, and links in its own /etc are set', async () => {
    await offer('extra', '1:5');
    await offer('linked', '1:1', '2:5');
    const text = (name: string, target: object) =>
      definition({
        Source: { Type: 'url-file', Path: `${world.server.url}/${name}`, MatchPattern: `${name}_@v.raw` },
        Target: { ...target },
      });
    const transfer = text('extra', { Path: '/var/lib/extensions/extra.raw.v' });
    world.write(
      'etc/extupdate/transfer.d/linked.transfer',
      text('linked', { Path: '/var/lib/extensions.d', CurrentSymlink: '/etc/extensions/linked.raw' }),
    );
    world.write('next/usr/lib/extupdate/transfer.d/extra.transfer', transfer);
    world.write('next/usr/lib/os-release', 'ID=testos\nVERSION_ID=5\n');
    world.write('next/etc/hostname', 'x');
    const prepared = await oses('prepare', `--os-root=${join(world.root, 'next')}`);
    expect(prepared[0]?.components.map(({ component, version }) => [component, version])).toContainEqual([
      'extra',
      '1',
    ]);
    expect(world.link('next/etc/extensions/linked.raw')).toBe('../../var/lib/extensions.d/linked_2.raw');
    expect(world.link('etc/extensions/linked.raw')).toBeUndefined();
    world.write('usr-b/lib/extupdate/transfer.d/extra.transfer', transfer);
    world.write('usr-b/lib/os-release', 'ID=testos\nVERSION_ID=5\n');
    const slot = await oses('prepare', `--os-root=${join(world.root, 'usr-b')}`, '--check');
    expect(slot[0]?.components.map(({ component }) => component)).toContain('extra');
    unlinkSync(join(world.root, 'etc/extupdate/transfer.d/linked.transfer'));
  });

  it('a UKI tells its OS', async () => {
    mkdirSync(join(world.root, 'efi/EFI/Linux'), { recursive: true });
    const uki = join(world.root, 'efi/EFI/Linux/testos_2+3-0.efi');
    writeFileSync(uki, writeUki('ID=testos\nVERSION_ID=2\n'));
    expect((await oses('prepare', `--uki=${uki}`, '--check'))[0]).toMatchObject({ name: 'testos:2' });
    const found = await oses('status', '--os');
    expect(found.map(({ name, running, origin }) => [name, running, origin])).toContainEqual([
      'testos:2',
      false,
      'uki',
    ]);
    const notUki = await world.run(['prepare', `--uki=${join(world.root, 'other/os-release')}`, '--check']);
    expect(notUki.status).toBe(13);
  });

  it.each([
    [['prepare'], 2, 'which operating system?'],
    [['prepare', '--bootable', '--os-root=/x'], 2, 'which operating system?'],
    [['prepare', '--os-root=/nowhere'], 3, 'looked for'],
    [['prepare', '--os-release=/nowhere'], 3, 'there is no such file'],
    [['prepare', '--uki=/nowhere'], 3, 'there is no such file'],
    [['apply', '--wait=soon'], 2, 'expected a time span'],
    [['hold'], 2, 'missing required argument'],
    [['hold', 'nothing'], 2, 'no such component'],
    [['unhold', 'nothing'], 2, 'no such component'],
    [['rollback', 'nothing'], 2, 'no such component'],
  ])('%j ends with %i', async (args, status, text) => {
    const result = await world.run(args as string[]);
    expect(result.status).toBe(status);
    expect(result.stderr).toContain(text);
    expect(result.stderr.trim().split('\n').length).toBeLessThanOrEqual(3);
  });
});

describe('an OS version in the file names', () => {
  beforeEach(async () => {
    await world?.close();
    world = await makeWorld();
    world.write(
      'etc/sysupdate.tool.d/tool.transfer',
      definition({
        Source: { Type: 'url-file', Path: `${world.server.url}/tool`, MatchPattern: 'tool-@v-%w.raw' },
        Target: {
          InstancesMax: '2',
          Path: '/var/lib/extensions.d',
          MatchPattern: 'tool-@v-%w.raw',
          CurrentSymlink: '/var/lib/extensions/tool.raw',
        },
      }),
    );
    const any = (one: string) => extensionImage({ name: 'tool', files: { 'usr/share/tool/version': one } });
    await world.publish('tool', {
      'tool-1-40.raw': any('1-40'),
      'tool-1-41.raw': any('1-41'),
      'tool-2-41.raw': any('2-41'),
      'tool-1-42.raw': any('1-42'),
    });
  });
  afterAll(() => world.close());

  const deployment = (version: string) => `ostree/deploy/testos/deploy/${version.repeat(8)}.0`;
  const install = (version: string) =>
    world.write(`${deployment(version)}/usr/lib/os-release`, `ID=testos\nVERSION_ID=${version}\n`);

  it('each OS keeps its own, and what no OS needs any more is found and pruned', async () => {
    for (const version of ['40', '41']) install(version);
    world.setOs(release('40'));
    expect((await world.run(['apply'])).status).toBe(0);
    world.setOs(release('41'));
    expect((await world.run(['select'])).status).toBe(0);
    expect((await world.run(['apply'])).status).toBe(0);
    expect(world.names('var/lib/extensions.d')).toEqual(['tool-1-40.raw', 'tool-2-41.raw']);
    expect(world.link('var/lib/extensions/tool.raw')).toBe('../extensions.d/tool-2-41.raw');
    expect((await world.run(['gc'])).stdout).toMatch(/tool-1-40\.raw +recorded for testos 40/);
    // Back without a network.
    world.setOs(release('40'));
    expect((await world.run(['select'])).stdout).toContain('exposed 1');
    expect(world.link('var/lib/extensions/tool.raw')).toBe('../extensions.d/tool-1-40.raw');

    // The platform replaces the old deployment: its image goes with it, and its record.
    world.setOs(release('41'));
    await world.run(['select']);
    const old = join(world.root, deployment('40'), 'usr/lib/os-release');
    unlinkSync(old);
    install('42');
    // While that is half done, nothing is forgotten.
    const uncertain = await world.run(['gc']);
    expect(uncertain.stdout).toMatch(/keep +\S+tool-1-40\.raw/);
    symlinkSync('/nowhere', `${dirname(old)}/x`);
    rmSync(join(world.root, deployment('40')), { recursive: true });
    const gone = await world.run(['gc']);
    expect(gone.stdout).toMatch(/remove +\S+tool-1-40\.raw +for an OS that this machine cannot boot any more/);
    expect(world.names('var/lib/extensions.d')).toEqual(['tool-2-41.raw']);
    expect(existsSync(join(world.root, 'var/lib/extupdate/os/testos:40.json'))).toBe(false);
  });

  it('prepare --bootable expands them for each OS, and for none but it', async () => {
    for (const version of ['41', '42']) install(version);
    world.setOs(release('41'));
    expect((await world.run(['apply'])).status).toBe(0);
    const prepared = await world.run(['prepare', '--bootable']);
    expect(prepared.status).toBe(0);
    expect(world.names('var/lib/extensions.d')).toEqual(['tool-1-42.raw', 'tool-2-41.raw']);
    const statuses = await oses('status', '--os');
    expect(statuses.map(({ description, components }) => [description, components[0]?.version])).toEqual([
      ['testos 41', '2'],
      ['testos 42 (4242424242424242)', '1'],
    ]);
  });

  it('an OS whose tree is at hand brings its own definitions: prepared, shown, and kept', async () => {
    for (const version of ['41', '42']) install(version);
    world.setOs(release('41'));
    await world.publish('extra', { 'extra_1.raw': extensionImage({ name: 'extra', files: { 'usr/share/x': 'x' } }) });
    world.write(
      `${deployment('42')}/usr/lib/extupdate/transfer.d/extra.transfer`,
      definition({
        Source: { Type: 'url-file', Path: `${world.server.url}/extra`, MatchPattern: 'extra_@v.raw' },
        Target: { Path: '/var/lib/extensions/extra.raw.v' },
      }),
    );
    expect((await world.run(['prepare', '--bootable'])).status).toBe(0);
    const named = (await oses('status', '--os')).map(({ components }) => components.map(({ component }) => component));
    expect(named).toEqual([['tool'], ['extra', 'tool']]);
    expect((await world.run(['gc'])).stdout).toMatch(/keep +\S+extra_1\.raw +recorded for testos 42/);
    expect((await world.run(['gc', 'tool'])).status).toBe(0);
  });
});

describe('select', () => {
  beforeAll(async () => {
    await world?.close();
    world = await makeWorld();
    define('app', {}, { Path: '/var/lib/extensions.d', CurrentSymlink: '/etc/extensions/app.raw' });
    await offer('app', '1:1');
    await world.run(['apply']);
    await offer('app', '1:1', '2:2');
    world.setOs(release('2'));
    await world.run(['apply']);
  });
  afterAll(() => world.close());

  it("O127: puts right a link that leaked in from another OS's /etc", async () => {
    expect(world.link('etc/extensions/app.raw')).toContain('app_2.raw');
    world.setOs(release('1'));
    expect((await world.run(['select'])).status).toBe(0);
    expect(world.link('etc/extensions/app.raw')).toContain('app_1.raw');
  });

  it('says what it would do, and does not', async () => {
    world.setOs(release('2'));
    expect((await world.run(['select', '--dry-run'])).stdout).toContain('expose app_2.raw in place of app_1.raw');
    expect(world.link('etc/extensions/app.raw')).toContain('app_1.raw');
  });

  it('O132: does what it can where nothing can be remembered', async () => {
    const state = join(world.root, 'var/lib/extupdate');
    // Files in the place of directories: whatever is written there fails, for root too.
    rmSync(state, { recursive: true });
    world.write('var/lib/extupdate', 'no directory');
    const result = await world.run(['select']);
    expect(result.stderr).toMatch(/extupdate/);
    expect(world.link('etc/extensions/app.raw')).toContain('app_2.raw');
    rmSync(state);
  });

  it('O132: has nothing to do on a tree with nothing in it', async () => {
    const bare = join(world.root, 'bare');
    world.write('bare/usr/lib/os-release', 'ID=testos\n');
    expect(await runProgram(['select', `--root=${bare}`])).toMatchObject({
      status: 0,
      stdout: 'Nothing to do.\n',
      stderr: '',
    });
  });
});

describe('a person decides', () => {
  beforeEach(async () => {
    await world?.close();
    world = await makeWorld();
    define('app');
    await offer('app', '1:1');
    await world.run(['apply']);
    await offer('app', '1:1', '2:1');
    await world.run(['apply']);
  });
  afterAll(() => world.close());
  const current = async () => (await world.run(['status', '--json=short'])).json().components[0]?.current;

  it('rollback goes back and stays, until something newer appears', async () => {
    expect(await world.run(['rollback', 'app'])).toMatchObject({ status: 0, stdout: 'app: exposed 1 (was 2)\n' });
    expect(await world.run(['apply'])).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    await offer('app', '1:1', '2:1', '3:1');
    expect(await world.run(['apply'])).toMatchObject({ status: 0, stdout: 'app: exposed 3 (was 1)\n' });
  });

  it('rollback of the last change, and no further than there is', async () => {
    expect((await world.run(['rollback'])).stdout).toBe('app: exposed 1 (was 2)\n');
    const again = await world.run(['rollback', 'app']);
    expect(again.status).toBe(13);
    expect(again.stderr).toContain('app: there is no version to go back to');
    expect(await current()).toBe('1');
  });

  it('hold keeps, hold NAME@VERSION pins, unhold releases', async () => {
    expect((await world.run(['hold', 'app'])).stdout).toBe('app: held at 2\n');
    await offer('app', '1:1', '2:1', '3:1');
    expect((await world.run(['apply'])).stdout).toBe('Nothing to do.\n');
    expect((await world.run(['why', 'app'])).stdout).toContain('held at 2; "extupdate unhold app" releases it');
    expect((await world.run(['hold', 'app@1'])).stdout).toBe('app: held at 1; 2 is active until "extupdate apply"\n');
    expect((await world.run(['apply'])).stdout).toBe('app: exposed 1 (was 2)\n');
    expect((await world.run(['unhold', 'app'])).status).toBe(0);
    expect((await world.run(['apply'])).stdout).toBe('app: exposed 3 (was 1)\n');
  });

  it('hold of a version that was held out takes it, and a later hold is not undone by it', async () => {
    await world.run(['apply', 'app@1']);
    expect((await world.run(['why', 'app'])).stdout).toContain('not held (2 is)');
    await world.run(['hold', 'app@2']);
    expect(JSON.parse(world.read('var/lib/extupdate/state.json') ?? '')).toMatchObject({
      pinned: { app: '2' },
      held: {},
    });
    expect((await world.run(['apply'])).stdout).toBe('app: exposed 2 (was 1)\n');
  });

  it('--dry-run says what would be held, released or rolled back, and changes nothing', async () => {
    const before = world.read('var/lib/extupdate/state.json');
    expect((await world.run(['hold', 'app', '--dry-run'])).stdout).toBe('app: would be held at 2\n');
    expect((await world.run(['rollback', '--dry-run'])).stdout).toContain('expose app_1.raw in place of app_2.raw');
    expect((await world.run(['bless', '--dry-run'])).status).toBe(0);
    expect(world.read('var/lib/extupdate/state.json')).toBe(before);
    await world.run(['hold', 'app']);
    expect((await world.run(['unhold', 'app', '--dry-run'])).stdout).toBe('app: would be released: 2\n');
    expect(JSON.parse(world.read('var/lib/extupdate/state.json') ?? '').pinned).toEqual({ app: '2' });
  });

  it('a version that nobody has ever seen is not held', async () => {
    expect(await world.run(['hold', 'app@1O'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('app: there is no version 1O'),
    });
  });

  it('select goes on with a mistake in extupdate.conf, which stops a person', async () => {
    world.write('etc/extupdate/extupdate.conf', '[Defaults]\nKeepVersionz=1\n[\n');
    expect((await world.run(['apply'])).status).toBe(3);
    const selected = await world.run(['select']);
    expect(selected).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    expect(selected.stderr).toContain('extupdate.conf:3');
    rmSync(join(world.root, 'etc/extupdate/extupdate.conf'));
  });

  it('history tells, in a table and in a document, and a torn line is left out', async () => {
    await world.run(['rollback']);
    world.write('var/lib/extupdate/history.jsonl', `${world.read('var/lib/extupdate/history.jsonl')}{"at": "2026-`);
    await world.run(['hold', 'app']);
    const { stdout } = await world.run(['history']);
    expect(stdout).toMatch(/rollback +testos:1 +app +expose 1 \(was 2\)/);
    const { history } = (await world.run(['history', 'app', '--json=short'])).json() as unknown as {
      history: { command: string }[];
    };
    expect(history.map(({ command }) => command)).toEqual(['apply', 'apply', 'rollback', 'hold']);
  });

  it('state files that are broken are put aside, and cost no image', async () => {
    for (const name of ['state.json', 'boots.json', 'os/testos:1.json'])
      world.write(`var/lib/extupdate/${name}`, '{"format": ');
    expect(await world.run(['select'])).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    expect((await world.run(['apply'])).status).toBe(0);
    expect(await current()).toBe('2');
    expect(world.names('var/lib/extupdate/os')).toEqual(['testos:1.json', 'testos:1.json.broken']);
    expect(record('testos:1').components.app.version).toBe('2');
  });

  it('records of a newer format are read as far as they are understood', async () => {
    const newer = { ...record('testos:1'), format: 7, colour: 'blue' };
    world.write('var/lib/extupdate/os/testos:1.json', JSON.stringify(newer));
    expect((await world.run(['select'])).status).toBe(0);
    await world.run(['rollback']);
    expect(record('testos:1')).toMatchObject({ colour: 'blue', components: { app: { version: '1' } } });
  });
});
