/**
 * The stage of the fault catalogue: a host whose component `app` has version 1 active and version 2 on offer, beside a
 * healthy component `other` that has an update too. A case brings in a fault, runs the program, mends the fault and
 * runs it again; {@link Scene.suffer} asserts the invariants I1 to I6 of the catalogue each time.
 */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { isTemporaryName } from '../../src/os/atomic-file.ts';
import { newestFirst } from '../../src/version/compare.ts';
import { extensionImage } from './images.ts';
import { sha256 } from './repository.ts';
import { isTaken } from './sample.ts';
import { definition, makeWorld, type RunOptions, type RunResult, type World } from './world.ts';

export const APP = 'var/lib/extensions/app.raw.v';
export const OTHER = 'var/lib/extensions/other.raw.v';
const STAGING = 'var/lib/extupdate/staging';

/** A loadable image for the host of a scene. */
export function imageOf(version: string, name = 'app'): Buffer {
  return extensionImage({
    name,
    release: { ID: 'testos', VERSION_ID: '1' },
    files: { [`usr/share/${name}`]: `${name} ${version}\n` },
  });
}

export interface Expected {
  /** Exit status of the error; the run's own is 15 when `other` was updated beside it. */
  readonly exit: number;
  /** What the message of `app` says. */
  readonly message: string | RegExp;
  /** Whether the fault is one of the whole host, so that `other` cannot be updated either (I6 does not apply). */
  readonly everywhere?: boolean;
  /** Arguments of the failing run; `apply` by default. */
  readonly args?: readonly string[];
  readonly run?: RunOptions;
  /** Takes the fault away. */
  readonly mend?: () => void | Promise<void>;
  /** The version that the run after the mending makes active; `2` by default. */
  readonly after?: string;
  /** Arguments of the run after the mending; `apply` by default. No manual step is allowed (I3) but a decision. */
  readonly afterArgs?: readonly string[];
  /** Part of what says what to do next; the message must come with a next step in any case. */
  readonly next?: string | RegExp;
}

export interface Scene {
  readonly world: World;
  /** Contents that a visible `app_VERSION.raw` may have, by version; what is not in it was never verified. */
  readonly verified: Map<string, Buffer>;
  /** Writes the definition of a component of the scene, with further settings. */
  define(name: 'app' | 'other', more?: Parameters<typeof definition>[0]): void;
  /** Publishes versions of `app`, signed; they count as verified. */
  publish(versions: Readonly<Record<string, Buffer>>): Promise<void>;
  /** Runs the program with the fault in place, mends it, runs again; asserts I1 to I6. @returns the failing run */
  suffer(expected: Expected): Promise<RunResult>;
  /** I1 and I2 by themselves: the version is whole, reachable by its name, and nothing unverified is visible. */
  expectActive(version: string): void;
  /** I5: nothing is left that no later run needs. */
  expectTidy(): void;
  close(): Promise<void>;
}

export interface SceneOptions {
  /** Called with the empty root, to mount something on it or below it. */
  readonly prepare?: (root: string) => void;
  /** Whether a link shows which version of `app` is active (`CurrentSymlink=`), in place of a `.v` directory. */
  readonly linked?: boolean;
}

/** Where the versions of `app` are, and the link to the active one, in a scene with `linked`. */
const LINKED = 'var/lib/app';
const LINK = 'var/lib/extensions/app.raw';

