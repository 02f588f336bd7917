import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StorageError, TrustError } from '../../../src/errors.ts';
import { compressions, pack, someData } from '../../support/pack.ts';
import { chunksOf, hole, pax, tarOf } from '../../support/tar-writer.ts';
import { makePlace, type Place } from '../../support/unpacking.ts';

const isRoot = process.getuid?.() === 0;
/** CAP_NET_BIND_SERVICE, permitted and effective: what setcap(8) writes. */
const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex');

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => {
  vi.unstubAllEnvs();
  place.remove();
});

const at = (path: string) => join(place.to, path);
const mode = (path: string) => (lstatSync(at(path)).mode & 0o7777).toString(8);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function xattrs(path: string): Record<string, string> {
  const text = execFileSync('getfattr', ['-d', '-m', '-', '-e', 'hex', '--absolute-names', at(path)], {
    encoding: 'utf8',
  });
  return Object.fromEntries(text.split('\n').flatMap((line) => (line.includes('=') ? [line.split('=', 2)] : [])));
}

const small = tarOf({ name: './', type: '5', mode: 0o755 }, { name: './a', data: 'hello' });

describe('a tree that GNU tar has packed', () => {
  it('is the same tree again', async () => {
    const tree = join(place.base, 'above/new-tree');
    mkdirSync(join(tree, 'usr/lib/empty'), { recursive: true, mode: 0o755 });
    writeFileSync(join(tree, 'usr/lib/tool'), 'x'.repeat(10_000));
    chmodSync(join(tree, 'usr/lib/tool'), 0o4755);
    execFileSync('ln', [join(tree, 'usr/lib/tool'), join(tree, 'usr/lib/same')]);
    symlinkSync('/usr/lib/tool', join(tree, 'usr/absolute'));
    symlinkSync('../usr/lib/tool', join(tree, 'usr/relative'));
    writeFileSync(join(tree, 'usr/ä "quoted" -> name'), '');
    writeFileSync(join(tree, 'usr/-rf'), '');
    writeFileSync(join(tree, 'usr/sparse'), 'start');
    truncateSync(join(tree, 'usr/sparse'), 50_000_000);
    utimesSync(join(tree, 'usr/lib/tool'), 1.5, 1.5);
    utimesSync(join(tree, 'usr/lib/empty'), 86400, 86400);
    chmodSync(join(tree, 'usr'), 0o555);
    const args = ['--create', '--sparse', '--format=posix', '--xattrs', '--acls', '--directory', tree, '.'];
    const archive = execFileSync('tar', args, { maxBuffer: 2 ** 30 });

    const done = await place.unpack(archive);
    expect(done).toEqual({ sha256: sha256(archive), entries: 11, bytes: 50_010_000, notices: [] });
    expect(mode('usr/lib/tool')).toBe('4755');
    expect(mode('usr')).toBe('555');
    expect(lstatSync(at('usr/lib/tool')).mtimeMs).toBe(1500);
    expect(lstatSync(at('usr/lib/empty')).mtimeMs).toBe(86_400_000);
    expect(lstatSync(at('usr/lib/same')).ino).toBe(lstatSync(at('usr/lib/tool')).ino);
    expect(readlinkSync(at('usr/absolute'))).toBe('/usr/lib/tool');
    expect(readlinkSync(at('usr/relative'))).toBe('../usr/lib/tool');
    expect(existsSync(at('usr/ä "quoted" -> name'))).toBe(true);
    expect(existsSync(at('usr/-rf'))).toBe(true);
    expect(statSync(at('usr/sparse'))).toMatchObject({ size: 50_000_000 });
    expect(statSync(at('usr/sparse')).blocks).toBeLessThan(1000);
    expect(readFileSync(at('usr/sparse')).subarray(0, 5).toString()).toBe('start');
  });

  it.each(compressions)('is unpacked from %s', async (compression) => {
    const archive = pack(compression, tarOf({ name: 'a', data: someData(1_000_000) }));
    await place.unpack(archive, { sha256: sha256(archive) });
    expect(readFileSync(at('a')).equals(someData(1_000_000))).toBe(true);
  });
});

