import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadDefinitions } from '../../../src/definition/load.ts';
import { loadConfig } from '../../../src/definition/load-config.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'extupdate-definitions-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

function link(path: string, target: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(target, join(root, path));
}

const transfer = (url: string, more = '') =>
  `[Source]\nType=url-file\nPath=https://example.com/${url}\nMatchPattern=${url}_@v.raw\n[Target]\nPath=/var/lib/extensions/foo.raw.v\n${more}`;
const load = () => loadDefinitions({ root }, { a: 'x86-64' });
const sources = () =>
  Object.fromEntries(
    load().components.map(({ name, transfers }) => [name, transfers.map(({ source }) => source.path.slice(20))]),
  );

describe('search directories', () => {
  it('/etc comes before /run, /usr/local/lib and /usr/lib, by file name', () => {
    for (const [index, directory] of ['usr/lib', 'usr/local/lib', 'run', 'etc'].entries()) {
      write(`${directory}/extupdate/transfer.d/foo.transfer`, transfer(String(index)));
      expect(sources()).toEqual({ foo: [String(index)] });
    }
  });

  it('components of systemd-sysupdate are found in all of them', () => {
    write('usr/lib/sysupdate.foo.d/a.transfer', transfer('vendor'));
    write('etc/sysupdate.foo.d/b.transfer', transfer('admin'));
    write('run/sysupdate.bar.d/a.transfer', transfer('run'));
    write('usr/lib/sysupdate.d/50-os.transfer', transfer('os'));
    expect(sources()).toEqual({ foo: ['vendor', 'admin'], bar: ['run'], default: ['os'] });
  });

  it('an own definition is named after its file, without a number', () => {
    write('etc/extupdate/transfer.d/10-foo.transfer', transfer('x'));
    expect(sources()).toEqual({ foo: ['x'] });
  });

  it('links stay inside the root', () => {
    write('opt/definitions/foo.transfer', transfer('linked'));
    link('etc/extupdate/transfer.d', '/opt/definitions');
    expect(sources()).toEqual({ foo: ['linked'] });
  });

  it('--definitions= replaces them all', () => {
    write('etc/extupdate/transfer.d/foo.transfer', transfer('etc'));
    write('elsewhere/bar.transfer', transfer('elsewhere'));
    const { components } = loadDefinitions({ root, definitions: join(root, 'elsewhere') }, {});
    expect(components.map(({ name }) => name)).toEqual(['bar']);
  });
});

describe('masks', () => {
  it.each([
    ['a link to /dev/null', () => link('etc/extupdate/transfer.d/foo.transfer', '/dev/null')],
    ['an empty file', () => write('etc/extupdate/transfer.d/foo.transfer', '')],
  ])('%s hides a file of the vendor', (_, mask) => {
    write('usr/lib/extupdate/transfer.d/foo.transfer', transfer('vendor'));
    write('usr/lib/extupdate/transfer.d/bar.transfer', transfer('bar'));
    mask();
    expect(sources()).toEqual({ bar: ['bar'] });
  });

  it('a dangling link is a problem, not a mask', () => {
    link('etc/extupdate/transfer.d/foo.transfer', '/nowhere');
    expect(load().components).toEqual([]);
  });
});

describe('the suffix .conf', () => {
  it('counts where there is no .transfer', () => {
    write('etc/sysupdate.foo.d/foo.conf', transfer('conf'));
    expect(sources()).toEqual({ foo: ['conf'] });
  });

  it('is ignored beside a .transfer in any directory', () => {
    write('etc/sysupdate.foo.d/foo.conf', transfer('conf'));
    write('usr/lib/sysupdate.foo.d/foo.transfer', transfer('transfer'));
    expect(sources()).toEqual({ foo: ['transfer'] });
  });

  it('is that of a component of its own in extupdate’s directory, whatever is beside it', () => {
    write('etc/extupdate/transfer.d/foo.conf', transfer('foo'));
    write('etc/extupdate/transfer.d/bar.transfer', transfer('bar'));
    write('usr/lib/extupdate/transfer.d/bar.conf', transfer('ignored'));
    expect(sources()).toEqual({ bar: ['bar'], foo: ['foo'] });
  });

  it('counts again when every .transfer is masked', () => {
    write('usr/lib/sysupdate.foo.d/foo.conf', transfer('conf'));
    write('usr/lib/sysupdate.foo.d/foo.transfer', transfer('transfer'));
    link('etc/sysupdate.foo.d/foo.transfer', '/dev/null');
    expect(sources()).toEqual({ foo: ['conf'] });
  });
});

