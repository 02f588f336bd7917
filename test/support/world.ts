/**
 * A host in a directory (for `--root=`) and a repository on a loopback server: what most integration tests need. The
 * program runs as users start it, as a process of its own.
 */
import { spawn } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Document } from '../../src/cli/document.ts';
import { documentedCommands, documentSchema } from '../../src/reference/documents.ts';
import { makeKey, type PublishOptions, publish, type TestKey } from './repository.ts';
import { startServer, type TestServer } from './server.ts';

/** The program as it was built. */
export const programPath = fileURLToPath(new URL('../../dist/extupdate', import.meta.url));

export interface RunResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as the JSON document. */
  json(): Document;
}

export interface World {
  readonly root: string;
  readonly server: TestServer;
  readonly key: TestKey;
  /** Directory that the server serves. */
  readonly published: string;
  /** Writes a file below the root. */
  write(path: string, content: string | Uint8Array): void;
  /** Reads a file below the root; undefined when there is none. */
  read(path: string): string | undefined;
  /** Names in a directory below the root, sorted; hidden ones too. */
  names(path: string): string[];
  /** Target of a link below the root. */
  link(path: string): string | undefined;
  setOs(fields: Readonly<Record<string, string>>): void;
  /** Publishes files at a path of the server, signed with the world's key. */
  publish(path: string, files: Readonly<Record<string, Uint8Array | string>>, options?: PublishOptions): Promise<void>;
  run(args: readonly string[], options?: RunOptions): Promise<RunResult>;
  close(): Promise<void>;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Words before the program, such as those of setpriv(1). */
  readonly wrapper?: readonly string[];
  /** Called with the process, to send it signals. */
  readonly onStart?: (pid: number) => void;
}

let sharedKey: Promise<TestKey> | undefined;

/**
 * Makes a world: an empty OS tree with the key in its keyring, and a server with nothing on it.
 * @param prepare called with the empty root, to mount something on it or below it
 */
export async function makeWorld(prepare?: (root: string) => void): Promise<World> {
  sharedKey ??= makeKey();
  const key = await sharedKey;
  const base = mkdtempSync(join(tmpdir(), 'extupdate-test-'));
  const root = join(base, 'root');
  const published = join(base, 'published');
  mkdirSync(published, { recursive: true });
  mkdirSync(root);
  prepare?.(root);
  const server = await startServer(published);

  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  const setOs = (fields: Readonly<Record<string, string>>) =>
    write(
      'usr/lib/os-release',
      Object.entries(fields)
        .map(([name, value]) => `${name}="${value}"\n`)
        .join(''),
    );
  setOs({ ID: 'testos', VERSION_ID: '1' });
  write('etc/systemd/import-pubring.pgp', key.binaryPublicKey);

  return {
    root,
    server,
    key,
    published,
    write,
    setOs,
    read: (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'latin1') : undefined),
    names: (path) => (existsSync(join(root, path)) ? readdirSync(join(root, path)).sort() : []),
    link: (path) =>
      lstatSync(join(root, path), { throwIfNoEntry: false })?.isSymbolicLink()
        ? readlinkSync(join(root, path))
        : undefined,
    publish: (path, files, options) => publish(join(published, path), files, { key, ...options }),
    run: (args, options) => runProgram([...args.slice(0, 1), `--root=${root}`, ...args.slice(1)], options),
    close: async () => {
      await server.close();
      rmSync(base, { recursive: true, force: true });
    },
  };
}

/** Runs the built program. */
export async function runProgram(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.env };
  // Costs the start of every process time and changes nothing here.
  delete env.NODE_EXTRA_CA_CERTS;
  const [program = '', ...rest] = [...(options.wrapper ?? []), process.execPath, programPath, ...args];
  const child = spawn(program, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  if (child.pid !== undefined) options.onStart?.(child.pid);
  const status = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : -1)));
  });
  holdToSchema(args, stdout);
  return { status, stdout, stderr, json: () => JSON.parse(stdout) as Document };
}

/** Whatever a test is about: a document is as its schema says. @throws Error */
function holdToSchema(args: readonly string[], stdout: string): void {
  const command = documentedCommands.find((name) => name === args[0]);
  // What a signal cut short, or a test starts wrong on purpose, has no document.
  if (command === undefined || !args.some((word) => /^--json=(short|pretty)$/.test(word)) || stdout === '') return;
  const { success, error } = documentSchema(command).safeParse(JSON.parse(stdout));
  if (!success) throw new Error(`${args.join(' ')}: not as its schema says: ${error.message}\n${stdout}`);
}

/** A transfer definition in the form of sysupdate.d(5). */
export function definition(
  sections: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>,
): string {
  return Object.entries(sections)
    .map(([section, settings]) => {
      const lines = Object.entries(settings).flatMap(([name, value]) =>
        [value].flat().map((one) => `${name}=${one}\n`),
      );
      return `[${section}]\n${lines.join('')}`;
    })
    .join('\n');
}
