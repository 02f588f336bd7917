/** A directory of images as somebody who publishes has it, and what programs beside extupdate say of it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Publication, type PublishOptions, publish } from '../../src/publish.ts';
import { extensionImage } from './images.ts';
import { publishDefaults } from './publish-defaults.ts';
import { makeKey, type TestKey } from './repository.ts';

const run = promisify(execFile);

export interface Publisher {
  readonly directory: string;
  readonly key: TestKey;
  /** The armored secret key. */
  readonly keyFile: string;
  put(name: string, content: Uint8Array | string): void;
  remove(name: string): void;
  bytes(name: string): Buffer;
  /** As text. */
  read(name: string): string;
  /** All names, sorted. */
  names(): string[];
  /** Everything that a run could change: names, content, inodes, times. */
  picture(): string;
  /** Publishes in this process, signed with the key where nothing else is said. */
  publish(options?: Partial<PublishOptions>): Promise<Publication>;
  close(): void;
}

let sharedKey: Promise<TestKey> | undefined;

/** @param parent an existing directory for the published one; by default one of its own */
export async function makePublisher(parent?: string): Promise<Publisher> {
  sharedKey ??= makeKey();
  const key = await sharedKey;
  const directory = mkdtempSync(join(parent ?? tmpdir(), 'extupdate-publisher-'));
  const secrets = mkdtempSync(join(tmpdir(), 'extupdate-secrets-'));
  const keyFile = join(secrets, 'key.asc');
  writeFileSync(keyFile, key.privateKey.armor(), { mode: 0o600 });
  const place = (name: string) => join(directory, name);
  const names = () => readdirSync(directory).sort();
  return {
    directory,
    key,
    keyFile,
    put: (name, content) => writeFileSync(place(name), content),
    remove: (name) => rmSync(place(name), { recursive: true }),
    bytes: (name) => readFileSync(place(name)),
    read: (name) => readFileSync(place(name), 'utf8'),
    names,
    picture: () =>
      names()
        .map((name) => {
          const { ino, size, mtimeMs, mode } = statSync(place(name));
          return [name, ino, size, mtimeMs, mode].join(' ');
        })
        .join('\n'),
    publish: (options = {}) =>
      publish({
        directory,
        signing: { by: 'key', file: keyFile },
        ...publishDefaults,
        ...options,
      }),
    close: () => {
      for (const one of [directory, secrets]) rmSync(one, { recursive: true, force: true });
    },
  };
}

/** An image for the host of a test world. */
export function versionOf(name: string, version: string): Buffer {
  const release = { ID: 'testos', VERSION_ID: '1' };
  return extensionImage({ name, release, files: { [`usr/share/${name}/version`]: version } });
}

/** What `sha256sum -c` says of the list, file by file. @throws Error when it is not content */
export async function sha256sumCheck(directory: string): Promise<string[]> {
  const { stdout } = await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: directory });
  return stdout.trim().split('\n');
}

/** Has gpg verify the list, with a key and nothing else in its ring. @throws Error when it does not */
export async function gpgVerify(directory: string, key: Pick<TestKey, 'binaryPublicKey'>): Promise<void> {
  await withGpgHome(async (gpg) => {
    const certificate = join(gpg.home, 'certificate');
    writeFileSync(certificate, key.binaryPublicKey);
    await gpg(['--import', certificate]);
    await gpg(['--trust-model=always', '--verify', 'SHA256SUMS.gpg', 'SHA256SUMS'], directory);
  });
}

export interface Gpg {
  (args: readonly string[], cwd?: string): Promise<{ readonly stdout: string; readonly stderr: string }>;
  readonly home: string;
}

/** Runs an operation with a gpg that has a home, and an agent, of its own. */
export async function withGpgHome<T>(operation: (gpg: Gpg) => Promise<T>): Promise<T> {
  const home = mkdtempSync(join(tmpdir(), 'extupdate-gpg-home-'));
  const env = { ...process.env, GNUPGHOME: home };
  const gpg = (args: readonly string[], cwd?: string) =>
    run('gpg', ['--batch', '--quiet', ...args], { env, ...(cwd === undefined ? {} : { cwd }) });
  try {
    return await operation(Object.assign(gpg, { home }));
  } finally {
    await run('gpgconf', ['--kill', 'all'], { env });
    rmSync(home, { recursive: true, force: true });
  }
}
