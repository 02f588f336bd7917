/** What distributions package: `npm run install:system`. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let directory: string;
let bundle: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'extupdate-install-'));
  bundle = join(directory, 'install.mjs');
  execFileSync(process.execPath, ['src/release/bundle.mjs', 'src/release/install-system.ts', bundle]);
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Installs below a directory of that name. @returns it */
function install(name: string, ...options: string[]): string {
  const destination = join(directory, name);
  execFileSync(process.execPath, [bundle, `--destdir=${destination}`, ...options], { stdio: 'pipe' });
  return destination;
}

/** Of every file: its mode, and what it has or leads to. */
function contentOf(root: string): Record<string, string> {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  const entries = paths.map((path) => {
    const info = lstatSync(join(root, path));
    const mode = (info.mode & 0o7777).toString(8);
    if (info.isDirectory()) return [path, `${mode} directory`];
    if (info.isSymbolicLink()) return [path, `-> ${readlinkSync(join(root, path))}`];
    return [
      path,
      `${mode} ${createHash('sha256')
        .update(readFileSync(join(root, path)))
        .digest('hex')}`,
    ];
  });
  return Object.fromEntries(entries);
}

/** Lines of all text files below a directory. */
function linesIn(root: string): { readonly path: string; readonly line: string }[] {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    const lines = readFileSync(path, 'latin1').split('\n');
    return lines.map((line) => ({ path: relative(root, path), line }));
  });
}

describe('a package', () => {
  it('is the same when it is installed twice, and wherever that is', () => {
    const once = contentOf(install('once'));
    expect(contentOf(install('once'))).toEqual(once);
    expect(contentOf(install('elsewhere'))).toEqual(once);
  });

  it('has nothing in it of the machine that built it', () => {
    const all = linesIn(install('once'));
    expect(all.filter(({ line }) => line.includes(process.cwd()) || line.includes(directory))).toEqual([]);
  });

  it('has what belongs to a program, with its modes', () => {
    const content = contentOf(install('once'));
    const modes = Object.fromEntries(Object.entries(content).map(([path, text]) => [path, text.split(' ')[0]]));
    expect(content['usr/bin/extupdate']).toBe('-> ../lib/extupdate/extupdate');
    expect(modes).toMatchObject({
      'usr/lib/extupdate/extupdate': '755',
      'usr/lib/extupdate/extupdate.program.cache': '644',
      'usr/lib/extupdate/before-os-update': '755',
      'usr/lib/tukit/plugins/extupdate': '755',
      'usr/lib/extupdate/transfer.d/docker.transfer.example': '644',
      'usr/lib/systemd/system/extupdate.timer': '644',
      'usr/lib/systemd/system/systemd-sysext.service.d/50-extupdate.conf': '644',
      'usr/lib/systemd/system-preset/80-extupdate.preset': '644',
      'usr/share/bash-completion/completions/extupdate': '644',
      'usr/share/doc/extupdate/docs/limits.md': '644',
      'usr/share/fish/vendor_completions.d/extupdate.fish': '644',
      'usr/share/licenses/extupdate/LICENCES': '644',
      'usr/share/man/man5/extupdate.transfer.5': '644',
      'usr/share/man/man8/extupdate.8': '644',
      'usr/share/zsh/site-functions/_extupdate': '644',
    });
    expect(new Set(Object.values(content).filter((text) => text.endsWith('directory')))).toEqual(
      new Set(['755 directory']),
    );
    // What only an extension needs.
    expect(Object.keys(content).filter((path) => path.includes('sysinit.target.d'))).toEqual([]);
  });

  it('names the licences of all that is in the program', () => {
    const licences = readFileSync(join(install('once'), 'usr/share/licenses/extupdate/LICENCES'), 'utf8');
    expect(licences).toMatch(/^openpgp 6.*?Licence: LGPL-3.0.*?Source: https:.*?GNU LESSER GENERAL PUBLIC/ms);
    expect(licences).toMatch(/^undici 7.*?Licence: MIT.*?Source: https:.*?Permission is hereby granted/ms);
  });

  it('finds the program, and its hooks, below its prefix', () => {
    const root = join(install('opt', '--prefix=/opt/tools', '--node=/opt/node/bin/node'), 'opt/tools');
    expect(readFileSync(join(root, 'lib/extupdate/extupdate'), 'latin1')).toMatch(/^#!\/opt\/node\/bin\/node\n\/\*/);
    const all = linesIn(root).filter(({ path }) => /^lib\/(systemd|extupdate\/(hooks|before))/.test(path));
    const started = all.filter(({ line }) => /^Exec.*extupdate (?!-)/.test(line));
    expect(started.length).toBeGreaterThan(8);
    expect(started.filter(({ line }) => !/=[-+@:!]*\/opt\/tools\/bin\/extupdate /.test(line))).toEqual([]);
    expect(all.filter(({ line }) => /\/usr\/lib\/extupdate|^ *extupdate |command -v extupdate/.test(line))).toEqual([]);
  });
});

describe('bad options', () => {
  it.each([
    [[], '--destdir=DIR is missing'],
    [['--destdir=x', '--prefix=usr'], '--prefix=usr: expected an absolute path'],
    [['--destdir=x', '--prefix=/usr/'], '--prefix=/usr/: expected an absolute path'],
    [['--destdir=x', '--node=node'], '--node=node: expected the absolute path'],
    [['--destdir=package.json'], '--destdir=package.json: is not a directory'],
  ])('%j', (words, message) => {
    expect(() => execFileSync(process.execPath, [bundle, ...words], { stdio: 'pipe' })).toThrow(message);
  });
});
