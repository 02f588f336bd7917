/** `file://` in the place of a web server. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBody } from '../../../src/fetch/body.ts';
import { download } from '../../../src/fetch/download.ts';
import { createHttpClient, type HttpClient } from '../../../src/fetch/http.ts';
import { defaultNetworkLimits } from '../../../src/fetch/limits.ts';
import { openRangeSource } from '../../../src/fetch/range-source.ts';
import { sha256 } from '../../support/repository.ts';

const content = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));

let directory: string;
let http: HttpClient;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'extupdate-file-url-'));
  writeFileSync(join(directory, 'image.raw'), content);
  http = createHttpClient({
    allowHttp: false,
    authorities: () => undefined,
    authorization: () => undefined,
    userAgent: 'test',
    limits: defaultNetworkLimits,
  });
});
afterEach(async () => {
  await http.close();
  rmSync(directory, { recursive: true });
});

const url = (name = 'image.raw') => pathToFileURL(join(directory, name)).href;

async function get(name: string, headers: Record<string, string> = {}) {
  const response = await http.get(url(name), { headers });
  const { status } = response;
  return { status, range: response.header('content-range'), body: await readBody(response, 1_000_000) };
}

describe('a file', () => {
  it.each([
    ['all of it', {}, 200, undefined, content],
    ['its beginning', { range: 'bytes=0-9' }, 206, 'bytes 0-9/100000', content.subarray(0, 10)],
    ['the middle', { range: 'bytes=500-80000' }, 206, 'bytes 500-80000/100000', content.subarray(500, 80_001)],
    ['the rest', { range: 'bytes=99990-' }, 206, 'bytes 99990-99999/100000', content.subarray(99_990)],
    ['more than there is', { range: 'bytes=99990-200000' }, 206, 'bytes 99990-99999/100000', content.subarray(99_990)],
    ['what is not there', { range: 'bytes=100000-' }, 416, 'bytes */100000', Buffer.alloc(0)],
    ['a part of another file', { range: 'bytes=10-', 'if-range': '"other"' }, 200, undefined, content],
  ])('answers with %s', async (_, headers, status, range, body) => {
    const found = await get('image.raw', headers);
    expect([found.status, found.range, sha256(found.body)]).toEqual([status, range, sha256(body)]);
  });

  it('that is empty has no ranges', async () => {
    writeFileSync(join(directory, 'empty'), '');
    expect(await get('empty', { range: 'bytes=0-99' })).toMatchObject({ status: 200, body: Buffer.alloc(0) });
  });

  it('is missing where there is none, nor waited for', async () => {
    mkdirSync(join(directory, 'directory'));
    execFileSync('mkfifo', [join(directory, 'fifo')]);
    for (const name of ['none', 'directory', 'fifo', 'image.raw/below']) expect((await get(name)).status).toBe(404);
  });

  it('is read piece by piece, until it is another one', async () => {
    const source = await openRangeSource(http, url());
    expect(source.size).toBe(content.length);
    expect(sha256(await source.read(50_000, 1000))).toBe(sha256(content.subarray(50_000, 51_000)));
    writeFileSync(join(directory, 'image.raw'), Buffer.alloc(content.length + 1));
    await expect(source.read(50_000, 1000)).rejects.toThrow('another range or file');
  });

  it.each([
    ['is resumed', content.subarray(0, 60_000)],
    ['is taken anew where what is here is of another', Buffer.alloc(60_000)],
    ['is complete already', content],
  ])('%s', async (_, before) => {
    const path = join(directory, 'staged');
    writeFileSync(`${path}.partial`, before);
    await download(http, { url: url(), sha256: sha256(content), path, maxBytes: 1e9 });
    expect(sha256(readFileSync(path))).toBe(sha256(content));
  });
});

it.each(['file:///x/re%ZZ', 'file:///x/repo%2f/list', 'file:///%00', 'file://host/list'])(
  '%s is an error of its own',
  async (bad) => {
    await expect(http.get(bad)).rejects.toMatchObject({ exit: 10, message: `${bad}: not the path of a file` });
  },
);