/** Sets the scene: version 1 is active, version 2 is published for both components. */
export async function makeScene({ prepare, linked = false }: SceneOptions = {}): Promise<Scene> {
  const world = await makeWorld(prepare);
  const app = linked ? LINKED : APP;
  const verified = new Map([
    ['1', imageOf('1')],
    ['2', imageOf('2')],
  ]);
  const define: Scene['define'] = (name, more = {}) => {
    const { Source, Target, ...rest } = more;
    const sections = {
      Source: { Type: 'url-file', Path: `${world.server.url}/${name}`, MatchPattern: `${name}_@v.raw`, ...Source },
      Target: {
        ...(linked && name === 'app'
          ? { Path: `/${LINKED}`, CurrentSymlink: `/${LINK}` }
          : { Path: `/var/lib/extensions/${name}.raw.v` }),
        ...Target,
      },
      ...rest,
    };
    world.write(`etc/extupdate/transfer.d/${name}.transfer`, definition(sections));
  };
  const publish: Scene['publish'] = async (versions) => {
    for (const [version, content] of Object.entries(versions)) verified.set(version, content);
    const files = Object.entries(versions).map(([version, content]) => [`app_${version}.raw`, content] as const);
    await world.publish('app', Object.fromEntries(files));
  };
  define('app');
  define('other');
  await publish({ 1: imageOf('1') });
  await world.publish('other', { 'other_1.raw': imageOf('1', 'other') });
  expect(await world.run(['apply'])).toMatchObject({ status: 0 });
  await publish({ 1: imageOf('1'), 2: imageOf('2') });
  await world.publish('other', { 'other_1.raw': imageOf('1', 'other'), 'other_2.raw': imageOf('2', 'other') });

  const expectActive = (version: string) => {
    const visible = visibleVersions(world, app, 'app');
    const active = linked ? /_(.+)\.raw$/.exec(world.link(LINK) ?? '')?.[1] : visible[0];
    expect(active, `I1: the active version of ${world.names(app).join(', ')}`).toBe(version);
    for (const found of visible) {
      const content = readFileSync(join(world.root, app, `app_${found}.raw`));
      const good = verified.get(found);
      expect(good !== undefined && content.equals(good), `I2: app_${found}.raw is what was verified`).toBe(true);
    }
    for (const name of world.names(STAGING).filter((one) => /^[0-9a-f]{64}$/.test(one))) {
      const hash = sha256(readFileSync(join(world.root, STAGING, name)));
      expect(hash, 'I2: what is staged under its hash has that hash').toBe(name);
    }
  };
  const expectTidy = () => {
    const left = [
      app,
      OTHER,
      `${app}/.parked`,
      'var/lib/extensions',
      STAGING,
      'var/lib/extupdate',
      'var/lib/extupdate/os',
    ].flatMap((directory) =>
      world.names(directory).filter((name) => isTemporaryName(name) || name.endsWith('.partial')),
    );
    const staged = world.names(STAGING).filter((name) => /^[0-9a-f]{64}/.test(name));
    expect([...left, ...staged, ...world.names('var/lib/extupdate/unpacked')], 'I5: leftovers').toEqual([]);
  };

  const suffer: Scene['suffer'] = async (expected) => {
    const { args = ['apply'], run } = expected;
    const told = await world.run(args, run);
    expectActive('1');
    expectMessage(told, expected);
    if (!expected.everywhere) {
      expect(visibleVersions(world, OTHER, 'other')[0], 'I6: the other component is updated').toBe('2');
    }
    const isThorough = isTaken();
    if (isThorough) {
      // The same once more, for programs (I4); the fault is still there, so nothing may have changed.
      const json = await world.run([...args, '--json=short'], run);
      expectActive('1');
      const report = json.json().errors.find(({ component }) => component === 'app' || expected.everywhere);
      expect(report, 'I4: the error as JSON').toMatchObject({ exit: expected.exit });
      expect(`${report?.message}`).toMatch(expected.message);
    }

    await expected.mend?.();
    const version = expected.after ?? '2';
    const after = await world.run(expected.afterArgs ?? ['apply']);
    expect(after, 'I3: the next run converges').toMatchObject({ status: 0 });
    expectActive(version);
    expectTidy();
    if (!isThorough) return told;
    expect(await world.run(['apply']), 'I3: and then there is nothing to do').toMatchObject({
      status: 0,
      stdout: 'Nothing to do.\n',
    });
    expectActive(version);
    return told;
  };

  return { world, verified, define, publish, suffer, expectActive, expectTidy, close: () => world.close() };
}

/** The versions that systemd-vpick would see, newest first. */
function visibleVersions(world: World, directory: string, name: string): string[] {
  const place = join(world.root, directory);
  if (!existsSync(place)) return [];
  return readdirSync(place)
    .flatMap((file) => {
      const version = new RegExp(`^${name}_(.+)\\.raw$`).exec(file)?.[1];
      return version !== undefined && lstatSync(join(place, file)).isFile() ? [version] : [];
    })
    .sort(newestFirst);
}

/** I4: one or two lines for the component, with cause and next step, and no stack trace. */
function expectMessage(result: RunResult, { exit, message, next, everywhere }: Expected): void {
  const lines = result.stderr.split('\n');
  const isIt = (line: string) => (typeof message === 'string' ? line.includes(message) : message.test(line));
  const at = lines.findIndex((line) => line.startsWith('extupdate: ') && isIt(line));
  expect(at, `I4: ${message} in: ${result.stderr}`).toBeGreaterThanOrEqual(0);
  const hint = lines[at + 1] ?? '';
  expect(hint, `I4: a next step after: ${lines[at]}`).toMatch(/^ {2}\S/);
  if (next !== undefined) expect(hint).toMatch(next);
  expect(result.stderr).not.toMatch(/^\s+at /m);
  expect(lines.filter((line) => line === lines[at]).length, 'I4: told once').toBe(1);
  // `other` was updated beside it: some succeeded and some failed.
  expect(result.status, result.stderr).toBe(everywhere ? exit : 15);
}
