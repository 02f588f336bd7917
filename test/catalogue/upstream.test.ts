/** The fault catalogue, U: what a publisher does, and a server that shows something else than was published. */
import { copyFileSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256, sign } from '../support/repository.ts';
import { APP, imageOf, makeScene, type Scene } from '../support/scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await makeScene();
});
afterEach(() => scene.close());

const all = { 1: imageOf('1'), 2: imageOf('2'), 3: imageOf('3') };
/** Another image with the same name and version. */
const rebuilt = (version: string) => Buffer.concat([imageOf(version), Buffer.alloc(4096)]);

/** Publishes a list that was signed so many seconds from now. */
async function publishDated(versions: Readonly<Record<string, Buffer>>, seconds: number): Promise<void> {
  await scene.publish(versions);
  const list = Object.entries(versions).map(([version, content]) => `${sha256(content)} *app_${version}.raw\n`);
  const date = new Date(Date.now() + seconds * 1000);
  const place = join(scene.world.published, 'app');
  writeFileSync(join(place, 'SHA256SUMS'), list.join(''));
  writeFileSync(join(place, 'SHA256SUMS.gpg'), await sign(list.join(''), [scene.world.key], { date }));
}

const apply = (...args: string[]) => scene.world.run(['apply', ...args]);
const notices = async (...args: string[]) => (await apply(...args)).stderr;

describe('U145: a version is withdrawn', () => {
  beforeEach(async () => {
    expect(await apply('app')).toMatchObject({ status: 0 });
    scene.expectActive('2');
  });

  it('U145: it stays, and the run says so (OnWithdrawn=keep)', async () => {
    await publishDated({ 1: imageOf('1') }, 1);
    const { status, stderr } = await apply();
    expect(stderr).toContain(
      'app: 2 is active, and its source does not offer it any more; it stays (OnWithdrawn=keep)',
    );
    expect(status).toBe(0);
    scene.expectActive('2');
  });

  it('U145: what has only aged out is not withdrawn', async () => {
    await scene.publish({ 3: imageOf('3') });
    scene.define('app', { 'X-Extupdate': { MaxVersion: '2', OnWithdrawn: 'remove' } });
    expect(await notices()).not.toContain('offer it any more');
    scene.expectActive('2');
  });

  it('U145: the newest that is still offered takes its place (OnWithdrawn=previous), for every later run', async () => {
    scene.define('app', { 'X-Extupdate': { OnWithdrawn: 'previous' } });
    await publishDated({ 1: imageOf('1') }, 1);
    expect(await apply()).toMatchObject({ status: 0, stdout: expect.stringContaining('app: exposed 1 (was 2)') });
    scene.expectActive('1');
    expect(await scene.world.run(['select'])).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    expect(await scene.world.run(['install'])).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    expect((await scene.world.run(['why', 'app'])).stdout).toMatch(/2 .*does not offer it any more/);
    scene.expectActive('1');
    // It is offered again.
    await publishDated({ 1: imageOf('1'), 2: imageOf('2') }, 2);
    expect(await apply()).toMatchObject({ status: 0, stdout: expect.stringContaining('app: exposed 2 (was 1)') });
  });

  it('U145: it stays where there is nothing to go back to (OnWithdrawn=previous)', async () => {
    scene.define('app', { Transfer: { MinVersion: '2' }, 'X-Extupdate': { OnWithdrawn: 'previous' } });
    await publishDated({ 1: imageOf('1') }, 1);
    expect(await notices()).toContain('it stays (there is nothing to go back to)');
    scene.expectActive('2');
  });

  it('U145: it goes although nothing takes its place (OnWithdrawn=remove)', async () => {
    scene.define('app', { Transfer: { MinVersion: '2' }, 'X-Extupdate': { OnWithdrawn: 'remove' } });
    await publishDated({ 1: imageOf('1') }, 1);
    expect(await notices()).toContain('2 was taken back by its source, and is not visible any more');
    expect(scene.world.names(APP).filter((name) => name.startsWith('app_2'))).toEqual([]);
    expect(scene.world.names(`${APP}/.parked`)).not.toContain('app_2.raw');
    expect(await scene.world.run(['select'])).toMatchObject({ status: 0 });
    expect(scene.world.names(APP).filter((name) => name.startsWith('app_2'))).toEqual([]);
  });

  it('U145: a fast-forward to 9999 that is withdrawn is left by policy or by a hold, without editing state', async () => {
    await publishDated({ ...all, 9999: imageOf('9999') }, 1);
    expect(await apply()).toMatchObject({ status: 0 });
    scene.expectActive('9999');
    await publishDated(all, 2);
    expect(await notices()).toContain('app: 9999 is active, and its source does not offer it any more');
    scene.expectActive('9999');
    expect(await apply('app@3')).toMatchObject({ status: 0 });
    scene.expectActive('3');
    expect(await apply()).toMatchObject({ status: 0 });
    scene.expectActive('3');
  });
});

