/** TEST-72-SYSUPDATE.sh: several components, and what is removed (cases 9, 13, 18, 20, 30). What is left out: test-72-story. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { definition, makeWorld, runProgram, type World } from '../../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.close());

/** A component of local files; `default` is the one without a name. */
function define(name: string, transfers: readonly string[] = ['f'], Transfer: Record<string, string> = {}): void {
  const directory = name === 'default' ? 'etc/sysupdate.d' : `etc/sysupdate.${name}.d`;
  for (const transfer of transfers)
    world.write(
      `${directory}/${transfer}.transfer`,
      definition({
        Transfer,
        Source: { Type: 'regular-file', Path: `/srv/${name}`, MatchPattern: `${transfer}-@v` },
        Target: { Path: `/opt/${name}`, InstancesMax: '2' },
      }),
    );
}

function offer(version: number, names: readonly string[], transfers: readonly string[] = ['f']): void {
  for (const name of names)
    for (const transfer of transfers) world.write(`srv/${name}/${transfer}-${version}`, `${name} ${version}`);
}

describe('TEST-72', () => {
  it('case 9: list, check and features are well-formed JSON with several components', async () => {
    define('default');
    define('extra');
    offer(6, ['default', 'extra']);
    for (const command of ['list', 'check', 'features', 'components']) {
      const result = await world.run([command, '--json=short']);
      expect([command, result.status, JSON.parse(result.stdout) instanceof Object]).toEqual([command, 0, true]);
    }
    expect((await world.run(['apply'])).status).toBe(0);
    expect([world.names('opt/default'), world.names('opt/extra')]).toEqual([['f-6'], ['f-6']]);
  });

  it.each(['../', 'no/such', 'no-such'])('case 13: --component=%s is refused', async (name) => {
    define('extra');
    const result = await world.run(['list', `--component=${name}`]);
    expect([result.status, result.stderr]).toEqual([2, expect.stringContaining(`${name}: no such component`)]);
  });

  it('case 18: below --root= the path of definitions is not prefixed twice', async () => {
    define('extra');
    offer(1, ['extra']);
    expect((await world.run(['apply'])).status).toBe(0);
    expect(existsSync(join(world.root, world.root))).toBe(false);
    const own = join(world.root, 'etc/sysupdate.extra.d');
    const result = await runProgram(['list', `--root=${world.root}`, `--definitions=${own}`, '--json=short']);
    expect(result.json().components).toMatchObject([{ name: 'f', current: '1' }]);
  });

  it('case 30: apply without names is "update -A": versions 1 and 2 to all, a disabled one is skipped', async () => {
    for (const name of ['default', 'one', 'two', 'three']) define(name);
    for (const version of [1, 2]) {
      offer(version, ['default', 'one', 'two', 'three']);
      if (version === 2) world.write('etc/sysupdate.two.component.d/x.conf', '[Component]\nEnabled=no\n');
      const result = await world.run(['apply']);
      expect([result.status, result.stderr]).toEqual([0, '']);
    }
    for (const name of ['default', 'one', 'three']) expect(world.names(`opt/${name}`)).toEqual(['f-1', 'f-2']);
    expect(world.names('opt/two')).toEqual(['f-1']);
  });

  it('case 30: one component that fails does not stop the others', async () => {
    for (const name of ['one', 'two', 'three']) define(name);
    offer(1, ['one', 'three']);
    world.write('etc/sysupdate.two.d/f.transfer', '[Source]\nType=nonsense\n');
    expect((await world.run(['apply'])).status).toBe(15);
    expect([world.names('opt/one'), world.names('opt/three')]).toEqual([['f-1'], ['f-1']]);
  });
});

/** There is no installdb: what a definition names now is what is looked at. */
describe('TEST-72 cases 20 and 21, with gc in the place of cleanup', () => {
  it('what a feature turns off goes with the next apply; gc alone keeps what is recorded for this OS', async () => {
    define('extra', ['f', 'g']);
    offer(1, ['extra'], ['f', 'g']);
    await world.run(['apply']);
    define('extra', ['g'], { Features: 'more' });
    world.write('opt/extra/h-1', 'a bystander');
    expect((await world.run(['gc'])).stdout).toMatch(/keep +\/opt\/extra\/g-1 +recorded for this OS/);
    // There is no --cleanup= to have it otherwise.
    expect((await world.run(['apply', '--cleanup=no'])).status).toBe(2);
    expect(world.names('opt/extra')).toEqual(['f-1', 'g-1', 'h-1']);
    expect((await world.run(['apply'])).status).toBe(0);
    expect(world.names('opt/extra')).toEqual(['f-1', 'h-1']);
  });

  it('a transfer whose file was removed leaves its files where they are (cleanup deletes them)', async () => {
    define('extra', ['f', 'g']);
    offer(1, ['extra'], ['f', 'g']);
    await world.run(['apply']);
    rmSync(join(world.root, 'etc/sysupdate.extra.d/g.transfer'));
    await world.run(['gc']);
    expect(world.names('opt/extra')).toEqual(['f-1', 'g-1']);
  });
});

describe('test-sysupdate-util.c: component_name_valid', () => {
  const good = ['foo', 'foo-bar', 'foo.bar', 'foo_bar_baz', '0815', 'über'];
  // A name with "/" cannot be that of a directory: case 13 asks for one.
  const bad = ['tab\tbed', 'new\nline', 'del\u007f'];

  it('names of directories', async () => {
    for (const name of good) define(name);
    for (const name of bad) define(name);
    const { components, errors } = (await world.run(['list', '--json=short'])).json();
    expect(components.map(({ name }) => name)).toEqual([...good].sort());
    expect(errors.map(({ component }) => component).sort()).toEqual([...bad].sort());
  });
});
