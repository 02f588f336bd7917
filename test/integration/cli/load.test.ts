/**
 * Many components with long lists: what a check with nothing new costs in requests and in memory. Every other source
 * also shows a version for another OS, which has to stay ruled out without being looked at again.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extensionImage } from '../../support/images.ts';
import { inShortTime } from '../../support/sample.ts';
import { makeWorld, type World } from '../../support/world.ts';

const COMPONENTS = inShortTime ? 40 : 100;
const LINES = 12_000;
const MEMORY_MAX_MIB = 128;

/** getrusage(2) of the children, by its number: the largest of them in KiB is the fifth word. */
const PEAK_MEMORY = [
  'perl',
  '-e',
  'system @ARGV; my $u = "\\0" x 144; syscall 98, -1, $u; print STDERR "peak ", (unpack "q5", $u)[4], "\\n"; exit $? >> 8',
];

let world: World;
beforeAll(async () => {
  world = await makeWorld();
  // Nobody downloads the old versions, so their hashes may be anything.
  const old = Array.from(
    { length: LINES },
    (_, index) => [index.toString(16).padStart(64, '1'), `0.${index}.raw`] as const,
  );
  for (let number = 0; number < COMPONENTS; number++) {
    const name = `part${number}`;
    const image = extensionImage({ name, release: { ID: 'testos', VERSION_ID: '1' } });
    const files = { [`${name}_1.raw`]: image, ...(number % 2 ? { [`${name}_2.raw`]: forOther(name) } : {}) };
    const extraLines = old.map(([hash, rest]) => `${hash} *${name}_${rest}`);
    await world.publish(name, files, { extraLines });
    world.write(`var/lib/extensions/${name}.raw.v/${name}_1.raw`, image);
    world.write(
      `etc/extupdate/transfer.d/${name}.transfer`,
      `[Source]\nType=url-file\nPath=${world.server.url}/${name}\nMatchPattern=${name}_@v.raw\n[Target]\nPath=/var/lib/extensions/${name}.raw.v\n`,
    );
  }
}, 300_000);
afterAll(() => world.close());

const forOther = (name: string) => extensionImage({ name, release: { ID: 'testos', VERSION_ID: '2' } });

describe(`${COMPONENTS} components, lists of ${LINES} lines`, () => {
  it('a check with nothing new makes two requests a source, answered 304, and stays under 128 MiB', async () => {
    expect(await world.run(['check'])).toMatchObject({ status: 0 });
    world.server.requests.length = 0;
    const { status, stderr, stdout } = await world.run(['check'], { wrapper: PEAK_MEMORY });
    expect({ status, stdout }).toMatchObject({ status: 0 });
    const statuses = world.server.requests.map((request) => request.status);
    expect(statuses.filter((one) => one !== 304)).toEqual([]);
    const requestsBy = new Map<string, number>();
    for (const { path } of world.server.requests) {
      const source = path.split('/')[1] ?? '';
      requestsBy.set(source, (requestsBy.get(source) ?? 0) + 1);
    }
    expect([...requestsBy].filter(([, count]) => count > 2)).toEqual([]);
    expect(requestsBy.size).toBe(COMPONENTS);
    const peakMiB = Number(/^peak (\d+)$/m.exec(stderr)?.[1]) / 1024;
    console.log(`a check with nothing new: ${statuses.length} requests, at most ${Math.round(peakMiB)} MiB`);
    expect(peakMiB).toBeLessThan(MEMORY_MAX_MIB);
  }, 300_000);
});
