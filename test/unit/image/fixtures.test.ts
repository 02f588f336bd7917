import { describe, expect, it } from 'vitest';
import { openImage } from '../../../src/image/open-image.ts';
import { bufferSource } from '../../support/buffer-source.ts';
import { fixture, readableFixtures } from '../../support/image-fixtures.ts';
import { expectFixture } from './fixtures.ts';

describe('frozen images', () => {
  it.each(readableFixtures)('%s holds what was put in', async (name) => {
    await expectFixture(await openImage(bufferSource(fixture(name))), name);
  });

  it.each(['lzma', 'lzo'])('squashfs with %s is refused when opened', async (compressor) => {
    const source = bufferSource(fixture(`${compressor}.squashfs`), 'a.raw');
    await expect(openImage(source)).rejects.toMatchObject({
      code: 'unsuitable',
      message: `a.raw: squashfs compressed with ${compressor}, which cannot be read here`,
    });
  });

  it('EROFS with MicroLZMA opens; the files that use it are refused by name', async () => {
    const image = await openImage(bufferSource(fixture('lzma.erofs'), 'a.raw'));
    expect((await image.readFile('etc/extension-release.d/extension-release.fixture', 100))?.toString()).toBe(
      'ID=_any\n',
    );
    await expect(image.readFile('usr/share/prose', 65_536)).rejects.toMatchObject({
      code: 'unsuitable',
      message: expect.stringContaining('MicroLZMA') as string,
    });
  });
});