describe('drop-ins', () => {
  it('override settings, in the order of their names, and can be masked', () => {
    write('usr/lib/sysupdate.foo.d/foo.transfer', transfer('main', 'InstancesMax=4\n'));
    write('etc/sysupdate.foo.d/foo.transfer.d/20-b.conf', '[Source]\nPath=https://example.com/twenty\n');
    write('usr/lib/sysupdate.foo.d/foo.transfer.d/10-a.conf', '[Source]\nPath=https://example.com/ten\n');
    expect(sources()).toEqual({ foo: ['twenty'] });
    link('etc/sysupdate.foo.d/foo.transfer.d/10-a.conf', '/dev/null');
    rmSync(join(root, 'etc/sysupdate.foo.d/foo.transfer.d/20-b.conf'));
    expect(sources()).toEqual({ foo: ['main'] });
  });

  it('of the same name in an earlier directory replace those of a later one', () => {
    write('usr/lib/extupdate/transfer.d/foo.transfer', transfer('main'));
    write('usr/lib/extupdate/transfer.d/foo.transfer.d/a.conf', '[Source]\nPath=https://example.com/vendor\n');
    write('etc/extupdate/transfer.d/foo.transfer.d/a.conf', '[Target]\nInstancesMax=7\n');
    expect(sources()).toEqual({ foo: ['main'] });
    expect(load().components[0]?.transfers[0]?.target.instancesMax).toBe(7);
  });

  it('can reset a list by an empty value', () => {
    write('etc/extupdate/transfer.d/foo.transfer', transfer('main'));
    write(
      'etc/extupdate/transfer.d/foo.transfer.d/a.conf',
      '[Source]\nMatchPattern=\nMatchPattern=bar_@v.raw\n[Target]\nMatchPattern=baz_@v.raw\n',
    );
    const [foo] = load().components;
    expect(foo?.transfers[0]?.source.patterns.map(({ text }) => text)).toEqual(['bar_@v.raw']);
  });

  it('of a legacy definition stand in NAME.conf.d', () => {
    write('etc/sysupdate.foo.d/foo.conf', transfer('conf'));
    write('etc/sysupdate.foo.d/foo.conf.d/a.conf', '[Source]\nPath=https://example.com/other\n');
    expect(sources()).toEqual({ foo: ['other'] });
  });
});

