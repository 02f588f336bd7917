/** The fault catalogue, X: what is in an image (reliability.md section 2); archives are in unpack-tar.hostile.test.ts. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fixture } from '../support/image-fixtures.ts';
import { extensionImage } from '../support/images.ts';
import { imageOf, makeScene, type Scene } from '../support/scene.ts';
import { writeSquashfs } from '../support/squashfs-writer.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await makeScene();
});
afterEach(() => scene.close());

/** Publishes content as version 2, with a good signature; `mend` publishes the real one, under the next version. */
async function publishAs2(content: Buffer): Promise<{ mend: () => Promise<void>; after: string }> {
  await scene.world.publish('app', { 'app_1.raw': imageOf('1'), 'app_2.raw': content });
  return { mend: () => scene.publish({ 1: imageOf('1'), 3: imageOf('3') }), after: '3' };
}

describe('a file with the right hash that is no image', () => {
  it.each<[string, Buffer, RegExp]>([
    [
      'X137: an HTML page',
      Buffer.from('<!DOCTYPE html><title>Not found</title>'),
      /not an extension image: looks like an HTML page/,
    ],
    ['X137: text', Buffer.from('see https://example.com for downloads\n'), /not an extension image: looks like text/],
    ['X137: a squashfs that is cut off', imageOf('2').subarray(0, 90), /damaged/],
    ['X138: an image without a release file', writeSquashfs({ 'usr/share/app': 'x' }), /extension-release/],
    [
      'X139: a release file of another name',
      extensionImage({ name: 'other', release: { ID: 'testos', VERSION_ID: '1' } }),
      /its release file is named other/,
    ],
    [
      'X140: a release file for another OS version than the list is for',
      extensionImage({ name: 'app', release: { ID: 'testos', VERSION_ID: '2' } }),
      /VERSION_ID=2/,
    ],
    [
      'X140: a release file for another architecture',
      extensionImage({ name: 'app', release: { ID: '_any', ARCHITECTURE: 'sparc' } }),
      /ARCHITECTURE=sparc/,
    ],
    ['X143: a file system with hostile metadata', hostile(), /damaged/],
  ])('%s', async (_, content, message) => {
    const rest = await publishAs2(content);
    const why = () => scene.world.run(['why', 'app']);
    const told = await scene.world.run(['apply', 'app@2']);
    expect(told.status, told.stderr).toBe(13);
    expect(told.stderr).toMatch(message);
    scene.expectActive('1');
    // It fits nowhere, so nobody has to do anything: without being asked for, it is left out, with the reason.
    expect(await scene.world.run(['apply'])).toMatchObject({ status: 0 });
    expect((await why()).stdout).toMatch(message);
    await rest.mend();
    expect(await scene.world.run(['apply'])).toMatchObject({ status: 0 });
    scene.expectActive(rest.after);
    scene.expectTidy();
  });
});

/** A squashfs whose superblock points to itself for everything. */
function hostile(): Buffer {
  const image = fixture('gzip.squashfs');
  for (const at of [64, 72, 80]) image.writeBigUInt64LE(0n, at);
  return image;
}

describe('content that fits, and then does not', () => {
  it('X140: a sidecar that says something else than the image', async () => {
    const other = extensionImage({ name: 'app', release: { ID: 'testos', VERSION_ID: '2' } });
    const sidecar = JSON.stringify({ extension: { ID: 'testos', VERSION_ID: '1' } });
    await scene.world.publish('app', { 'app_1.raw': imageOf('1'), 'app_2.raw': other, 'app_2.manifest': sidecar });
    const told = await scene.world.run(['apply', 'app@2']);
    expect(told.status, told.stderr).toBe(13);
    expect(told.stderr).toMatch(/VERSION_ID=2/);
    scene.expectActive('1');
  });

  it('X143: an image that unpacks to more than it may', async () => {
    scene.world.write('etc/extupdate/extupdate.conf', '[Extupdate]\nMaxImageSize=1M\n');
    scene.define('app', { Source: { MatchPattern: 'app_@v.raw app_@v.raw.gz' } });
    await scene.world.publish('app', {
      'app_1.raw': imageOf('1'),
      'app_2.raw.gz': gzipSync(Buffer.alloc(256 * 1024 * 1024)),
    });
    const told = await scene.world.run(['apply', 'app@2']);
    expect(told.status, told.stderr).toBe(12);
    expect(told.stderr).toMatch(/MaxImageSize=/);
    scene.expectActive('1');
    scene.world.write('etc/extupdate/extupdate.conf', '');
    await scene.publish({ 1: imageOf('1'), 2: imageOf('2') });
    expect(await scene.world.run(['apply'])).toMatchObject({ status: 0 });
    scene.expectActive('2');
  });

  it.skipIf(spawnSync('strace', ['-V']).status !== 0)('X143: whatever an image is, extupdate mounts none', async () => {
    const log = join(scene.world.published, 'strace');
    await publishAs2(hostile());
    const calls = 'mount,fsopen,fsmount,move_mount,open_tree';
    const wrapper = ['strace', '-f', '-e', `trace=${calls}`, '-o', log];
    await scene.world.run(['apply', 'app@2'], { wrapper });
    await scene.world.run(['apply'], { wrapper });
    expect(readFileSync(log, 'utf8')).not.toMatch(/\b(mount|fsopen|fsmount|move_mount|open_tree)\(/);
  });
});
