import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extensionImage } from '../../support/images.ts';
import { definition, makeWorld, type World } from '../../support/world.ts';

/** Real runs take long: these few histories show that the program does what the model of machine-model.ts does. */
const SEED = process.env.EXTUPDATE_TEST_SEED ?? '1';
const HISTORIES = Number(process.env.EXTUPDATE_TEST_REAL_HISTORIES ?? 6);
const EVENTS = 14;

const kinds = [
  ...(['publish', 'publish for the next', 'apply', 'apply', 'killed apply', 'killed apply', 'gc', 'rollback'] as const),
  ...(['hold', 'unhold', 'prepare', 'killed prepare', 'boot another', 'boot another', 'forget one'] as const),
];

describe('histories below --root', () => {
  it.each([
    ['a .v directory', { Path: '/var/lib/extensions/app.raw.v', MatchPattern: 'app_@v.raw' }],
    [
      'links, and the OS version in the file names',
      {
        Path: '/var/lib/extensions.d',
        MatchPattern: 'app-@v-%w.raw',
        CurrentSymlink: '/var/lib/extensions/app.raw',
      },
    ],
  ])('%s: no OS loses what is recorded, and the next run converges', { timeout: 300_000 }, async (_, target) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(10_000), { minLength: EVENTS, maxLength: EVENTS }), async (events) => {
        const world = await makeWorld();
        try {
          await play(world, target, events);
        } finally {
          await world.close();
        }
      }),
      // The same histories each time; EXTUPDATE_TEST_SEED=random plays others.
      { numRuns: HISTORIES, endOnFailure: true, ...(SEED === 'random' ? {} : { seed: Number(SEED) }) },
    );
  });
});

async function play(world: World, target: Readonly<Record<string, string>>, events: readonly number[]): Promise<void> {
  const perOs = target.MatchPattern?.includes('%w') ?? false;
  const oses = [1];
  let [running, next, version] = [1, 2, 1];
  const files: Record<string, Buffer> = {};
  const treeOf = (os: number) => `ostree/deploy/testos/deploy/os${os}.0`;
  const install = (os: number) => world.write(`${treeOf(os)}/usr/lib/os-release`, `ID=testos\nVERSION_ID=${os}\n`);
  const publish = (os: number) => {
    const name = perOs ? `app-${version}-${os}.raw` : `app_${version}.raw`;
    const release = perOs ? { ID: '_any' } : { ID: 'testos', VERSION_ID: String(os) };
    files[name] = extensionImage({ name: 'app', release, files: { 'usr/share/app/version': String(version) } });
    version += 1;
    return world.publish('app', files);
  };
  const boot = async (os: number) => {
    running = os;
    world.setOs({ ID: 'testos', VERSION_ID: String(os) });
    expect((await world.run(['select'])).status).toBe(0);
  };
  const killed = async (args: readonly string[], delay: number) => {
    let timer: NodeJS.Timeout | undefined;
    await world.run(args, {
      onStart: (pid) => {
        timer = setTimeout(() => {
          try {
            process.kill(pid, 'SIGKILL');
          } catch {
            // It came to its end before.
          }
        }, delay);
      },
    });
    clearTimeout(timer);
  };

  install(1);
  await boot(1);
  const source = { Type: 'url-file', Path: `${world.server.url}/app`, MatchPattern: target.MatchPattern ?? '' };
  world.write('etc/extupdate/transfer.d/app.transfer', definition({ Source: source, Target: target }));
  await publish(1);
  await world.run(['apply']);
  for (const event of events) {
    const kind = kinds[event % kinds.length];
    const detail = Math.floor(event / kinds.length);
    const hadActive = activeFile(world) !== undefined;
    const other = oses.filter((os) => os !== running)[detail % Math.max(1, oses.length - 1)];
    if (kind === 'publish') await publish(running);
    else if (kind === 'publish for the next') await publish(next);
    else if (kind === 'apply') await world.run(['apply']);
    else if (kind === 'killed apply') await killed(['apply'], 30 + (detail % 120));
    else if (kind === 'gc') await world.run(['gc']);
    else if (kind === 'rollback') await world.run(['rollback', 'app']);
    else if (kind === 'hold') await world.run(['hold', 'app']);
    else if (kind === 'unhold') await world.run(['unhold', 'app']);
    else if (kind === 'prepare' || kind === 'killed prepare') {
      const os = next++;
      install(os);
      oses.push(os);
      if (kind === 'prepare') await world.run(['prepare', '--bootable']);
      else await killed(['prepare', '--bootable'], 30 + (detail % 120));
    } else if (kind === 'boot another' && other !== undefined) await boot(other);
    else if (kind === 'forget one' && other !== undefined) {
      rmSync(join(world.root, treeOf(other)), { recursive: true });
      oses.splice(oses.indexOf(other), 1);
    }
    checkRecords(world, oses);
    if (hadActive) expect(activeFile(world), `active after ${kind}`).toBeDefined();
  }
  // No help is needed after all that: what is there fits, or the run says why not.
  const last = await world.run(['apply']);
  expect([0, 13]).toContain(last.status);
  expect(await world.run(['apply'])).toMatchObject({ stdout: last.status === 0 ? 'Nothing to do.\n' : '' });
  const kept = (await world.run(['gc', '--json=short'])).json() as unknown as { kept: unknown[] };
  expect(kept.kept.length).toBeLessThanOrEqual(4 + 2 * oses.length);
}

/** What systemd would take: the newest visible file, or what the link names. */
function activeFile(world: World): string | undefined {
  const link = world.link('var/lib/extensions/app.raw');
  if (link !== undefined) return world.read(join('var/lib/extensions', link)) === undefined ? undefined : link;
  return world.names('var/lib/extensions/app.raw.v').find((name) => name.endsWith('.raw'));
}

function checkRecords(world: World, oses: readonly number[]): void {
  for (const os of oses) {
    for (const name of [`testos:${os}`, `testos:${os}@os${os}.0`]) {
      const text = world.read(`var/lib/extupdate/os/${name}.json`);
      const file: string | undefined = text && JSON.parse(text).components.app?.file;
      if (file === undefined) continue;
      const parked = file.replace(/\/([^/]+)$/, '/.parked/$1');
      expect(
        [file, parked].some((path) => world.read(path) !== undefined),
        `${file} of OS ${os}`,
      ).toBe(true);
    }
  }
}