describe('problems', () => {
  it('of all files are told, and the other components go on', () => {
    write('etc/extupdate/transfer.d/good.transfer', transfer('good'));
    write('etc/extupdate/transfer.d/bad.transfer', '[Source]\nType=url\n');
    write(
      'etc/sysupdate.worse.d/a.transfer',
      'nonsense\n[Source]\nType=url-file\nPath=x\nMatchPattern=@v@v\n[Target]\nPath=y\n',
    );
    const { components, broken } = load();
    expect(components.map(({ name }) => name)).toEqual(['good']);
    const told = broken.map(({ name, problems }) => [name, problems.map(({ file, line }) => `${file}:${line}`)]);
    expect(told).toEqual([
      [
        'bad',
        Array(4)
          .fill('/etc/extupdate/transfer.d/bad.transfer')
          .map((file, index) => `${file}:${[2, 1, 1, 1][index]}`),
      ],
      ['worse', [1, 4, 5, 7].map((line) => `/etc/sysupdate.worse.d/a.transfer:${line}`)],
    ]);
  });

  it('of two transfers of a component stop all of it', () => {
    write('etc/sysupdate.foo.d/a.transfer', transfer('a'));
    write('etc/sysupdate.foo.d/b.transfer', '[Source]\nType=url-file\n');
    expect(load().components).toEqual([]);
    expect(load().broken[0]?.name).toBe('foo');
  });

  it.each([
    [
      'link',
      'CurrentSymlink=/etc/extensions/x.raw\n',
      'a',
      'b',
      'CurrentSymlink=: /etc/extensions/x.raw is also that of',
    ],
    [
      'pattern in a directory',
      '',
      'a',
      'a',
      'MatchPattern=: "a_@v.raw" in /var/lib/extensions/foo.raw.v is also that of',
    ],
  ])('two components with the same %s are both told', (_, more, first, second, message) => {
    write('etc/extupdate/transfer.d/one.transfer', transfer(first, more));
    write('etc/extupdate/transfer.d/two.transfer', transfer(second, more));
    expect(load().components).toEqual([]);
    expect(load().broken.map(({ name, problems }) => [name, problems[0]?.message.startsWith(message)])).toEqual([
      ['one', true],
      ['two', true],
    ]);
  });

  it('a target directory inside of another one, where it would be a version of that, is told', () => {
    const tree = (pattern: string, path: string) =>
      `[Source]\nType=directory\nPath=/srv\nMatchPattern=${pattern}\n[Target]\nPath=${path}\n`;
    write('etc/extupdate/transfer.d/app.transfer', tree('app_@v', '/var/lib/store'));
    write('etc/extupdate/transfer.d/extra.transfer', tree('x_@v', '/var/lib/store/app_extra.d/deep'));
    write('etc/extupdate/transfer.d/other.transfer', tree('y_@v', '/var/lib/store/in-other'));
    expect(load().components.map(({ name }) => name)).toEqual(['extra', 'other']);
    expect(load().broken[0]?.problems[0]?.message).toContain('matches app_extra.d, the target directory of');
  });

  it.each(['__proto__', '50-', 'a b', 'a@b'])('%j is no name for a component', (name) => {
    write(`etc/extupdate/transfer.d/${name}.transfer`, transfer('x'));
    expect(load().components).toEqual([]);
    expect(load().broken[0]?.problems[0]?.message).toContain('is not a name for a component');
  });

  it('a name that both places define names both files', () => {
    write('etc/extupdate/transfer.d/foo.transfer', transfer('a'));
    write('usr/lib/sysupdate.foo.d/foo.transfer', transfer('b'));
    expect(load().broken[0]?.problems[0]?.message).toContain(
      '/etc/extupdate/transfer.d/foo.transfer and /usr/lib/sysupdate.foo.d/foo.transfer',
    );
  });
});