describe('the new directory', () => {
  it('has mode 0755 unless the archive tells another', async () => {
    await place.unpack(tarOf({ name: 'a' }));
    expect(mode('.')).toBe('755');
  });

  it('has the mode and time of the archive’s root at the end', async () => {
    await place.unpack(tarOf({ name: './', type: '5', mode: 0o1555, mtime: 12345 }, { name: './a', data: 'x' }));
    expect(mode('.')).toBe('1555');
    expect(statSync(place.to).mtimeMs).toBe(12_345_000);
  });

  it('that is there already is left as it is', async () => {
    mkdirSync(place.to);
    writeFileSync(at('theirs'), 'theirs');
    await expect(place.unpack(small)).rejects.toThrow(StorageError);
    expect(readFileSync(at('theirs'), 'utf8')).toBe('theirs');
    expect(existsSync(at('a'))).toBe(false);
  });

  it('whose parent is missing is a failure of the storage', async () => {
    const to = join(place.base, 'not/there');
    await expect(place.unpack(small, { to })).rejects.toMatchObject({ code: 'storage' });
  });
});

it('a directory has the mode and time that the archive tells, though its entries come apart', async () => {
  const directory = (name: string) => ({ name, type: '5', mode: 0o555, mtime: 12345 });
  await place.unpack(tarOf(directory('d'), { name: 'd/a' }, directory('e'), { name: 'e/a' }, { name: 'd/b' }));
  for (const name of ['d', 'e']) expect(lstatSync(at(name))).toMatchObject({ mode: 0o40555, mtimeMs: 12_345_000 });
});

it('directories that the archive only implies can be entered by all, whatever the umask', async () => {
  const before = process.umask(0o077);
  try {
    await place.unpack(tarOf({ name: 'usr/lib/a', mode: 0o666 }));
  } finally {
    process.umask(before);
  }
  expect(mode('usr/lib')).toBe('755');
  expect(mode('usr/lib/a')).toBe('666');
});

it('what the environment tells tar is not heard', async () => {
  vi.stubEnv('TAR_OPTIONS', '--exclude=a --strip-components=1 --checkpoint-action=exec=false');
  vi.stubEnv('LC_ALL', 'de_DE.UTF-8');
  vi.stubEnv('POSIXLY_CORRECT', '1');
  await place.unpack(small);
  expect(readFileSync(at('a'), 'utf8')).toBe('hello');
});

describe.runIf(isRoot)('as root', () => {
  it('owners are kept, as numbers', async () => {
    await place.unpack(tarOf({ name: 'a', uid: 12345, gid: 54321, mode: 0o6750 }));
    expect(statSync(at('a'))).toMatchObject({ uid: 12345, gid: 54321 });
    expect(mode('a')).toBe('6750');
  });

  it('extended attributes of all namespaces are kept, file capabilities too', async () => {
    const attributes = {
      'SCHILY.xattr.security.capability': CAPABILITY,
      'SCHILY.xattr.trusted.overlay.opaque': 'y',
      'SCHILY.xattr.user.extension-release.strict': 'false',
    };
    const done = await place.unpack(tarOf(pax(attributes), { name: 'a', uid: 99, mode: 0o755, data: 'x' }));
    expect(xattrs('a')).toEqual({
      'security.capability': `0x${CAPABILITY.toString('hex')}`,
      'trusted.overlay.opaque': '0x79',
      'user.extension-release.strict': `0x${Buffer.from('false').toString('hex')}`,
    });
    expect(done.notices).toEqual([]);
  });

  it('access control lists are kept', async () => {
    const acl = 'user::rw-,user:1:r--,group::r--,mask::r--,other::r--';
    await place.unpack(tarOf(pax({ 'SCHILY.acl.access': acl }), { name: 'a' }));
    expect(Object.keys(xattrs('a'))).toEqual(['system.posix_acl_access']);
  });

  it('an attribute that cannot be set is told; a file capability that cannot is a failure', async () => {
    const { notices } = await place.unpack(tarOf(pax({ 'SCHILY.xattr.odd.name': '1' }), { name: 'a' }));
    expect(notices).toEqual([expect.stringContaining("Cannot set 'odd.name' extended attribute")]);
    const archive = tarOf(pax({ 'SCHILY.xattr.security.capability': 'not one' }), { name: 'a' });
    const to = `${place.to}2`;
    await expect(place.unpack(archive, { to })).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringContaining('file capabilities cannot be kept here'),
    });
    expect(existsSync(to)).toBe(false);
  });

  it('another user gets the tree as an own one, with what may be set', async () => {
    const program = join(place.base, 'unpack-once.mjs');
    const bundle = fileURLToPath(new URL('../../../src/release/bundle.mjs', import.meta.url));
    execFileSync(process.execPath, [
      bundle,
      fileURLToPath(new URL('../../support/unpack-once.ts', import.meta.url)),
      program,
    ]);
    const archive = join(place.base, 'x.tar');
    const attributes = { 'SCHILY.xattr.security.capability': CAPABILITY, 'SCHILY.xattr.user.a': 'b' };
    const good = tarOf(
      ...[
        { name: 'd/', type: '5', mode: 0 },
        { name: 'd/f', mode: 0 },
      ],
      ...[pax(attributes), { name: 'a', uid: 12345, mode: 0o4755 }],
    );
    chmodSync(place.base, 0o755);
    const home = join(place.base, 'home');
    mkdirSync(home);
    chownSync(home, 65534, 65534);
    const run = (content: Buffer) => {
      writeFileSync(archive, content);
      const user = ['--reuid=65534', '--regid=65534', '--clear-groups'];
      const argv = [...user, process.execPath, program, archive, join(home, 'new')];
      return JSON.parse(execFileSync('setpriv', argv, { encoding: 'utf8' })) as Record<string, unknown>;
    };
    expect(run(good)).toMatchObject({ notices: [expect.stringContaining('security.capability')] });
    expect(statSync(join(home, 'new/a'))).toMatchObject({ uid: 65534, mode: 0o104755 });
    expect(lstatSync(join(home, 'new/d')).mode & 0o777).toBe(0);

    // A failure after that: everything goes, also what nobody may enter.
    spawnSync('rm', ['-rf', join(home, 'new')]);
    const bad = Buffer.concat([good.subarray(0, -1024), tarOf({ name: 'b' }, { name: 'b/c' })]);
    expect(run(bad)).toMatchObject({ code: 'unsuitable', message: expect.stringContaining('"b/c"') });
    expect(existsSync(join(home, 'new'))).toBe(false);
  });
});

