/** What is in a directory when it is published: files that change, names, sidecars, days; and two publishers at once. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeDirectoryLock } from '../../../src/os/lock.ts';
import { extensionImage } from '../../support/images.ts';
import { pack } from '../../support/pack.ts';
import { makePublisher, type Publisher, sha256sumCheck, versionOf } from '../../support/publisher.ts';
import { sha256 } from '../../support/repository.ts';
import { runProgram } from '../../support/world.ts';

const isRoot = process.getuid?.() === 0;
const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

const unsigned = { signing: { by: 'nobody' } } as const;

let publisher: Publisher;
beforeEach(async () => {
  publisher = await makePublisher();
  publisher.put('app_1.raw', versionOf('app', '1'));
});
afterEach(() => publisher.close());

const listed = () =>
  publisher
    .read('SHA256SUMS')
    .trim()
    .split('\n')
    .map((line) => line.slice(66));

describe('files', () => {
  it('that change while they are read are an error that says so, and nothing is written', async () => {
    publisher.put('large_1.efi', Buffer.alloc(64 * 1024 * 1024));
    const path = join(publisher.directory, 'large_1.efi');
    const growing = setInterval(() => appendFileSync(path, 'x'), 1);
    try {
      const { status, stderr } = await runProgram(['publish', publisher.directory, '--no-sign']);
      expect([status, stderr]).toEqual([
        14,
        expect.stringContaining('large_1.efi: was changed while it was published'),
      ]);
    } finally {
      clearInterval(growing);
    }
    expect(publisher.names()).toEqual(['app_1.raw', 'large_1.efi']);
    expect((await publisher.publish(unsigned)).problems).toEqual([]);
  });

  it('that are replaced after they were read are not listed as what they were', async () => {
    const picture = publisher.picture();
    // When it is read last, right before the list is replaced.
    let calls = 0;
    const now = () => {
      calls += 1;
      if (calls === 2) {
        writeFileSync(join(publisher.directory, '.new'), versionOf('app', 'another'));
        renameSync(join(publisher.directory, '.new'), join(publisher.directory, 'app_1.raw'));
      }
      return new Date();
    };
    await expect(publisher.publish({ now })).rejects.toMatchObject({
      exit: 14,
      message: expect.stringContaining('app_1.raw'),
    });
    expect(publisher.names()).toEqual(['app_1.raw']);
    expect(publisher.picture()).not.toBe(picture);
    expect((await publisher.publish()).problems).toEqual([]);
    await sha256sumCheck(publisher.directory);
  });

  it('whose names are not UTF-8 are refused with the others', async () => {
    execFileSync('sh', ['-c', `: > "$(printf 'a\\377b')"`], { cwd: publisher.directory });
    publisher.put('bad_1.raw', 'text');
    const { problems } = await publisher.publish(unsigned);
    expect(problems.map(({ error }) => error.message)).toEqual([
      expect.stringContaining('its name is not UTF-8'),
      expect.stringContaining('bad_1.raw'),
    ]);
  });

  it('that nobody could load are listed where that is allowed, whatever their readers say', async () => {
    publisher.put('ext4_1.raw', Buffer.alloc(4096));
    const { problems, notices } = await publisher.publish({ ...unsigned, allowUnsuitable: ['ext4_*.raw'] });
    expect(problems).toEqual([]);
    expect(notices).toEqual([expect.stringMatching(/^ext4_1\.raw: .*; listed all the same$/)]);
    expect(listed()).toEqual(['app_1.raw', 'app_1.raw.json', 'ext4_1.raw']);
  });

  it('that a killed run has left are removed', async () => {
    const leftover = '.extupdate.SHA256SUMS.0123456789abcdef0123456789abcdef';
    publisher.put(leftover, 'half');
    expect((await publisher.publish({ ...unsigned, dryRun: true })).removed).toEqual([]);
    expect(publisher.names()).toContain(leftover);
    await publisher.publish(unsigned);
    expect(publisher.names()).toEqual(['SHA256SUMS', 'app_1.raw', 'app_1.raw.json']);
  });

  it('are all gone: nothing is published, for clients would refuse it', async () => {
    await publisher.publish(unsigned);
    publisher.remove('app_1.raw');
    const { problems } = await publisher.publish(unsigned);
    expect(problems.map(({ error }) => [error.exit, error.message])).toEqual([[13, 'there is nothing to publish']]);
    expect(listed()).toEqual(['app_1.raw', 'app_1.raw.json']);
  });
});

describe('the list that was there', () => {
  it('is compared with, whatever its form; versions come and go', async () => {
    await publisher.publish(unsigned);
    publisher.put('SHA256SUMS', publisher.read('SHA256SUMS').replaceAll(' *', '  '));
    publisher.put('app_2.raw', versionOf('app', '2'));
    const { published, listChanged } = await publisher.publish(unsigned);
    expect(published.map(({ file, state }) => `${file} ${state}`)).toEqual([
      'app_1.raw unchanged',
      'app_1.raw.json unchanged',
      'app_2.raw new',
      'app_2.raw.json new',
    ]);
    expect(listChanged).toBe(true);
    publisher.remove('app_1.raw');
    const later = await publisher.publish(unsigned);
    expect(later.published.map(({ file, state }) => `${file} ${state}`)).toContain('app_1.raw removed');
    expect(later.removed).toEqual(['app_1.raw.json']);
    expect(publisher.names()).toEqual(['SHA256SUMS', 'app_2.raw', 'app_2.raw.json']);
  });

  it('that nobody can read is replaced, and that is told', async () => {
    publisher.put('SHA256SUMS', 'half a li');
    const { notices, problems } = await publisher.publish(unsigned);
    expect([problems, notices]).toEqual([[], [expect.stringContaining('the list that is there tells nothing')]]);
    await sha256sumCheck(publisher.directory);
  });

  it('gets a later time, in whole seconds: servers tell clients by it that it is another one', async () => {
    const { mtimeOf } = {
      mtimeOf: (name: string) => Number(execFileSync('stat', ['-c', '%Y', name], { cwd: publisher.directory })),
    };
    await publisher.publish();
    const ahead = Math.floor(Date.now() / 1000) + 3600;
    for (const name of ['SHA256SUMS', 'SHA256SUMS.gpg']) utimesSync(join(publisher.directory, name), ahead, ahead);
    publisher.put('app_2.raw', versionOf('app', '2'));
    await publisher.publish();
    expect([mtimeOf('SHA256SUMS'), mtimeOf('SHA256SUMS.gpg')]).toEqual([ahead + 1, ahead + 1]);
  });
});

describe('the best-before day', () => {
  it('is an entry and an empty file, goes with the next one, and is told when there is none any more', async () => {
    await publisher.publish({ ...unsigned, bestBefore: '2998-01-31' });
    expect(listed()).toEqual(['BEST-BEFORE-2998-01-31', 'app_1.raw', 'app_1.raw.json']);
    expect(await sha256sumCheck(publisher.directory)).toContain('BEST-BEFORE-2998-01-31: OK');
    const picture = publisher.picture();
    expect(await publisher.publish({ ...unsigned, bestBefore: '2998-01-31' })).toMatchObject({
      listChanged: false,
      removed: [],
    });
    expect(publisher.picture()).toBe(picture);
    expect((await publisher.publish({ ...unsigned, bestBefore: '2999-01-31' })).removed).toEqual([
      'BEST-BEFORE-2998-01-31',
    ]);
    expect(listed()[0]).toBe('BEST-BEFORE-2999-01-31');
    await sha256sumCheck(publisher.directory);
    const { notices } = await publisher.publish(unsigned);
    expect(notices).toEqual(['the list has no best-before day any more']);
    expect(publisher.names()).toEqual(['SHA256SUMS', 'app_1.raw', 'app_1.raw.json']);
  });
});

describe('sidecars', () => {
  it('of mkosi count, are held against the image, and are not doubled', async () => {
    const manifest = (version: string) =>
      gzipSync(JSON.stringify({ manifest_version: 1, extension: { ID: 'testos', VERSION_ID: version } }));
    publisher.put('app_1.manifest.gz', manifest('1'));
    await publisher.publish(unsigned);
    expect(listed()).toEqual(['app_1.manifest.gz', 'app_1.raw']);
    publisher.put('app_1.manifest.gz', manifest('2'));
    const { problems } = await publisher.publish(unsigned);
    expect(problems.map(({ error }) => [error.exit, error.message])).toEqual([
      [13, 'app_1.manifest.gz: it says VERSION_ID=2, and the image VERSION_ID=1 (app_1.raw)'],
    ]);
  });

  it('spare unpacking what was judged before, and only that', async () => {
    const packed = pack('gzip', versionOf('app', '1'));
    publisher.remove('app_1.raw');
    publisher.put('app_1.raw.gz', packed);
    await publisher.publish(unsigned);
    // What publish wrote of the image is believed while the image is the same. Nobody would see that but by a lie.
    const [sidecar, list] = [publisher.bytes('app_1.raw.json'), publisher.read('SHA256SUMS')];
    const lie = sidecar.toString().replace('"testos"', '"other"');
    publisher.put('app_1.raw.json', lie);
    publisher.put('SHA256SUMS', list.replace(sha256(sidecar), sha256(Buffer.from(lie))));
    expect((await publisher.publish(unsigned)).problems).toEqual([]);
    // ...and not any more when it is another.
    publisher.put('app_1.raw.gz', pack('gzip', extensionImage({ name: 'app', release: { ID: '' } })));
    const { problems } = await publisher.publish({ ...unsigned, acceptRepublished: true });
    expect(problems.map(({ error }) => error.message)).toEqual([expect.stringContaining('no ID=')]);
  });

  it('are not written over what has their name', async () => {
    publisher.remove('app_1.raw');
    for (const name of ['link', 'directory']) publisher.put(`${name}_1.raw.gz`, pack('gzip', versionOf(name, '1')));
    // Listed once, so that there is something to look for.
    await publisher.publish(unsigned);
    for (const name of ['link', 'directory']) publisher.remove(`${name}_1.raw.json`);
    publisher.put('.precious', 'precious');
    symlinkSync('.precious', join(publisher.directory, 'link_1.raw.json'));
    mkdirSync(join(publisher.directory, 'directory_1.raw.json'));
    const { problems, leftOut } = await publisher.publish(unsigned);
    expect([problems, leftOut.map(({ file }) => file).sort()]).toEqual([
      [],
      ['directory_1.raw.json', 'link_1.raw.json'],
    ]);
    expect(listed()).toEqual(['directory_1.raw.gz', 'link_1.raw.gz']);
    expect(readlinkSync(join(publisher.directory, 'link_1.raw.json'))).toBe('.precious');
    expect(publisher.read('.precious')).toBe('precious');
  });

  it.each(['app_1.raw', 'app_1.raw.gz'])('of its own that somebody has edited are held against %s', async (name) => {
    publisher.remove('app_1.raw');
    publisher.put(name, name.endsWith('.gz') ? pack('gzip', versionOf('app', '1')) : versionOf('app', '1'));
    await publisher.publish(unsigned);
    publisher.put('app_1.raw.json', publisher.read('app_1.raw.json').replace('"testos"', '"other"'));
    const edited = publisher.picture();
    const { problems } = await publisher.publish(unsigned);
    expect(problems.map(({ error }) => [error.exit, error.message])).toEqual([
      [13, `app_1.raw.json: it says ID=other, and the image ID=testos (${name})`],
    ]);
    expect(publisher.picture()).toBe(edited);
  });
});

it.skipIf(!isRoot)('a directory that this user may not write to is told of, and root is not asked for', async () => {
  chmodSync(publisher.directory, 0o755);
  const { status, stderr } = await runProgram(['publish', publisher.directory, '--no-sign'], { wrapper: asNobody });
  expect([status, stderr]).toEqual([14, expect.stringContaining('permission denied')]);
  expect(stderr).toContain('run as the user who may read all of the directory and write to it');
});

it('a directory that cannot be looked at is told of, with the reason', async () => {
  symlinkSync('loop', join(publisher.directory, 'loop'));
  const loop = await runProgram(['publish', join(publisher.directory, 'loop'), '--no-sign']);
  expect([loop.status, loop.stderr]).toEqual([14, expect.stringMatching(/loop: .*\(ELOOP\)/)]);
  if (!isRoot) return;
  const below = join(publisher.directory, 'below');
  mkdirSync(below);
  const closed = await runProgram(['publish', below, '--no-sign'], { wrapper: asNobody });
  expect([closed.status, closed.stderr]).toEqual([14, expect.stringContaining(`${below}: permission denied`)]);
  expect(closed.stderr).toContain('run as the user who may read all of the directory and write to it');
});

describe('two publishers', () => {
  it('are one at a time, and the lock is no file in the directory', async () => {
    const lock = await takeDirectoryLock(publisher.directory);
    try {
      const { status, stderr } = await runProgram(['publish', publisher.directory, '--no-sign']);
      expect([status, stderr]).toEqual([
        75,
        expect.stringContaining(`busy: another run holds ${publisher.directory}\n`),
      ]);
      // Looking is no publishing.
      expect((await runProgram(['publish', publisher.directory, '--no-sign', '--dry-run'])).status).toBe(0);
      expect(publisher.names()).toEqual(['app_1.raw']);
      // Where this is not known beforehand, flock(1) says it, when there was time to wait.
      await expect(publisher.publish({ ...unsigned, waitSec: 0.01 })).rejects.toMatchObject({ exit: 75 });
    } finally {
      await lock.release();
    }
    expect((await runProgram(['publish', publisher.directory, '--no-sign'])).status).toBe(0);
    expect(publisher.names()).toEqual(['SHA256SUMS', 'app_1.raw', 'app_1.raw.json']);
  });

  it('may be any users, and a copy of links is published as the original is', async () => {
    // Earlier versions made this file, as whoever came first: it is nobody's hindrance any more.
    const old = join(publisher.directory, '.extupdate-publish.lock');
    writeFileSync(old, '{"pid":1}', { mode: 0o600 });
    linkSync(old, join(publisher.directory, '.copy'));
    await publisher.publish(unsigned);
    expect(listed()).toEqual(['app_1.raw', 'app_1.raw.json']);
    expect(readFileSync(old, 'utf8')).toBe('{"pid":1}');
    if (!isRoot) return;
    execFileSync('chown', ['65534', publisher.directory]);
    publisher.put('app_2.raw', versionOf('app', '2'));
    const owner = await runProgram(['publish', publisher.directory, '--no-sign'], { wrapper: asNobody });
    expect([owner.status, owner.stderr]).toEqual([0, '']);
    expect(listed()).toContain('app_2.raw');
  });
});