describe('features', () => {
  const feature = (enabled: string) => `[Feature]\nDescription=x\nEnabled=${enabled}\n`;
  const gated = (setting: string) => `[Transfer]\n${setting}\n${transfer('gated')}`;

  it.each([
    ['Features=a', { a: 'yes' }, true],
    ['Features=a', { a: 'no' }, false],
    ['Features=a', {}, false],
    ['Features=a b', { b: 'yes' }, true],
    ['RequisiteFeatures=a b', { a: 'yes', b: 'yes' }, true],
    ['RequisiteFeatures=a b', { a: 'yes' }, false],
    ['Features=a\nRequisiteFeatures=b', { a: 'yes' }, false],
  ])('%s with %j: %s', (setting, features, enabled) => {
    write('etc/sysupdate.foo.d/foo.transfer', gated(setting));
    for (const [name, value] of Object.entries(features))
      write(`usr/lib/sysupdate.foo.d/${name}.feature`, feature(value));
    const [foo] = load().components;
    expect(foo?.transfers.map(({ id }) => id)).toEqual(enabled ? ['foo'] : []);
    expect(foo?.disabledTransfers.map(({ id }) => id)).toEqual(enabled ? [] : ['foo']);
  });

  it('a mistake in a transfer that is off stops its component', () => {
    write('etc/sysupdate.foo.d/a.transfer', transfer('a'));
    write('etc/sysupdate.foo.d/b.transfer', `[Transfer]\nFeatures=x\n${transfer('b').replace('@v', '@v@v')}`);
    expect(load().components).toEqual([]);
    expect(load().broken.map(({ name }) => name)).toEqual(['foo']);
  });

  it('a mistake in [X-Extupdate] of a transfer that is off stops its component', () => {
    write('etc/sysupdate.foo.d/a.transfer', transfer('a'));
    write('etc/sysupdate.foo.d/b.transfer', `[Transfer]\nFeatures=x\n${transfer('b')}[X-Extupdate]\nKind=x\n`);
    expect(load().broken.map(({ name }) => name)).toEqual(['foo']);
  });

  it('what is off does not change the settings of what is on', () => {
    write('etc/sysupdate.foo.d/a.transfer', transfer('a'));
    write('etc/sysupdate.foo.d/b.transfer', `[Transfer]\nFeatures=x\n${transfer('b')}[X-Extupdate]\nRequired=yes\n`);
    expect(load().components[0]?.settings.required).toBe(false);
  });

  it('a transfer that is off keeps its names from others', () => {
    write('etc/extupdate/transfer.d/docker.transfer', transfer('docker'));
    write('etc/sysupdate.more.d/a.transfer', `[Transfer]\nFeatures=x\n${transfer('docker-compose')}`);
    const [docker, more] = load().components;
    expect(docker?.transfers[0]?.rivals.map(({ text }) => text)).toEqual(['docker-compose_@v.raw']);
    expect(more?.disabledTransfers[0]?.rivals.map(({ text }) => text)).toEqual(['docker_@v.raw']);
  });

  it('of two transfers for one target, the one that is off has nothing of its own', () => {
    const either = (path: string, more: string) =>
      `[Transfer]\nFeatures=${path}\n${transfer(path, `MatchPattern=foo_@v.raw ${more}\nCurrentSymlink=/etc/x.raw\n`)}`;
    write('etc/sysupdate.foo.d/stable.transfer', either('stable', ''));
    write('etc/sysupdate.foo.d/testing.transfer', either('testing', 'next_@v.raw'));
    write('etc/sysupdate.foo.d/stable.feature', feature('yes'));
    const [foo] = load().components;
    expect(foo?.transfers.map(({ id }) => id)).toEqual(['stable']);
    const off = foo?.disabledTransfers.map(({ target }) => [
      target.patterns.map(({ text }) => text),
      target.currentSymlink,
    ]);
    expect(off).toEqual([[['next_@v.raw'], undefined]]);
    rmSync(join(root, 'etc/sysupdate.foo.d/testing.transfer'));
    write('etc/sysupdate.foo.d/testing.transfer', either('testing', ''));
    expect(load().components[0]?.disabledTransfers).toEqual([]);
  });
});

