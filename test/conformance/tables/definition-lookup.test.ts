/**
 * systemd.md 1.3: which definition files count. Every row is a component of its own; the program looks at all of them
 * in one run, and the version that it finds says which file has won.
 */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definition, makeWorld, type RunResult, type World } from '../../support/world.ts';

const directories = ['etc', 'run', 'usr/local/lib', 'usr/lib'] as const;

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

/** A transfer whose source offers one version, which is named `which`. */
function offering(component: string, which: string, more: Record<string, Record<string, string>> = {}): string {
  world.write(`srv/${which}/f_${which}`, '');
  return definition({
    ...more,
    Source: { Type: 'regular-file', Path: `/srv/${which}`, MatchPattern: 'f_@v', ...more.Source },
    Target: { Type: 'regular-file', Path: `/opt/${component}-${which}`, ...more.Target },
  });
}

const dropIn = (which: string) => {
  world.write(`srv/${which}/f_${which}`, '');
  return `[Source]\nPath=/srv/${which}\n`;
};

function link(path: string, target: string): void {
  mkdirSync(dirname(join(world.root, path)), { recursive: true });
  symlinkSync(target, join(world.root, path));
}

/** A run of `list`, and the versions that it has found, by component. */
async function list(...args: string[]): Promise<{ result: RunResult; found: Map<string, string[]> }> {
  const result = await world.run(['list', '--json=short', ...args]);
  const { components } = result.json();
  return { result, found: new Map(components.map((one) => [one.name, one.versions.map(({ version }) => version)])) };
}

