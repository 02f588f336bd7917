/** docs/publish.md, typed from its first line on: with a key that gpg makes as the page says. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { extensionImage } from '../../support/images.ts';
import { blocksOf } from '../../support/pages.ts';
import { gpgVerify, sha256sumCheck, withGpgHome } from '../../support/publisher.ts';
import { programPath } from '../../support/world.ts';

const page = readFileSync(new URL('../../../docs/publish.md', import.meta.url), 'utf8');

it('what stands on the page works as it stands there', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'extupdate-page-'));
  try {
    await withGpgHome(async (gpg) => {
      // Nobody is there to type a passphrase.
      writeFileSync(join(gpg.home, 'gpg.conf'), 'batch\npinentry-mode loopback\npassphrase ""\n');
      mkdirSync(join(scratch, 'extensions'));
      const docker = extensionImage({ name: 'docker', release: { ID: '_any', ARCHITECTURE: 'x86-64' } });
      writeFileSync(join(scratch, 'extensions/docker-28.0.4-x86-64.raw'), docker);
      writeFileSync(join(scratch, 'extupdate'), `#!/bin/sh\nexec '${process.execPath}' '${programPath}' "$@"\n`);
      chmodSync(join(scratch, 'extupdate'), 0o755);
      const env = { ...process.env, GNUPGHOME: gpg.home, PATH: `${scratch}:${process.env.PATH}` };
      const commands = blocksOf(page).flatMap(({ kind, text }) =>
        kind === 'commands' || (kind === 'shown' && text.startsWith('gpg ')) ? [text] : [],
      );
      expect(commands.length).toBeGreaterThan(3);
      for (const text of commands) await promisify(execFile)('sh', ['-e', '-c', text], { cwd: scratch, env });
      await gpgVerify(join(scratch, 'extensions'), {
        binaryPublicKey: readFileSync(join(scratch, 'import-pubring.pgp')),
      });
      expect(await sha256sumCheck(join(scratch, 'extensions'))).toContain('docker-28.0.4-x86-64.raw: OK');
    });
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
