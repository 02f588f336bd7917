/** A booted host with extupdate on it and a repository that it can reach: what every end-to-end test needs. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';
import type { Document } from '../../src/cli/document.ts';
import { writePlaced } from '../../src/release/placed-file.ts';
import { systemFiles } from '../../src/release/system-files.ts';
import { type ExtensionImage, extensionImage } from './images.ts';
import { makeKey, type PublishOptions, publish, type TestKey } from './repository.ts';
import { inShortTime } from './sample.ts';
import { startServer, type TestServer } from './server.ts';
import { bootHost, type ExecResult, type Host, hostUnavailable, type Suite } from './systemd-host.ts';
import { definition } from './world.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** os-release of a fresh end-to-end host. */
export const osRelease = { ID: 'testos', VERSION_ID: '1' } as const;

export interface E2e {
  readonly host: Host;
  readonly server: TestServer;
  readonly key: TestKey;
  readonly published: string;
  /** Writes a file below the host's root (below merged extensions). */
  write(path: string, content: string | Uint8Array): void;
  /** Defines an extension that comes from `/NAME` of the server; into its `.v` directory where nothing else is said. */
  define(name: string, settings?: Readonly<Record<string, string>>, target?: Readonly<Record<string, string>>): void;
  publish(path: string, files: Readonly<Record<string, Uint8Array | string>>, options?: PublishOptions): Promise<void>;
  /** Runs extupdate inside. */
  run(args: string, env?: Readonly<Record<string, string>>): Promise<ExecResult>;
  /** Runs it with `--json=short`. */
  json(args: string): Promise<Document>;
  /** Runs systemd-sysupdate inside, on the same definitions. */
  sysupdate(args: string): Promise<ExecResult>;
  /** The names that systemd says are merged. */
  merged(tool?: 'systemd-sysext' | 'systemd-confext'): Promise<string[]>;
  /** Content of a file inside, through what is merged. */
  cat(path: string): Promise<string>;
  /** Puts the program, its units and hooks into the base OS, as a distribution would, and enables the units. */
  installUnits(...enable: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export interface E2eOptions {
  /** Whether Node and the built program are there; else the program has to come by itself, as an extension. */
  readonly program?: boolean;
}

/** Boots a host. */
export async function startE2e(suite: Suite, { program = true }: E2eOptions = {}): Promise<E2e> {
  const published = mkdtempSync(join(tmpdir(), 'extupdate-published-'));
  const [server, key, host] = await Promise.all([
    startServer(published),
    makeKey(),
    bootHost({
      suite,
      osRelease,
      node: program,
      bind: program ? [{ from: join(repository, 'dist'), to: '/srv/extupdate', readOnly: true }] : [],
    }),
  ]);
  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(host.root, path)), { recursive: true });
    writeFileSync(join(host.root, path), content);
  };
  const run = (args: string, env = {}) =>
    host.sh(`exec ${program ? '/srv/node/bin/node /srv/extupdate/extupdate' : 'extupdate'} ${args}`, {
      timeoutMs: 120_000,
      env,
    });
  // 257 reads the older name, 262 the newer one.
  for (const name of ['import-pubring.gpg', 'import-pubring.pgp']) write(`etc/systemd/${name}`, key.binaryPublicKey);
  return {
    host,
    server,
    key,
    published,
    write,
    run,
    define: (name, settings = {}, target = { Path: `/var/lib/extensions/${name}.raw.v` }) =>
      write(
        `etc/extupdate/transfer.d/${name}.transfer`,
        definition({
          Source: { Type: 'url-file', Path: `${server.url}/${name}`, MatchPattern: `${name}_@v.raw` },
          Target: target,
          'X-Extupdate': settings,
        }),
      ),
    publish: (path, files, options) => publish(join(published, path), files, { key, ...options }),
    json: async (args) => JSON.parse((await run(`${args} --json=short`)).stdout) as Document,
    sysupdate: (args) => host.sh(`exec /usr/lib/systemd/systemd-sysupdate ${args}`),
    async merged(tool = 'systemd-sysext') {
      const result = await host.exec([tool, 'status', '--json=short']);
      const hierarchies = JSON.parse(result.stdout) as { extensions: string[] | 'none' }[];
      const names = hierarchies.flatMap(({ extensions }) => (extensions === 'none' ? [] : extensions));
      return [...new Set(names)].sort();
    },
    async installUnits(...enable) {
      const node = '/srv/node/bin/node';
      writePlaced(host.root, systemFiles({ prefix: '/usr', interpreter: node, program: 'dist', asExtension: false }));
      // Flatcar has it here; its administrators put it there.
      write('oem/bin/oem-postinst', readFileSync(join(repository, 'units/hooks/flatcar-oem-postinst')));
      chmodSync(join(host.root, 'oem/bin/oem-postinst'), 0o755);
      const result = await host.sh(`systemctl daemon-reload && systemctl enable ${enable.join(' ')}`);
      if (result.status !== 0) throw new Error(result.stderr);
    },
    cat: async (path) => (await host.exec(['cat', path])).stdout,
    stop: async () => {
      await Promise.all([host.stop(), server.close()]);
      rmSync(published, { recursive: true, force: true });
    },
  };
}

/** An image of one extension that tells its version in `/usr/share/NAME/version`. */
export function image(name: string, version: string, options: Partial<ExtensionImage> = {}): Buffer {
  const directory = options.kind === 'confext' ? 'etc' : 'usr/share';
  return extensionImage({
    name,
    release: { ID: 'testos', VERSION_ID: '1' },
    files: { [`${directory}/${name}/version`]: version },
    ...options,
  });
}

/** Describes tests for both systemd versions; where hosts cannot be booted they are skipped, with the reason. */
export function describeHosts(title: string, tests: (suite: Suite) => void): void {
  describeOn(['trixie', 'forky'], title, tests);
}

/**
 * The same, for what depends little on the version of systemd.
 * @param chosen on which it is tested where time is short
 */
export function describeAlikeHosts(chosen: Suite, title: string, tests: (suite: Suite) => void): void {
  describeOn(inShortTime ? [chosen] : ['trixie', 'forky'], title, tests);
}

function describeOn(suites: readonly Suite[], title: string, tests: (suite: Suite) => void): void {
  const reason = hostUnavailable();
  if (reason !== undefined && process.env.CI) throw new Error(`end-to-end tests must run in CI: ${reason}`);
  if (reason !== undefined) console.warn(`skipped: ${title}: ${reason}`);
  for (const suite of suites) {
    describe.skipIf(reason !== undefined)(`${title} (systemd ${suite === 'trixie' ? 257 : 262})`, () => tests(suite));
  }
}
