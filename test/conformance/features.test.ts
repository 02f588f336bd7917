/** Features and components: the same definitions to the real systemd-sysupdate and to extupdate, the same answers. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeHosts } from '../support/e2e.ts';
import { prepareTree } from '../support/systemd-host.ts';
import { EXTUPDATE, runInTree, SYSUPDATE } from '../support/systemd-tree.ts';
import { definition, runProgram } from '../support/world.ts';

let root: string;
let tree: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'extupdate-features-'));
  write('usr/lib/os-release', 'ID=tos\nVERSION_ID=1.10\nNAME="A B"\n');
  write('etc/os-release', 'ID=tos\nVERSION_ID=1.10\nNAME="A B"\n');
  write('etc/machine-id', '0123456789abcdef0123456789abcdef\n');
  write('etc/machine-info', 'TAGS=web:rack=7:rack=5:bad_tag:-x:a.b\n');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

function transfer(path: string, name: string, features: Record<string, string> = {}): void {
  write(
    path,
    definition({
      Transfer: { Verify: 'no', ...features },
      Source: { Type: 'url-file', Path: 'https://example.com/x', MatchPattern: `${name}_@v.raw` },
      Target: { Type: 'regular-file', Path: '/var/lib/extensions', MatchPattern: `${name}_@v.raw` },
    }),
  );
}

/** What both programs print as JSON, on the root as `--root=`. */
async function both(sysupdate: string, own: readonly string[]) {
  const real = await runInTree(tree, root, `${SYSUPDATE} --root=/mnt --json=short ${sysupdate}`);
  const mine = await runProgram([...own, `--root=${root}`, '--json=short']);
  return { real: { ...real, json: parse(real.stdout) }, mine: { ...mine, json: parse(mine.stdout) } };
}

function parse(text: string): Record<string, unknown> | undefined {
  return text.trim() === '' ? undefined : (JSON.parse(text) as Record<string, unknown>);
}

function sorted(json: Record<string, unknown> | undefined): unknown {
  return [...((json?.features ?? []) as string[])].sort();
}

function defineAll(): void {
  transfer('usr/lib/sysupdate.foo.d/10-on.transfer', 'on', { RequisiteFeatures: 'full' });
  transfer('usr/lib/sysupdate.foo.d/20-off.transfer', 'off', { Features: 'debug full implicit' });
  transfer('usr/lib/sysupdate.foo.d/30-always.transfer', 'always');
  transfer('usr/lib/sysupdate.foo.d/40-never.transfer', 'never', { Features: 'debug' });
  write(
    'usr/lib/sysupdate.foo.d/full.feature',
    definition({
      Feature: {
        Description: 'All  of it',
        Documentation: ['https://example.com/old', 'https://example.com/%o'],
        AppStream: 'https://example.com/appstream.xml',
        Enabled: 'yes',
        Suggest: 'yes',
      },
    }),
  );
  write('usr/lib/sysupdate.foo.d/debug.feature', '[Feature]\nDescription=Debug\nDocumentation=man:foo(5)\n');
  write('usr/lib/sysupdate.foo.d/unused.feature', '[Feature]\nEnabled=yes\nDocumentation=https://a/\nDocumentation=\n');
  write('etc/sysupdate.foo.d/unused.feature.d/10-x.conf', '[Feature]\nEnabled=no\nDescription=Dropped in\n');
  write('etc/sysupdate.foo.d/empty.feature', '');
  write('usr/lib/sysupdate.foo.d/masked.feature', '[Feature]\nEnabled=yes\n');
  symlinkSync('/dev/null', join(root, 'etc/sysupdate.foo.d/masked.feature'));
  write('usr/lib/sysupdate.bare.d/.keep', '');
  transfer('usr/lib/sysupdate.plain.d/a.transfer', 'plain');
}

