/** The nine checks: what extupdate says of an image, and what the real systemd-sysext does with it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { judgeImage } from '../../src/resolve/compatibility.ts';
import type { ReleaseFields } from '../../src/types.ts';
import { describeHosts, type E2e, startE2e } from '../support/e2e.ts';
import { extensionImage } from '../support/images.ts';

const hosts: readonly ReleaseFields[] = [
  { ID: 'os', VERSION_ID: '1' },
  { ID: 'os', VERSION_ID: '1', SYSEXT_LEVEL: '2' },
  { ID: 'os', SYSEXT_LEVEL: '2' },
  { ID: 'os' },
  { ID: 'mine', ID_LIKE: 'other os', VERSION_ID: '1' },
];

const images: readonly ReleaseFields[] = [
  { ID: '_any' },
  { ID: '_any', VERSION_ID: '9', SYSEXT_LEVEL: '9' },
  { ID: '_any', ARCHITECTURE: 'arm64' },
  { ID: '_any', ARCHITECTURE: 'x86-64' },
  { ID: '_any', ARCHITECTURE: '_any' },
  { ID: '_any', ARCHITECTURE: 'x86' },
  { ID: '_any', SYSEXT_SCOPE: 'portable' },
  { ID: '_any', SYSEXT_SCOPE: 'initrd system' },
  { ID: '_any', SYSEXT_SCOPE: '' },
  { ID: '_any', CONFEXT_SCOPE: 'portable' },
  { VERSION_ID: '1' },
  { ID: 'os' },
  { ID: 'os', VERSION_ID: '1' },
  { ID: 'os', VERSION_ID: '2' },
  { ID: 'os', VERSION_ID: '1.0' },
  { ID: 'os', SYSEXT_LEVEL: '2' },
  { ID: 'os', SYSEXT_LEVEL: '2.0' },
  { ID: 'os', SYSEXT_LEVEL: '3', VERSION_ID: '1' },
  { ID: 'os', SYSEXT_LEVEL: '2', VERSION_ID: '9' },
  { ID: 'other', VERSION_ID: '1' },
  { ID: 'mine', ID_LIKE: 'os', VERSION_ID: '1' },
];

/** Names of file and release file. */
const names: readonly (readonly [string, string])[] = [
  ['foo', 'foo'],
  ['foo_1.2', 'foo'],
  ['foo+3', 'foo'],
  ['foo-1', 'foo'],
  ['foo', 'foo-29.1.x86-64'],
  ['foo-29.1.x86-64', 'foo-29.1.x86-64'],
  ['foo', 'bar'],
];

describeHosts('what fits, by extupdate and by systemd-sysext', (suite) => {
  let e2e: E2e;
  beforeAll(async () => {
    e2e = await startE2e(suite);
  });
  afterAll(() => e2e?.stop());

  /** Merges one image in a scratch root; the real judge. */
  async function merges(host: ReleaseFields, fileName: string, image: Buffer): Promise<boolean> {
    const scratch = join(e2e.host.root, 'var/scratch');
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(join(scratch, 'usr/lib'), { recursive: true });
    mkdirSync(join(scratch, 'var/lib/extensions'), { recursive: true });
    writeFileSync(
      join(scratch, 'usr/lib/os-release'),
      Object.entries(host)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    );
    writeFileSync(join(scratch, `var/lib/extensions/${fileName}.raw`), image);
    const result = await e2e.host.sh(
      'exec unshare -m --propagation private systemd-sysext --root=/var/scratch --no-reload merge',
    );
    return /Using extensions/.test(result.stdout + result.stderr);
  }

  it.each(hosts)('on %j', async (host) => {
    for (const release of images) {
      const facts = {
        origin: 'image' as const,
        sysext: [{ suffix: 'foo', fields: release }],
        confext: [],
        hasOsRelease: false,
      };
      const verdict = judgeImage(
        facts,
        { kind: 'sysext', imageName: 'foo' },
        { fields: host, architecture: 'x86-64', initrd: false },
      );
      const real = await merges(
        host,
        'foo',
        extensionImage({ name: 'foo', release: release as Record<string, string> }),
      );
      expect(`${JSON.stringify(release)} ${verdict.fits}`).toBe(`${JSON.stringify(release)} ${real}`);
    }
  });

  it.each(names)('as %s.raw with extension-release.%s', async (fileName, suffix) => {
    const host = { ID: 'os', VERSION_ID: '1' };
    const facts = {
      origin: 'image' as const,
      sysext: [{ suffix, fields: { ID: '_any' } }],
      confext: [],
      hasOsRelease: false,
    };
    const verdict = judgeImage(
      facts,
      { kind: 'sysext', imageName: fileName },
      { fields: host, architecture: 'x86-64', initrd: false },
    );
    expect(verdict.fits).toBe(await merges(host, fileName, extensionImage({ name: suffix })));
  });
});