describe('systemd.md 1.3: search directories, suffixes, masks, drop-ins', () => {
  let found: Map<string, string[]>;

  const rows: readonly (readonly [string, string, () => void, readonly string[] | undefined])[] = [
    ...directories.map((_, first) => {
      const from = directories.slice(first);
      const [winner = ''] = from;
      return [
        `the same file name in /${from.join(', /')}: that of /${winner} replaces the others`,
        `order${first}`,
        () => {
          for (const directory of from)
            world.write(
              `${directory}/sysupdate.order${first}.d/a.transfer`,
              offering(`order${first}`, directory.replaceAll('/', '-')),
            );
        },
        [winner.replaceAll('/', '-')],
      ] as const;
    }),
    [
      'a link to /dev/null masks',
      'masked-by-link',
      () => {
        world.write('usr/lib/sysupdate.masked-by-link.d/a.transfer', '[Transfer]\nthis would be a mistake\n');
        world.write('usr/lib/sysupdate.masked-by-link.d/b.transfer', offering('masked-by-link', 'unmasked'));
        link('etc/sysupdate.masked-by-link.d/a.transfer', '/dev/null');
      },
      ['unmasked'],
    ],
    [
      'an empty file masks',
      'masked-by-empty',
      () => {
        world.write('usr/lib/sysupdate.masked-by-empty.d/a.transfer', '[Transfer]\nthis would be a mistake\n');
        world.write('usr/lib/sysupdate.masked-by-empty.d/b.transfer', offering('masked-by-empty', 'unmasked'));
        world.write('run/sysupdate.masked-by-empty.d/a.transfer', '');
      },
      ['unmasked'],
    ],
    [
      '*.conf is used where there is no *.transfer',
      'legacy',
      () => world.write('etc/sysupdate.legacy.d/a.conf', offering('legacy', 'conf')),
      ['conf'],
    ],
    [
      'one *.transfer makes all *.conf ignored, in every directory',
      'mixed',
      () => {
        world.write('etc/sysupdate.mixed.d/a.conf', offering('mixed', 'conf'));
        world.write('usr/lib/sysupdate.mixed.d/b.transfer', offering('mixed', 'transfer'));
      },
      ['transfer'],
    ],
    [
      'only masked *.transfer files: *.conf is used again',
      'fallback',
      () => {
        world.write('usr/lib/sysupdate.fallback.d/a.conf', offering('fallback', 'conf'));
        world.write('usr/lib/sysupdate.fallback.d/b.transfer', offering('fallback', 'transfer'));
        link('etc/sysupdate.fallback.d/b.transfer', '/dev/null');
      },
      ['conf'],
    ],
    [
      'NAME.transfer.d/*.conf overrides, the last by file name, whatever its directory',
      'drop-ins',
      () => {
        world.write('etc/sysupdate.drop-ins.d/a.transfer', offering('drop-ins', 'main'));
        world.write('usr/lib/sysupdate.drop-ins.d/a.transfer.d/30-z.conf', dropIn('thirty'));
        world.write('etc/sysupdate.drop-ins.d/a.transfer.d/20-a.conf', dropIn('twenty'));
      },
      ['thirty'],
    ],
    [
      'a drop-in replaces one of the same name in a later directory',
      'same-drop-in',
      () => {
        world.write('usr/lib/sysupdate.same-drop-in.d/a.transfer', offering('same-drop-in', 'main'));
        world.write('usr/lib/sysupdate.same-drop-in.d/a.transfer.d/x.conf', dropIn('vendor'));
        world.write('run/sysupdate.same-drop-in.d/a.transfer.d/x.conf', dropIn('runtime'));
      },
      ['runtime'],
    ],
    [
      'NAME.feature.d/*.conf',
      'feature-drop-in',
      () => {
        const gated = offering('feature-drop-in', 'gated', { Transfer: { Features: 'x' } });
        world.write('usr/lib/sysupdate.feature-drop-in.d/a.transfer', gated);
        world.write('usr/lib/sysupdate.feature-drop-in.d/x.feature', '[Feature]\nEnabled=no\n');
        world.write('etc/sysupdate.feature-drop-in.d/x.feature.d/on.conf', '[Feature]\nEnabled=yes\n');
      },
      ['gated'],
    ],
    [
      'sysupdate.NAME.component.d/*.conf',
      'component-drop-in',
      () => {
        world.write('usr/lib/sysupdate.component-drop-in.d/a.transfer', offering('component-drop-in', 'main'));
        world.write('run/sysupdate.component-drop-in.component.d/off.conf', '[Component]\nEnabled=no\n');
      },
      undefined,
    ],
    [
      'the component without a name: sysupdate.d',
      'default',
      () => world.write('usr/local/lib/sysupdate.d/a.transfer', offering('default', 'unnamed')),
      ['unnamed'],
    ],
    [
      'an unknown setting is warned of, and ignored',
      'unknown',
      () => world.write('etc/sysupdate.unknown.d/a.transfer', offering('unknown', 'known', { Source: { Wrong: 'x' } })),
      ['known'],
    ],
  ];

  let stderr: string;
  beforeAll(async () => {
    for (const [, , write] of rows) write();
    const { result, found: components } = await list();
    expect(result.status, result.stdout).toBe(0);
    found = components;
    stderr = result.stderr;
  });
  afterAll(() => {
    for (const directory of directories)
      for (const name of world.names(directory).filter((one) => one.startsWith('sysupdate.')))
        rmSync(join(world.root, directory, name), { recursive: true });
  });

  it.each(rows)('%s', (_, component, __, versions) => {
    expect(found.get(component)).toEqual(versions);
  });

  it('the unknown setting is told with file and line', async () => {
    // A document is all that is printed with --json.
    expect(stderr).toBe('');
    world.write('etc/sysupdate.unknown.d/a.transfer', offering('unknown', 'known', { Source: { Wrong: 'x' } }));
    const { stderr: said } = await world.run(['list', 'unknown']);
    expect(said).toContain('/etc/sysupdate.unknown.d/a.transfer:5: Wrong=: unknown setting in [Source], ignoring');
  });

  it('drop-ins work with --definitions= too', async () => {
    const place = join(world.root, 'elsewhere');
    world.write('elsewhere/a.transfer', offering('elsewhere', 'main'));
    world.write('elsewhere/a.transfer.d/x.conf', dropIn('dropped-in'));
    expect((await list(`--definitions=${place}`)).found).toEqual(new Map([['a', ['dropped-in']]]));
  });
});

