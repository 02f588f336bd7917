/** Images with something changed at every place of a kind; those changed at random are in test/fuzz. */
import { describe, expect, it } from 'vitest';
import { fixture, readableFixtures, withErofsChecksum } from '../../support/image-fixtures.ts';
import { readHostileImage } from '../../support/read-image.ts';

/** Of each image every n-th byte, beginning at another one, so that between them they have all. */
const every = process.env.EXTUPDATE_TEST_ALL === '1' ? 1 : 4;

describe('hostile images', () => {
  it.each([...readableFixtures.entries()])('%d: %s, bytes of its superblock replaced', async (index, name) => {
    const original = fixture(name);
    const [start, length] = name.endsWith('.erofs') ? [1024, 144] : [0, 96];
    let refused = 0;
    for (let at = start + (index % every); at < start + length; at += every) {
      for (const value of [0, 0xff]) {
        const mutant = Buffer.from(original);
        mutant[at] = value;
        const refusals = await readHostileImage(name.endsWith('.erofs') ? withErofsChecksum(mutant) : mutant);
        if (refusals.length > 0) refused++;
      }
    }
    expect(refused, 'some changes are noticed').toBeGreaterThan(length / every / 10);
  });

  it('gzip.squashfs, cut off at any place', async () => {
    const original = fixture('gzip.squashfs');
    for (let length = 0; length < original.length; length += 7) {
      expect(await readHostileImage(original.subarray(0, length))).not.toEqual([]);
    }
  });
});
