/** Archives made to do harm. None may leave anything, and whoever reads the message knows which entry it was. */
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pack, someData } from '../../support/pack.ts';
import { inShortTime } from '../../support/sample.ts';
import { chunksOf, END, gnuLong, type Header, hole, member, pax, tarOf } from '../../support/tar-writer.ts';
import { makePlace, type Place } from '../../support/unpacking.ts';

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.remove());

const dir = (name: string): Header => ({ name, type: '5', mode: 0o755 });
const link = (name: string, target: string): Header => ({ name, type: '2', link: target });
const hard = (name: string, target: string): Header => ({ name, type: '1', link: target });
const evil = (name: string): Header => ({ name, data: 'evil' });

describe('X142: a way out is refused, with the entry', () => {
  it.each<[string, (Header | Buffer)[], string]>([
    ['an absolute name', [evil('/tmp/evil')], '13 "/tmp/evil": absolute name'],
    ['a name that climbs', [dir('a'), evil('a/../../sentinel')], '13 "a/../../sentinel": ".." in the name'],
    ['just ..', [dir('..')], '13 "..": ".." in the name'],
    ['a name in an extended header', [pax({ path: '../sentinel' }), evil('a')], '13 "../sentinel": ".." in the name'],
    ['a global one', [pax({ path: '../sentinel' }, 'g'), evil('a')], '13 "../sentinel": ".." in the name'],
    ['one of Solaris', [pax({ path: '../sentinel' }, 'X'), evil('a')], '13 "../sentinel": ".." in the name'],
    ['a long name of GNU', [gnuLong('L', '../sentinel'), evil('a')], '13 "../sentinel": ".." in the name'],
    [
      'the last of several names counts',
      [gnuLong('L', 'good'), pax({ path: '../sentinel' }), evil('a')],
      '13 "../sentinel": ".." in the name',
    ],
    [
      'the name of a sparse file',
      [pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': '../sentinel' }), evil('a')],
      '13',
    ],
    [
      'a prefix of USTAR',
      [Buffer.from(withPrefix(member(evil('sentinel')), '..'))],
      '13 "../sentinel": ".." in the name',
    ],
    ['a link, and a file through it', [link('a', '..'), evil('a/sentinel')], '13 "a/sentinel": its path goes through'],
    ['an absolute link, and a file through it', [link('a', '/tmp'), evil('a/evil')], '13 "a/evil": its path goes'],
    [
      'a directory that becomes a link',
      [dir('a'), evil('a/b'), link('a', '..'), evil('a/sentinel')],
      '13 "a/b": its path goes through the symbolic link "a"',
    ],
    ['a link that becomes a directory', [link('a', '..'), dir('a'), evil('a/sentinel')], '13 "a": the name is there'],
    ['a link, and a file in its place', [link('a', '../sentinel'), evil('a')], '13 "a": the name is there twice'],
    [
      'a link of an extended header',
      [pax({ linkpath: '../..' }), link('a', 'b')],
      '13 "a": the symbolic link leads above',
    ],
    ['a long link of GNU', [gnuLong('K', '../..'), link('a', 'b')], '13 "a": the symbolic link leads above'],
    ['a hard link to a file of others', [hard('a', '/etc/passwd')], '13 "a": hard link to "/etc/passwd": absolute'],
    ['a hard link that climbs', [hard('a', '../sentinel'), evil('a')], '13 "a": hard link to "../sentinel": ".."'],
    ['one of an extended header', [pax({ linkpath: '../sentinel' }), hard('a', 'b')], '13 "a": hard link to "../sent'],
    ['a hard link to a link', [link('a', '/etc/passwd'), hard('b', 'a'), evil('b')], '13 "b": hard link to "a": the'],
    ['a hard link without a target', [evil('a'), hard('b', '')], '13 "b": hard link to ".": the target is not'],
    ['a hard link with data', [evil('a'), { ...hard('b', 'a'), data: 'evil' }], '13'],
    ['a symbolic link with data', [{ ...link('a', 'b'), data: 'evil' }, evil('c')], '13 "a": a link with data'],
  ])('%s', async (_, parts, expected) => {
    expect(await place.refusal(tarOf(...parts))).toContain(expected);
  });
});

describe('X142: what is no file, directory or link is refused', () => {
  it.each([
    ['3', 'a character device'],
    ['4', 'a block device'],
    ['6', 'a FIFO'],
    ['7', 'a contiguous file'],
    ['M', 'a part of a multi-volume archive'],
    ['V', 'the label of a volume'],
    ['Z', 'unknown type of entry (?)'],
    ['\xff', 'unknown type of entry (?)'],
  ])('type %s', async (type, reason) => {
    expect(await place.refusal(tarOf({ name: 'n', type }))).toBe(`13 "n": ${reason}`);
  });

  it('a directory of an incremental backup', async () => {
    const dump = { name: 'd', type: 'D', data: 'Yfoo\0\0' };
    expect(await place.refusal(tarOf(dump))).toBe('13 "d": a directory with data (an incremental backup?)');
  });
});

describe('X142: a name', () => {
  it.each([
    ['a newline', 'a\nblock 7: -rw-r--r-- 0/0 0 1970-01-01 00:00:00 "fake"', '"a\\nblock 7'],
    ['a carriage return', 'a\rb', '"a\\rb"'],
    ['an escape sequence', 'a\x1b]0;evil\x07', '"a\\u001b]0;evil\\u0007"'],
  ])('with %s is refused, and shown so that nothing comes of it', async (_, name, expected) => {
    expect(await place.refusal(tarOf(pax({ path: name }), { name: 'x' }))).toContain(`13 ${expected}`);
  });

  it.each([
    '--checkpoint=1',
    '--checkpoint-action=exec=touch evil',
    '-',
    '--',
    'a" -> "b',
    'a link to b',
    'a\\nb',
    "'$(touch evil)'",
    '** Block of NULs **',
    ' ',
    'a ',
    'ä€😀',
  ])('that looks like something else is just a name: %s', async (name) => {
    await place.unpack(tarOf(pax({ path: name }), { name: 'x', data: 'content' }));
    expect(readFileSync(join(place.to, name), 'utf8')).toBe('content');
  });

  it.each([
    ['longer than a path can be', `${'a/'.repeat(2047)}bc`, 'the name is longer than 4095 bytes'],
    ['with a component that is too long', 'n'.repeat(256), 'a part of the name is longer than 255 bytes'],
    ['that is a megabyte long', 'n/'.repeat(500_000), 'an entry that cannot be read'],
  ])('%s is refused', async (_, path, reason) => {
    expect(await place.refusal(tarOf(pax({ path }), { name: 'x' }))).toContain(reason);
  });

  it('as long as a path can be is unpacked, and goes again when a later entry fails', async () => {
    const path = `${'a/'.repeat(2047)}b`;
    await place.unpack(tarOf(pax({ path }), { name: 'x', data: 'deep' }));
    place.remove();
    place = makePlace();
    const failing = tarOf(pax({ path }), { name: 'x' }, { name: 'f' }, { name: 'f/g' });
    expect(await place.refusal(failing)).toContain('tar cannot unpack it: "f/g": Cannot open: Not a directory');
  });

  it('ends at a NUL', async () => {
    await place.unpack(tarOf(pax({ path: 'good\0/../../evil' }), { name: 'x' }));
    expect(existsSync(join(place.to, 'good'))).toBe(true);
  });
});

describe('X142: a damaged archive is refused, with where it is damaged', () => {
  const a = member({ name: 'a', data: someData(2000) });
  it.each<[string, Buffer, string]>([
    ['no data at all', Buffer.alloc(0), 'damaged or cut off at its start: This does not look like a tar archive'],
    ['no entries', END, 'the archive has no entries'],
    ['one empty block', Buffer.alloc(512), 'the archive has no entries'],
    ['something else', someData(5000), 'damaged or cut off at its start: This does not look like a tar archive'],
    ['a checksum that is wrong', tarOf(a, { name: 'b', checksum: '000000\0 ' }, { name: 'c' }), 'after "a": Skipping'],
    ['a checksum that is no number', tarOf(a, { name: 'b', checksum: 'zzzzzzzz' }), 'after "a": Skipping'],
    ['cut off in the data', a.subarray(0, 700), 'after "a": Unexpected EOF in archive'],
    ['cut off in a header', Buffer.concat([a, a.subarray(0, 300)]), 'after "a"'],
    ['cut off between entries', a, 'after "a": the mark at its end is missing'],
    ['junk behind it', Buffer.concat([tarOf(a), Buffer.from('junk')]), 'after "a": something follows the mark'],
    ['much junk behind it', Buffer.concat([tarOf(a), someData(3_000_000)]), 'after "a": something follows the mark'],
    [
      'a second archive behind it',
      Buffer.concat([tarOf(a), tarOf(evil('b'))]),
      'after "a": something follows the mark',
    ],
    ['one after a single empty block', Buffer.concat([a, Buffer.alloc(512), tarOf(evil('b'))]), 'something follows'],
    ['a size that is negative', tarOf(a, { name: 'b', size: Buffer.alloc(12, 0xff) }), 'after "a"'],
    ['a size of an exbibyte', tarOf({ name: 'b', size: base256(1n << 60n) }), '"b": larger than MaxImageSize='],
    ['a size of 2^90', tarOf({ name: 'b', size: base256(1n << 90n) }), 'damaged or cut off at its start'],
    ['an extended header of nonsense', tarOf(member({ type: 'x', data: '999 path=x\nfoo' }), evil('a')), 'after "a"'],
    ['a compressed archive in a compressed one', pack('gzip', tarOf(a)), 'Archive is compressed'],
  ])('%s', async (_, archive, expected) => {
    expect(await place.refusal(pack('gzip', archive))).toContain(expected);
  });

  it('zeros behind it are padding', async () => {
    const { entries } = await place.unpack(Buffer.concat([tarOf(a), Buffer.alloc(3_000_000)]));
    expect(entries).toBe(1);
  });

  it('a single empty block is end enough', async () => {
    expect((await place.unpack(Buffer.concat([a, Buffer.alloc(512)]))).entries).toBe(1);
  });

  it('whatever bit is changed, it is unpacked as something else inside, or refused', async () => {
    const archive = tarOf(dir('./'), pax({ path: 'long/name' }), { name: 'x', data: 'content' }, link('l', 'x'));
    for (let bit = 0; bit < archive.length * 8; bit += inShortTime ? 2_803 : 701) {
      const changed = Buffer.from(archive);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await place.unpack(changed).then(
        () => place.remove(),
        (error: unknown) => expect(error).toMatchObject({ code: expect.stringMatching(/^(unsuitable|policy)$/) }),
      );
      place.remove();
      place = makePlace();
    }
  });
});

describe('X142: size', () => {
  it('of a hole counts as if it were data', async () => {
    expect(await place.refusal(tarOf(hole('big', 1n << 60n)))).toContain('12 "big": larger than MaxImageSize=');
    const { bytes } = await place.unpack(tarOf(hole('big', 90_000_000n)));
    expect(bytes).toBe(90_000_000);
    expect(lstatSync(join(place.to, 'big')).blocks).toBeLessThan(100);
  });

  it('of an extended header is no way to fill the memory', async () => {
    const header = member({ type: 'x', size: 700_000_000 });
    async function* open(): AsyncIterable<Uint8Array> {
      yield header;
      for (let count = 0; count < 700; count++) yield* chunksOf(Buffer.alloc(1_000_000), 1_000_000);
      yield tarOf(evil('a'));
    }
    expect(await place.refusal(END, { open, maxBytes: 1e9 })).toContain('memory exhausted');
  });

  it('of an archive with 100,000 entries is no hindrance', async () => {
    const many = Array.from({ length: 100_000 }, (_, index) => ({ name: `d${index % 100}/f${index}` }));
    const archive = pack('gzip', tarOf(...many));
    expect((await place.unpack(archive)).entries).toBe(100_100);
    expect(existsSync(join(place.to, 'd99/f99999'))).toBe(true);
  });

  it('of an archive with more than 500,000 entries is', async () => {
    const block = Buffer.concat(Array.from({ length: 10_000 }, () => member({ name: 'same' })));
    async function* open(): AsyncIterable<Uint8Array> {
      for (let count = 0; count < 51; count++) yield* chunksOf(block, 1_000_000);
      yield END;
    }
    expect(await place.refusal(END, { open, maxBytes: 1e9 })).toBe(
      '13 "same": the archive has more than 500000 entries and directories',
    );
  });
});

function withPrefix(block: Buffer, prefix: string): Buffer {
  const copy = Buffer.from(block);
  copy.write(prefix, 345);
  copy.fill(' ', 148, 156);
  const sum = copy.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return copy;
}

function base256(value: bigint): Buffer {
  const field = Buffer.from(value.toString(16).padStart(24, '0'), 'hex');
  field[0] = (field[0] ?? 0) | 0x80;
  return field;
}