describeHosts('features, by extupdate and by systemd-sysupdate', (suite) => {
  const is262 = suite === 'forky';
  beforeAll(async () => {
    tree = await prepareTree(suite);
  });

  it('TEST-72 case 7: features -C COMPONENT', async () => {
    defineAll();
    const { real, mine } = await both('-C foo features', ['features', '-C', 'foo']);
    expect([real.status, mine.status]).toEqual([0, 0]);
    expect(sorted(mine.json)).toEqual(sorted(real.json));
    expect(mine.json).toEqual({ features: ['debug', 'full', 'unused'] });
  });

  it.each(['full', 'debug', 'unused'])('TEST-72 case 7: features -C COMPONENT %s', async (feature) => {
    defineAll();
    const { real, mine } = await both(`-C foo features ${feature}`, ['features', '-C', 'foo', feature]);
    expect([real.status, mine.status]).toEqual([0, 0]);
    if (is262) {
      expect(mine.stdout).toBe(real.stdout);
      return;
    }
    // 257 has other names, one URL, and no suggestions.
    const { id, suggested: _, documentation, ...told } = mine.json ?? {};
    const [last] = ((documentation ?? []) as string[]).slice(-1);
    expect({ name: id, ...told, ...(last ? { documentation: last } : {}) }).toEqual(real.json);
  });

  it.each(['implicit', 'empty', 'masked', 'no-such'])('features -C COMPONENT %s: there is none', async (feature) => {
    defineAll();
    const { real, mine } = await both(`-C foo features ${feature}`, ['features', '-C', 'foo', feature]);
    expect(real.status).toBe(1);
    expect(mine.status).toBe(2);
    expect(mine.stdout).toContain(`no such feature: ${feature}`);
  });

  it('TEST-72 case 17: no features', async () => {
    defineAll();
    const { real, mine } = await both('-C plain features', ['features', '-C', 'plain']);
    expect(sorted(real.json)).toEqual([]);
    expect(mine.json).toEqual({ features: [] });
    const text = await runProgram(['features', '-C', 'plain', `--root=${root}`]);
    expect(text.stdout).toBe('No features.\n');
  });

  it('the component without a name', async () => {
    transfer('etc/sysupdate.d/a.transfer', 'a', { Features: 'x' });
    // 257 has no features of a component that is off altogether.
    transfer('etc/sysupdate.d/b.transfer', 'b');
    write('etc/sysupdate.d/x.feature', '[Feature]\nDescription=X\n');
    const { real, mine } = await both('features x', ['features', '-C', 'default', 'x']);
    expect([real.status, mine.status]).toEqual([0, 0]);
    expect(mine.json?.transfers).toEqual(real.json?.transfers);
    if (is262) expect(mine.stdout).toBe(real.stdout);
  });

  it.each(['bare', 'no-such'])('features -C %s: nothing can be told of it', async (component) => {
    defineAll();
    const { real, mine } = await both(`-C ${component} features`, ['features', '-C', component]);
    expect([real.status, mine.status]).toEqual([1, 2]);
  });

  it('a mistake in a transfer that is off is one of its component', async () => {
    defineAll();
    write('etc/sysupdate.foo.d/40-never.transfer', '[Transfer]\nFeatures=debug\n[Source]\nMatchPattern=x_@v@v.raw\n');
    const { real, mine } = await both('-C foo features', ['features', '-C', 'foo']);
    expect([real.status, mine.status]).toEqual([1, 3]);
  });

  it.each([
    ['TEST-72 case 14: only a component', () => transfer('etc/sysupdate.foo.d/a.transfer', 'a')],
    [
      'TEST-72 case 14: beside an empty sysupdate.d',
      () => {
        transfer('etc/sysupdate.foo.d/a.transfer', 'a');
        mkdirSync(join(root, 'etc/sysupdate.d'));
      },
    ],
    ['TEST-72 case 26: none', () => {}],
    ['the one without a name', () => transfer('run/sysupdate.d/a.transfer', 'a')],
    ['all kinds', defineAll],
    [
      'a .component file without a directory',
      () => write('etc/sysupdate.alone.component', '[Component]\nDescription=x\n'),
    ],
  ])('components: %s', async (_, define) => {
    define();
    const { real, mine } = await both('components', ['components']);
    expect([real.status, mine.status]).toEqual([0, 0]);
    // 257 takes the empty directory for a component (systemd issue 41501).
    const is41501 = !is262 && existsSync(join(root, 'etc/sysupdate.d'));
    expect(mine.json).toEqual(is41501 ? { ...real.json, default: false } : real.json);
  });

  it('TEST-72 case 29: both programs obey the drop-in that either writes for a feature', async () => {
    transfer('usr/lib/sysupdate.foo.d/a.transfer', 'a', { Features: 'x' });
    transfer('usr/lib/sysupdate.foo.d/b.transfer', 'b');
    write('usr/lib/sysupdate.foo.d/x.feature', '[Feature]\n');
    const enabled = async () => {
      const { real, mine } = await both('-C foo features x', ['features', '-C', 'foo', 'x']);
      return [real.json?.enabled, mine.json?.enabled];
    };
    expect(await enabled()).toEqual([false, false]);
    await runProgram(['enable', 'foo', '--feature=x', `--root=${root}`]);
    expect(await enabled()).toEqual([true, true]);
    await runProgram(['disable', 'foo', '--feature=x', `--root=${root}`]);
    expect(await enabled()).toEqual([false, false]);
    if (!is262) return;
    await runInTree(tree, root, `${SYSUPDATE} --root=/mnt -C foo enable-feature x`);
    expect(await enabled()).toEqual([true, true]);
  });

  // 257 has no commands for the rest, nor `.component` files.
  if (!is262) return;

  it.each([
    ['TEST-72 case 27: a component', 'enable-component foo', ['enable', 'foo']],
    ['TEST-72 case 27: by -C', '-C foo disable-component', ['disable', '-C', 'foo']],
    ['TEST-72 case 28: all components', '-A disable-component', ['disable', '--component-all']],
    ['TEST-72 case 28: those that are suggested', '-S enable-component', ['enable', '--component-suggested']],
    ['TEST-72 case 29: a feature', '-C foo enable-feature one', ['enable', 'foo', '--feature=one']],
    [
      'TEST-72 case 29: several',
      '-C foo disable-feature one two',
      ['disable', 'foo', '--feature=one', '--feature=two'],
    ],
    ['TEST-72 case 29: all features', '-C foo -a enable-feature', ['enable', 'foo', '--feature-all']],
    ['TEST-72 case 29: those that are suggested', '-C foo -s enable-feature', ['enable', 'foo', '-s']],
    ['TEST-72 case 29: all features of all components', '-A -a enable-feature', ['enable', '-A', '-a']],
  ])('%s: the same drop-ins', async (_, sysupdate, own) => {
    transfer('usr/lib/sysupdate.d/os.transfer', 'os', { Features: 'os' });
    write('usr/lib/sysupdate.d/os.feature', '[Feature]\n');
    for (const name of ['foo', 'bar']) transfer(`usr/lib/sysupdate.${name}.d/a.transfer`, name, { Features: 'one' });
    write('usr/lib/sysupdate.foo.component', '[Component]\nSuggestOnMachineTag=!*\n');
    write('usr/lib/sysupdate.bar.component', '[Component]\nSuggest=yes\n');
    write('usr/lib/sysupdate.foo.d/one.feature', '[Feature]\nSuggestOnFraction=malformed\n');
    write('usr/lib/sysupdate.foo.d/two.feature', '[Feature]\nSuggest=yes\n');

    const real = await runInTree(tree, root, `${SYSUPDATE} --root=/mnt ${sysupdate}`);
    const written = dropIns();
    for (const path of Object.keys(written)) rmSync(join(root, path));
    const mine = await runProgram([...own, `--root=${root}`]);
    expect([real.status, mine.status]).toEqual([0, 0]);
    expect(Object.keys(written).length).toBeGreaterThan(0);
    expect(dropIns()).toEqual(written);
  });

  it('TEST-72 case 27: a disabled component is passed over, and refused when it is named', async () => {
    transfer('usr/lib/sysupdate.foo.d/a.transfer', 'a');
    await runInTree(tree, root, `${SYSUPDATE} --root=/mnt disable-component foo`);
    const real = await runInTree(tree, root, `${SYSUPDATE} --root=/mnt -C foo update`);
    expect([real.status, real.stderr]).toEqual([1, expect.stringContaining('Component is disabled.')]);
    const mine = await runProgram(['apply', 'foo', `--root=${root}`]);
    expect([mine.status, mine.stderr]).toEqual([2, expect.stringContaining('foo is disabled')]);
    const all = await runProgram(['apply', `--root=${root}`]);
    expect([all.status, all.stderr]).toEqual([0, '']);
  });

  it('components: description, enabled and suggested', async () => {
    transfer('usr/lib/sysupdate.foo.d/a.transfer', 'a');
    write('usr/lib/sysupdate.foo.component', '[Component]\nDescription=Foo\nDocumentation=https://a/\nSuggest=yes\n');
    write('run/sysupdate.foo.component.d/10-x.conf', '[Component]\nDocumentation=https://b/\nEnabled=no\n');
    const real = await runInTree(tree, root, `${SYSUPDATE} --root=/mnt --no-legend components`);
    const mine = await runProgram(['components', '--no-legend', `--root=${root}`]);
    expect(real.stdout.trim().split(/\s+/)).toEqual(['✗', '✓', 'foo', 'Foo', 'https://a/', 'https://b/']);
    expect(mine.stdout.trim().split(/\s+/)).toEqual(['foo', 'no', 'yes', 'Foo', 'https://a/', 'https://b/']);
  });

  it('TEST-72 case 28: conditions of SuggestOn...=', async () => {
    const conditions = readFileSync(new URL('./conditions.txt', import.meta.url), 'utf8')
      .trimEnd()
      .split('\n');
    for (const [index, condition] of conditions.entries()) {
      transfer(`etc/sysupdate.c${index}.d/a.transfer`, `c${index}`);
      write(`etc/sysupdate.c${index}.d/f.feature`, `[Feature]\n${condition.replaceAll(';', '\n')}\n`);
    }
    // Without --root=, so that both look at the very same machine.
    const ask = `for i in $(seq 0 ${conditions.length - 1}); do ${SYSUPDATE} -C c$i features f --json=short; done`;
    const real = await runInTree(tree, root, ask);
    const mine = await runInTree(tree, root, `${EXTUPDATE} features --json=short`);
    expect([real.status, mine.status], mine.stderr).toEqual([0, 0]);

    const answer = ({ suggested }: Record<string, unknown>) => String(suggested ?? 'cannot tell');
    const told = real.stdout
      .trimEnd()
      .split('\n')
      .map((line) => answer(JSON.parse(line)));
    const features = parse(mine.stdout)?.features as Record<string, unknown>[];
    const found = new Map(features.map((feature) => [feature.component, answer(feature)]));
    expect(conditions.map((text, index) => `${text}: ${found.get(`c${index}`)}`)).toEqual(
      conditions.map((text, index) => `${text}: ${told[index]}`),
    );
  });
});

/** The drop-ins below /etc, without the comment that names the program. */
function dropIns(): Record<string, string> {
  const list = (path: string): string[] =>
    readdirSync(join(root, path), { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? list(join(path, entry.name)) : [join(path, entry.name)],
    );
  const files = list('etc').filter((path) => path.endsWith('.conf'));
  return Object.fromEntries(files.map((path) => [path, readFileSync(join(root, path), 'utf8').replace(/^#.*/, '#')]));
}