describe('U146: a version is republished', () => {
  it('U146: one that is installed stays until a person accepts the other', async () => {
    expect(await apply('app')).toMatchObject({ status: 0 });
    await scene.world.publish('app', { 'app_1.raw': imageOf('1'), 'app_2.raw': rebuilt('2') });
    const told = await apply();
    expect(told).toMatchObject({ status: 15 });
    expect(told.stderr).toMatch(
      /^extupdate: app: version 2 was republished: app_2\.raw has another content.*\n {2}.*--accept-republished/m,
    );
    scene.expectActive('2');
    expect((await scene.world.run(['check', 'app'])).status).toBe(11);
    expect((await apply('app')).status).toBe(11);
    scene.expectActive('2');

    scene.verified.set('2', rebuilt('2'));
    expect(await apply('--accept-republished')).toMatchObject({ status: 0 });
    scene.expectActive('2');
    scene.expectTidy();
    expect(await apply()).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
  });

  it('U146: one that was only listed is taken, and the run says so', async () => {
    await scene.publish(all);
    expect(await scene.world.run(['apply', 'app@1'])).toMatchObject({ status: 0 });
    expect(await scene.world.run(['unhold', 'app'])).toMatchObject({ status: 0 });
    await scene.world.publish('app', {
      'app_1.raw': imageOf('1'),
      'app_2.raw': imageOf('2'),
      'app_3.raw': rebuilt('3'),
    });
    scene.verified.set('3', rebuilt('3'));
    const told = await apply('app');
    expect(told.status).toBe(0);
    expect(told.stderr).toContain('app: published again with another content: app_3.raw');
    scene.expectActive('3');
  });

  it('U146: a newer version ends it', async () => {
    expect(await apply('app')).toMatchObject({ status: 0 });
    const files = { 'app_1.raw': imageOf('1'), 'app_2.raw': rebuilt('2'), 'app_3.raw': imageOf('3') };
    scene.verified.set('3', imageOf('3'));
    await scene.world.publish('app', files);
    expect(await apply()).toMatchObject({ status: 0 });
    scene.expectActive('3');
  });
});

