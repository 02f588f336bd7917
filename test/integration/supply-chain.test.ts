/** What the program is made of: pinned, whole, without scripts, and the same wherever it is built. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

const repository = fileURLToPath(new URL('../..', import.meta.url));
const readJson = (name: string) => JSON.parse(readFileSync(join(repository, name), 'utf8'));
const { dependencies, devDependencies } = readJson('package.json') as Record<string, Record<string, string>>;
const { lockfileVersion, packages } = readJson('package-lock.json') as {
  lockfileVersion: number;
  packages: Record<string, LockedPackage>;
};
const locked = Object.entries(packages).filter(([path]) => path !== '');

describe('the lock file', () => {
  it('has a hash of every package', () => {
    expect(lockfileVersion).toBe(3);
    expect(locked.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''))).toEqual([]);
  });

  it('has what package.json names, in that very version', () => {
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect(version, name).toMatch(/^[0-9]+\.[0-9]+\.[0-9]+$/);
      expect(packages[`node_modules/${name}`]?.version, name).toBe(version);
    }
  });

  it('has no package that runs anything when it is installed, but esbuild, of which that script is not needed', () => {
    const withScripts = locked
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path, { dev }]) => [path, dev]);
    expect(withScripts).toEqual([['node_modules/esbuild', true]]);
  });

  it('has few packages that become a part of the program', () => {
    const runtime = locked.filter(([, { dev }]) => !dev).map(([path]) => path.replace('node_modules/', ''));
    expect(runtime).toEqual([
      '@colors/colors',
      'ansi-regex',
      'cli-progress',
      'cli-table3',
      'commander',
      'emoji-regex',
      'fzstd',
      'is-fullwidth-code-point',
      'is-network-error',
      'node-cron',
      'openpgp',
      'p-retry',
      'string-width',
      'strip-ansi',
      'undici',
      'xz-decompress',
      'zod',
    ]);
  });
});

describe('installing', () => {
  it('runs no scripts, and takes nothing but what the lock file has', () => {
    const text = readFileSync(join(repository, 'src/release/ensure-installed.mjs'), 'utf8');
    expect(text.match(/'npm', \['ci', '--ignore-scripts'/g)).toHaveLength(1);
    expect(readFileSync(join(repository, '.ci/run'), 'utf8')).not.toMatch(/npm['"]?,? \[?['"]?(ci|install|i|pack)\b/);
  });

  it('takes the Node of images as it was pinned', () => {
    const { version, packages: nodes } = readJson('src/release/node.json') as {
      version: string;
      packages: Record<string, { name: string; integrity: string }>;
    };
    expect(version).toMatch(/^[0-9]+\.[0-9]+\.[0-9]+$/);
    expect(Object.keys(nodes)).toEqual(['x86-64', 'arm64']);
    for (const { integrity } of Object.values(nodes)) expect(integrity).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
  });
});

describe('the bundle', () => {
  it('is the same, built in another directory at another time', { timeout: 120_000 }, () => {
    const places = [mkdtempSync(join(tmpdir(), 'extupdate-a-')), mkdtempSync(join(tmpdir(), 'extupdate-another-'))];
    try {
      const hashes = places.map((place, index) => {
        for (const name of ['src', 'package.json', 'tsconfig.json']) {
          cpSync(join(repository, name), join(place, name), { recursive: true });
        }
        symlinkSync(join(repository, 'node_modules'), join(place, 'node_modules'));
        utimesSync(join(place, 'src/main.ts'), index, index);
        execFileSync(process.execPath, ['src/release/build.mjs', '--program-only'], {
          cwd: place,
          env: { ...process.env, TZ: `Etc/GMT+${index}` },
        });
        return hashesOf(join(place, 'dist'));
      });
      expect(Object.keys(hashes[0] ?? {})).toEqual(['LICENCES', 'extupdate', 'package.json']);
      expect(hashes[1]).toEqual(hashes[0]);
      // What was tested is what is built; the manual beside it is made of text alone.
      expect(hashesOf(join(repository, 'dist'))).toMatchObject(hashes[0] ?? {});
    } finally {
      for (const place of places) rmSync(place, { recursive: true });
    }
  });

  it('loads no code but its own: what is imported at run time has a name that stands in the source', () => {
    // What is in src/release builds it.
    const sources = readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.ts') && !name.startsWith('release/'),
    );
    for (const name of sources) {
      const text = readFileSync(join(repository, 'src', name), 'utf8');
      // The one place that runs what stands in a file: the other parts of the program, beside it.
      if (name === 'load-part.ts') continue;
      expect(text.match(/\bimport\((?!'[^']+'\))[^)]*\)/g), name).toBeNull();
      expect(text.match(/\b(eval|new Function)\(|node:vm|createRequire/g), name).toBeNull();
    }
  });
});

function hashesOf(directory: string): Record<string, string> {
  // What V8 has compiled differs from one version of Node to the next.
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !entry.name.endsWith('.cache'),
  );
  const pairs = files.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [relative(directory, path), createHash('sha256').update(readFileSync(path)).digest('hex')] as const;
  });
  return Object.fromEntries(pairs.sort());
}