describe('systemd.md 1.3: a mistake stops its component, and no other one', () => {
  const rows = [
    ['MatchPattern=', 'pattern', { Source: { MatchPattern: 'no-version' } }],
    ['Type= of [Source]', 'source-type', { Source: { Type: 'magnet' } }],
    ['Type= of [Target]', 'target-type', { Target: { Type: 'floppy' } }],
    ['Path= of [Source]', 'source-path', { Source: { Path: 'relative' } }],
    ['Path= of [Target]', 'target-path', { Target: { Path: '/opt/../x' } }],
    ['MinVersion=, of which systemd only warns', 'min', { Transfer: { MinVersion: 'a/b' } }],
    ['ProtectVersion=, of which systemd only warns', 'protect', { Transfer: { ProtectVersion: 'a b' } }],
    ['InstancesMax=, of which systemd only warns', 'instances', { Target: { InstancesMax: 'many' } }],
  ] as const;
  let outcome: Awaited<ReturnType<typeof list>>;

  beforeAll(async () => {
    for (const [, name, mistake] of rows) {
      world.write(`etc/sysupdate.${name}.d/a.transfer`, offering(name, `good-${name}`));
      world.write(`etc/sysupdate.${name}.d/b.transfer`, offering(name, `bad-${name}`, mistake));
    }
    world.write('etc/sysupdate.good.d/a.transfer', offering('good', 'good'));
    outcome = await list();
  });

  it.each(rows)('a bad %s', (_, name) => {
    expect(outcome.found.has(name)).toBe(false);
    const errors = outcome.result.json().errors.filter(({ component }) => component === name);
    expect(errors).toMatchObject([{ code: 'config', exit: 3 }]);
    expect(errors[0]?.message).toMatch(new RegExp(`^/etc/sysupdate\\.${name}\\.d/b\\.transfer:\\d+: \\w+=: `));
  });

  it('the others are listed, and the status tells that some failed', () => {
    expect(outcome.found).toEqual(new Map([['good', ['good']]]));
    expect(outcome.result.status).toBe(15);
  });
});

describe('systemd.md 1.3: names', () => {
  const names = [
    ['a word', 'foo', true],
    ['UTF-8', 'über', true],
    ['with dots and underscores', 'foo.bar_baz', true],
    ['of digits', '0815', true],
    ['with a control character', 'foo\u0001', false],
    ['with a blank, which systemd takes: it could not be named beside others', 'foo bar', false],
    ['with "@", which systemd takes: it separates the version', 'foo@bar', false],
  ] as const;
  let own: World;
  let result: RunResult;

  beforeAll(async () => {
    own = await makeWorld();
    for (const name of [...names.map(([, one]) => one), 'ends.component'])
      own.write(`etc/sysupdate.${name}.d/a.transfer`, offering(encodeURIComponent(name).replaceAll('%', ''), 'one'));
    own.write('etc/sysupdate.foo.d/a.transfer', offering('foo', 'one', { Transfer: { Features: 'x.y ünd' } }));
    for (const feature of ['x.y', 'ünd', '.hidden']) own.write(`etc/sysupdate.foo.d/${feature}.feature`, '[Feature]\n');
    result = await own.run(['list', '--json=short']);
  });
  afterAll(() => own.close());

  it.each(names)('a component %s', (_, name, isValid) => {
    const errors = result.json().errors.flatMap(({ component, message }) => (component === name ? [message] : []));
    expect(errors).toEqual(isValid ? [] : [expect.stringContaining('is not a name for a component')]);
  });

  it('a directory that ends in .component.d holds drop-ins, and is no component', () => {
    const { components, errors } = result.json();
    expect([...components, ...errors].map((one) => ('name' in one ? one.name : one.component))).not.toContain(
      'ends.component',
    );
  });

  it('a feature is named by its file', async () => {
    const listed = await own.run(['features', '-C', 'foo', '--json=short']);
    expect(JSON.parse(listed.stdout)).toEqual({ features: ['x.y', 'ünd'] });
  });
});