describe('components', () => {
  it.each([
    ['of systemd', 'sysupdate.foo.component', 'sysupdate.foo.d/a.transfer'],
    ['of extupdate', 'extupdate/transfer.d/foo.component', 'extupdate/transfer.d/10-foo.transfer'],
  ])('%s are described by a file, and drop-ins', (_, file, definition) => {
    write(`usr/lib/${definition}`, transfer('a'));
    expect(load().known[0]?.info).toEqual({ documentation: [], enabled: true, suggestion: { conditions: [] } });
    write(`usr/lib/${file}`, '[Component]\nDescription=Foo\nDocumentation=https://a/\nSuggestOnHost=|!x\n');
    write(`run/${file}.d/10-a.conf`, '[Component]\nDocumentation=https://%a/\nEnabled=no\nSuggest=yes\n');
    expect(load().known.map(({ info }) => info)).toEqual([
      {
        description: 'Foo',
        documentation: ['https://a/', 'https://x86-64/'],
        enabled: false,
        suggestion: { always: true, conditions: [{ type: 'Host', trigger: true, negate: true, parameter: 'x' }] },
      },
    ]);
    expect([load().disabled, load().components]).toEqual([['foo'], []]);
    write(`etc/${file}.d/10-a.conf`, '[Component]\nEnabled=yes\n');
    expect([load().disabled, load().components.length]).toEqual([[], 1]);
  });

  it('that are disabled may have mistakes, and keep their names from others', () => {
    write('etc/extupdate/transfer.d/docker.transfer', transfer('docker'));
    write('etc/sysupdate.more.d/a.transfer', transfer('docker-compose'));
    write('etc/sysupdate.more.d/b.transfer', 'nonsense');
    write('etc/sysupdate.more.component', '[Component]\nEnabled=no\n');
    const { components, broken, warnings } = load();
    expect(components[0]?.transfers[0]?.rivals.map(({ text }) => text)).toEqual(['docker-compose_@v.raw']);
    expect([broken, warnings]).toEqual([[], []]);
  });

  it('a switch that is neither on nor off stops its component', () => {
    write('etc/sysupdate.foo.d/a.transfer', transfer('a'));
    write('etc/sysupdate.foo.component', '[Component]\nEnabled=maybe\nSuggest=maybe\nDocumentation=x\nOther=y\n');
    const { broken, warnings } = load();
    expect(broken[0]?.problems.map(({ file, line }) => `${file}:${line}`)).toEqual(['/etc/sysupdate.foo.component:2']);
    expect(warnings.map(({ line }) => line).sort()).toEqual([3, 4, 5]);
  });

  it('a directory without transfers is known, and no more', () => {
    write('etc/sysupdate.foo.d/x.feature', '[Feature]\n');
    write('etc/sysupdate.foo.component.d/x.conf', '[Component]\n');
    const { known, components } = load();
    expect(known.map(({ name, hasTransfers }) => [name, hasTransfers])).toEqual([['foo', false]]);
    expect(components).toEqual([]);
    write('etc/extupdate/transfer.d/foo.transfer', transfer('a'));
    expect(load().known.map(({ origin }) => origin)).toEqual(['extupdate']);
  });

  it('extensions that share a directory have the features that they name', () => {
    write('etc/extupdate/transfer.d/one.transfer', `[Transfer]\nFeatures=x\n${transfer('one')}`);
    write('etc/extupdate/transfer.d/two.transfer', transfer('two'));
    write('etc/extupdate/transfer.d/x.feature', '[Feature]\nEnabled=yes\n');
    const features = load().known.map(({ name, features }) => [name, features.map(({ id }) => id)]);
    expect(features).toEqual([
      ['one', ['x']],
      ['two', []],
    ]);
  });
});

describe('extupdate.conf', () => {
  it('is read from all directories, with drop-ins on top', () => {
    write('usr/lib/extupdate/extupdate.conf', '[Extupdate]\nMaxImageSize=1G\nAllowHTTP=yes\n');
    expect(loadConfig(root)).toMatchObject({ maxImageSize: 1024 ** 3, allowHttp: true });
    write('etc/extupdate.conf', '[Extupdate]\nMaxImageSize=2G\n');
    expect(loadConfig(root)).toMatchObject({ maxImageSize: 2 * 1024 ** 3, allowHttp: false });
    write('run/extupdate.conf.d/50-x.conf', '[Extupdate]\nMaxImageSize=3G\n');
    expect(loadConfig(root).maxImageSize).toBe(3 * 1024 ** 3);
  });

  it('tells every problem', () => {
    write('etc/extupdate.conf', '[Extupdate]\nMaxImageSize=x\n');
    write('etc/extupdate.conf.d/a.conf', '[Extupdate]\nAllowHTTP=x\n[Other]\nA=b\n');
    expect(() => loadConfig(root)).toThrow(/extupdate\.conf:2: [\s\S]*a\.conf:2: [\s\S]*a\.conf:4: /);
  });
});