describe('the published bytes', () => {
  it('are held against the promised hash before anything is unpacked', async () => {
    const expected = '0'.repeat(64);
    expect(await place.refusal(small, { sha256: expected })).toBe(
      `11 hash mismatch: expected ${expected}, got ${sha256(small)}`,
    );
  });

  it('that change between the passes never reach tar, not even when there is no promised hash', async () => {
    const evil = tarOf({ name: './', type: '5', mode: 0o755 }, { name: './evil', data: 'hello' });
    for (const [first, second] of [
      [small, evil],
      [pack('gzip', small), pack('gzip', evil)],
    ] as const) {
      let opened = 0;
      // Once for the first bytes, once for the first pass.
      const open = () => chunksOf(++opened <= 2 ? first : second);
      const error: unknown = await place.unpack(small, { open }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TrustError);
      expect((error as Error).message).toBe(`x.tar: hash mismatch: expected ${sha256(first)}, got ${sha256(second)}`);
      expect(existsSync(place.to)).toBe(false);
    }
  });

  it('that become something else in the middle of the second pass leave nothing', async () => {
    const big = tarOf({ name: 'a', data: someData(3_000_000) }, { name: 'b', data: 'x' });
    let opened = 0;
    const open = () => chunksOf(++opened <= 2 ? big : Buffer.from(big).fill(0x41, 2_000_000, 2_000_010));
    expect(await place.refusal(big, { open })).toContain('11 hash mismatch');
  });
});

describe('the caps', () => {
  it('hold for the stream: a bomb ends at the cap', async () => {
    const bomb = pack('gzip', tarOf({ name: 'a', data: Buffer.alloc(20_000_000) }));
    expect(await place.refusal(bomb, { maxBytes: 1_000_000 })).toContain('12 "a": larger than MaxImageSize= (1000000');
    const padded = pack('gzip', Buffer.concat([small, Buffer.alloc(20_000_000)]));
    expect(await place.refusal(padded, { maxBytes: 1_000_000 })).toBe(
      '12 larger than MaxImageSize= (1000000 bytes) when unpacked',
    );
  });
});

