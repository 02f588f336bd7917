/** Clients that ask while a directory is published again and again. */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makePublisher, versionOf } from '../../support/publisher.ts';
import { buildRepublisher, type Republisher } from '../../support/republisher.ts';
import { serveFile, startServer } from '../../support/server.ts';
import { definition, makeWorld } from '../../support/world.ts';

const REPUBLICATIONS = 200;
/** Of runs, for they take most of the time. */
const POLLS_MAX = 40;

let republisher: Republisher;
beforeAll(async () => {
  republisher = await buildRepublisher();
});
afterAll(() => republisher.close());

it(`no run fails during ${REPUBLICATIONS} re-publications`, { timeout: 120_000 }, async () => {
  const world = await makeWorld();
  // Nothing of it is worth a disk.
  const publisher = await makePublisher(existsSync('/dev/shm') ? '/dev/shm' : tmpdir());
  const server = await startServer(publisher.directory);
  try {
    world.write('etc/systemd/import-pubring.pgp', publisher.key.binaryPublicKey);
    world.write(
      'etc/extupdate/transfer.d/app.transfer',
      definition({
        Source: { Type: 'url-file', Path: server.url, MatchPattern: 'app_@v.raw' },
        Target: { Path: '/var/lib/extensions/app.raw.v' },
      }),
    );
    await republisher.run(publisher, 1);
    let isPublishing = true;
    const publishing = republisher.run(publisher, REPUBLICATIONS).finally(() => {
      isPublishing = false;
    });
    publishing.catch(() => {});
    const versions: number[] = [];
    let pairs = 0;
    while (isPublishing && versions.length < POLLS_MAX) {
      const before = server.requests.length;
      const { status, stdout } = await world.run(['check', '--json=short']);
      expect([status, JSON.parse(stdout).errors]).toEqual([0, []]);
      versions.push(Number(JSON.parse(stdout).components[0].candidate));
      pairs += server.requests.slice(before).filter(({ path }) => path.endsWith('/SHA256SUMS')).length;
    }
    await publishing;
    const last = await world.run(['check', '--json=short']);
    expect(last.json().components[0]?.candidate).toBe(String(1 + REPUBLICATIONS / 10));
    console.log(
      `${REPUBLICATIONS} re-publications, ${versions.length} polls, ${pairs - versions.length} of them twice`,
    );
    expect(versions.length).toBeGreaterThan(5);
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  } finally {
    publisher.close();
    await Promise.all([server.close(), world.close()]);
  }
});

it.each([
  [5, 0],
  [6, 11],
])('a list that is replaced %i times between list and signature ends with %i', async (times, status) => {
  const world = await makeWorld();
  try {
    // One more than are shown: the pair that stays.
    const files = { 'app_1.raw': versionOf('app', '1') };
    for (let pair = 0; pair <= times; pair++) await world.publish(`pairs/${pair}`, { ...files, 'news.txt': `${pair}` });
    const { server, published } = world;
    let lists = 0;
    let signatures = 0;
    let served = () => {};
    // The signature is that of the next list, and is served when the list has been.
    server.intercept = (request, response, path) => {
      if (path === '/app/SHA256SUMS') {
        response.on('finish', () => {
          lists += 1;
          served();
        });
        serveFile(published, `/pairs/${Math.min(lists, times)}/SHA256SUMS`, request, response);
        return true;
      }
      if (path !== '/app/SHA256SUMS.gpg') return false;
      const pair = Math.min(++signatures, times);
      const serve = () => serveFile(published, `/pairs/${pair}/SHA256SUMS.gpg`, request, response);
      if (lists >= signatures) serve();
      else served = serve;
      return true;
    };
    await world.publish('app', files);
    world.write(
      'etc/extupdate/transfer.d/app.transfer',
      definition({
        Source: { Type: 'url-file', Path: `${server.url}/app`, MatchPattern: 'app_@v.raw' },
        Target: { Path: '/var/lib/extensions/app.raw.v' },
      }),
    );
    const result = await world.run(['check']);
    expect([result.status, signatures]).toEqual([status, 6]);
    if (status !== 0) expect(result.stderr).toContain('bad signature');
  } finally {
    await world.close();
  }
});