describe('U147: the repository is older than it was', () => {
  it('U147: a replayed list is refused, and the next good one needs no help', async () => {
    const kept = join(scene.world.published, 'old');
    await publishDated({ 1: imageOf('1') }, -60);
    cpSync(join(scene.world.published, 'app'), kept, { recursive: true });
    await publishDated({ 1: imageOf('1') }, 0);
    expect(await apply('app')).toMatchObject({ status: 0 });
    for (const name of ['SHA256SUMS', 'SHA256SUMS.gpg']) {
      copyFileSync(join(kept, name), join(scene.world.published, 'app', name));
    }
    await scene.suffer({
      exit: 12,
      message: /app\/SHA256SUMS: an old list: signed at \S+, and one of \S+ was seen before/,
      next: /reset-floor/,
      mend: () => scene.publish({ 1: imageOf('1'), 2: imageOf('2') }),
    });
  });

  it('U147: what acquired for the installing step cannot lower the floor', async () => {
    expect(await apply('app')).toMatchObject({ status: 0 });
    await publishDated({ 1: imageOf('1'), 2: imageOf('2'), 3: imageOf('3') }, -3600);
    // The list in staging is replaced by an older one that is signed as well, as a hostile acquire step could.
    rmSync(join(scene.world.root, 'var/lib/extupdate/sources'), { recursive: true });
    expect(await scene.world.run(['acquire', 'app'])).toMatchObject({ status: 0 });
    await publishDated({ 1: imageOf('1'), 2: imageOf('2') }, 0);
    const staged = join(scene.world.root, 'var/lib/extupdate/staging');
    cpSync(staged, join(scene.world.published, 'staged'), { recursive: true });
    expect(await apply('app')).toMatchObject({ status: 0 });
    rmSync(staged, { recursive: true });
    cpSync(join(scene.world.published, 'staged'), staged, { recursive: true });
    const told = await scene.world.run(['install', 'app']);
    expect(told.status).toBe(12);
    expect(told.stderr).toContain('an old list: signed at');
    scene.expectActive('2');
  });

  it('U147: without signatures, a list whose newest is older than before is refused', async () => {
    scene.define('app', { Transfer: { Verify: 'no' } });
    expect(await apply('app')).toMatchObject({ status: 0 });
    await scene.world.publish('app', { 'app_1.raw': imageOf('1') });
    const told = await apply('app');
    expect(told.status).toBe(12);
    expect(told.stderr).toMatch(/an old list: its newest is 1, and 2 was listed before\n {2}.*reset-floor/);
    scene.expectActive('2');
    expect(await scene.world.run(['reset-floor', 'app', '--dry-run'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('would be forgotten, what was seen of http://'),
    });
    expect(await scene.world.run(['reset-floor', 'app'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('app: forgot what was seen of http://'),
    });
    expect(await apply('app')).toMatchObject({ status: 0 });
    scene.expectActive('2');
  });

  it('U147: without a newer signature for longer than MaxManifestAgeSec=, the list is refused', async () => {
    await publishDated({ 1: imageOf('1'), 2: imageOf('2') }, -3 * 86_400);
    rmSync(join(scene.world.root, 'var/lib/extupdate/sources'), { recursive: true });
    scene.world.write('etc/extupdate/extupdate.conf', '[Extupdate]\nMaxManifestAgeSec=2d\n');
    await scene.suffer({
      exit: 12,
      message: /app\/SHA256SUMS.*longer ago than MaxManifestAgeSec=/,
      mend: () => publishDated({ 1: imageOf('1'), 2: imageOf('2') }, 0),
    });
  });

  it('U147: an image that the list names and the server does not have', async () => {
    scene.world.server.intercept = (_request, response, path) => {
      if (path !== '/app/app_2.raw') return false;
      response.writeHead(404).end();
      return true;
    };
    await scene.suffer({
      exit: 10,
      message: /app_2\.raw: the server answered 404/,
      mend: () => {
        scene.world.server.intercept = undefined;
      },
    });
  });

  it('U147: of a half-published set nothing is taken, and the newest whole one is', async () => {
    const path = `${scene.world.server.url}/app`;
    const set = (name: string) =>
      `[Source]\nType=url-file\nPath=${path}\nMatchPattern=${name}_@v.raw\n[Target]\nPath=/var/lib/extensions/${name}.raw.v\n`;
    rmSync(join(scene.world.root, 'etc/extupdate/transfer.d/app.transfer'));
    for (const name of ['app', 'data']) scene.world.write(`etc/sysupdate.app.d/${name}.transfer`, set(name));
    const data = (version: string) => imageOf(version, 'data');
    const files = { 'app_1.raw': imageOf('1'), 'app_2.raw': imageOf('2'), 'data_1.raw': data('1') };
    await scene.world.publish('app', files);
    expect(await apply()).toMatchObject({ status: 0 });
    scene.expectActive('1');
    expect(scene.world.names('var/lib/extensions/data.raw.v')).toContain('data_1.raw');
    await scene.world.publish('app', { ...files, 'data_2.raw': data('2') });
    expect(await apply()).toMatchObject({ status: 0 });
    scene.expectActive('2');
  });
});

describe('M14 and S55: the list has nothing for the definition', () => {
  it('M14: on first use there is nothing that fits and nothing installed (13)', async () => {
    await scene.world.publish('empty', {});
    scene.world.write(
      'etc/extupdate/transfer.d/fresh.transfer',
      `[Source]\nType=url-file\nPath=${scene.world.server.url}/empty\nMatchPattern=fresh_@v.raw\n[Target]\nPath=/var/lib/extensions/fresh.raw.v\n`,
    );
    const told = await scene.world.run(['apply', 'fresh']);
    expect(told.stderr).toContain('fresh: no version fits and none is installed');
    expect(told.status).toBe(13);
  });

  it('M14: where versions were offered before, all of them are gone', async () => {
    await scene.suffer({
      exit: 12,
      message: /app\/SHA256SUMS: offers nothing any more, and had 1 before/,
      next: /reset-floor/,
      ...(await faulty(() => scene.world.publish('app', {}))),
    });
  });

  it('S55: the list of another repository that the same key has signed', async () => {
    await scene.suffer({
      exit: 11,
      message: /app\/SHA256SUMS: the list of another repository/,
      ...(await faulty(() => scene.world.publish('app', { 'tool_7.raw': imageOf('7', 'tool') }))),
    });
  });
});

/** A fault of the publisher that is mended by publishing the right thing again. */
async function faulty(fault: () => Promise<void>): Promise<{ readonly mend: () => Promise<void> }> {
  await fault();
  return { mend: () => scene.publish({ 1: imageOf('1'), 2: imageOf('2') }) };
}