describe.runIf(isRoot)('a file system', () => {
  let mounted: string;
  const mount = (options: string) => {
    mounted = join(place.base, 'small');
    mkdirSync(mounted);
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', mounted]);
    return join(mounted, 'new');
  };
  afterEach(() => {
    execFileSync('umount', [mounted]);
  });

  it('with little space is asked to make room before anything is written; holes need none', async () => {
    const to = mount('size=20m');
    const asked: string[] = [];
    const makeRoom = async (directory: string) => {
      asked.push(directory);
    };
    const archive = tarOf({ name: 'a', data: someData(5_000_000) });
    await expect(place.unpack(archive, { to, makeRoom })).rejects.toThrow(/not enough space: 21 MiB needed/);
    expect(asked).toEqual([mounted]);
    expect(existsSync(to)).toBe(false);
    await place.unpack(tarOf(hole('a', 50_000_000n)), { to, makeRoom });
    expect(statSync(join(to, 'a')).size).toBe(50_000_000);
  });

  it('that is full is a failure of the storage, with what to do', async () => {
    const to = mount('nr_inodes=5');
    const names = Array.from({ length: 10 }, (_, index) => ({ name: `a${index}` }));
    await expect(place.unpack(tarOf(...names), { to })).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringMatching(/^"a\d": Cannot open: no space left on device/),
      next: expect.stringContaining('free some space'),
    });
    expect(existsSync(to)).toBe(false);
  });
});

describe('an abort', () => {
  it('before it starts ends it', async () => {
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(place.unpack(small, { signal })).rejects.toThrow('stop');
    expect(existsSync(place.to)).toBe(false);
  });

  it.each([2, 3])('in opening %i leaves nothing, also while the source owes a chunk', async (opening) => {
    const controller = new AbortController();
    const big = tarOf({ name: 'a', data: someData(3_000_000) });
    let opened = 0;
    async function* open(): AsyncIterable<Uint8Array> {
      opened += 1;
      const stall = opened === opening;
      for await (const chunk of chunksOf(stall ? big.subarray(0, 2_500_000) : big)) yield chunk;
      if (!stall) return;
      controller.abort(new Error('stop'));
      await new Promise(() => {});
    }
    await expect(place.unpack(big, { open, signal: controller.signal })).rejects.toThrow('stop');
    expect(existsSync(place.to)).toBe(false);
  });
});

describe('a tar that will not do', () => {
  const withPath = (script?: string) => {
    const bin = join(place.base, 'bin');
    mkdirSync(bin);
    copyFileSync('/bin/sh', join(bin, 'sh'));
    if (script !== undefined) writeFileSync(join(bin, 'tar'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    vi.stubEnv('PATH', bin);
  };

  it('is none', async () => {
    withPath();
    await expect(place.unpack(small)).rejects.toMatchObject({
      code: 'unsuitable',
      message: 'tar archives need the program tar, which is not installed',
      next: 'install GNU tar (package tar) and run again',
    });
  });

  it.each([
    ['bsdtar 3.7.2 - libarchive 3.7.2', 'echo "bsdtar 3.7.2 - libarchive 3.7.2"'],
    ['tar (busybox) 1.36.1', 'echo "tar (busybox) 1.36.1"'],
    ['unknown', 'exit 1'],
  ])('is another one: %s', async (name, script) => {
    withPath(script);
    await expect(place.unpack(small)).rejects.toMatchObject({
      code: 'unsuitable',
      message: `tar archives need GNU tar; the tar of this machine is another one: ${name}`,
    });
  });

  it.each([
    ['has no extended attributes, and the archive has some', 'XATTR support is not available', 'unsuitable'],
    ['has no space left', '"a": Cannot write: No space left on device', 'storage'],
    ['is killed', '', 'storage'],
  ])('%s', async (_, complaint, code) => {
    const tar = execFileSync('sh', ['-c', 'command -v tar'], { encoding: 'utf8' }).trim();
    const end = complaint.startsWith('XATTR') ? 'exit 0' : complaint === '' ? 'kill -KILL $$' : 'exit 2';
    withPath(
      `case "$*" in *--extract*) echo "tar: ${complaint.replaceAll('"', '\\"')}" >&2; ${end};; esac; exec ${tar} "$@"`,
    );
    const archive = tarOf(pax({ 'SCHILY.xattr.user.a': 'b' }), { name: 'a', data: 'x' });
    await expect(place.unpack(archive)).rejects.toMatchObject({ code });
    vi.unstubAllEnvs();
  });
});
