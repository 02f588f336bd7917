/** The fault catalogue, H: the client of the program against the fault server, case by case (H58 to H85). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRateFloor } from '../../src/fetch/rate-floor.ts';
import { parseRetryAfter } from '../../src/fetch/request-error.ts';
import { content, tryDownload, tryFetch } from '../support/fault-server/client.ts';
import { findSwitch, switches } from '../support/fault-server/switches.ts';

/** All that a payload or a small file may fail with when the server is at fault; each says what to do next. */
function expectNetworkError(error: unknown, message: RegExp): void {
  expect(error).toMatchObject({ exit: 10, message: expect.stringMatching(message), next: expect.stringMatching(/\S/) });
}

const valuesOf = (name: string) => findSwitch(name).values ?? [];

describe.concurrent('H58 to H61: bodies that end too early, or say what they are not', () => {
  it.each([
    ['H58: a body that is cut, by FIN', 'cut=half'],
    ['H58: a body that is cut, by RST', 'cut-reset=half'],
    ['H58: nothing of the body', 'cut=0'],
    ['H58: one byte too few', 'cut-last-byte'],
    ['H58: no answer at all', 'cut-before-answer'],
    ['H58: half of the headers', 'cut-in-headers'],
    ['H58: keep-alive, and closed between', 'close-between'],
    ['H58: a connection that answers once, and is silent then', 'close-unsaid'],
    ['H59: no last chunk', 'cut-before-last-chunk'],
    ['H59: half a chunk', 'cut-in-chunk'],
    ['H59: a size of a chunk that is none', 'chunk-size=zz'],
    ['H59: a chunk of 16 EiB', 'chunk-size=ffffffffffffffff'],
  ])('%s: tried again, then 10', async (_, setting) => {
    const limits = { stallTimeoutSec: 1 };
    const small = await tryFetch(setting, { limits });
    // A range that was cut short is asked for from where it ended, so a payload may come whole all the same.
    const large = await tryDownload(setting, { limits });
    for (const { error } of [small, large]) if (error) expectNetworkError(error, /image\.raw: /);
    if (small.error) expect(small.server.requests.length).toBe(3);
    expect(large.server.requests.length).toBeLessThanOrEqual(6);
    expect(large.left).toEqual([large.error ? 'staged.partial' : 'staged']);
  });

  it('H58: a body that is cut once comes whole, from where it was cut', async () => {
    const { error, server } = await tryDownload('cut-once');
    expect(error).toBeUndefined();
    expect(server.requests[1]?.headers.range).toMatch(/^bytes=[1-9][0-9]*-$/);
    expect(server.requests).toHaveLength(2);
  });

  it('H58: HTTP/1.0 without a length that is cut looks whole: the hash tells', async () => {
    const { error } = await tryDownload('until-closed=half');
    expect(error).toMatchObject({ exit: 11, message: expect.stringContaining('hash mismatch') });
    expect((await tryDownload('until-closed=whole')).error).toBeUndefined();
  });

  it.each([...valuesOf('length').filter((value) => value !== '0'), 'twice'])(
    'H61: Content-Length: "%s" → 10, and nothing is set aside for it',
    async (value) => {
      const setting = value === 'twice' ? 'length-twice' : `length=${value}`;
      const { error, left } = await tryDownload(setting, { maxBytes: 1e15 });
      // A server that says more than there is room for is told so; that is found out before a byte is written.
      if (error && value === '1099511627776') expect(error).toMatchObject({ exit: 14 });
      else if (error) expectNetworkError(error, /image\.raw: /);
      expect(left).toHaveLength(1);
    },
  );

  it('H61: a length that is too small cuts the body: the hash tells (11)', async () => {
    expect((await tryDownload('length-smaller=100')).error).toMatchObject({ exit: 11 });
    expect((await tryDownload('length=0')).error).toMatchObject({ exit: 11 });
  });

  it.each(valuesOf('length-bigger'))('H61: a length that is %s too large → 10', async (value) => {
    for (const act of [tryFetch, tryDownload]) {
      const { error } = await act(`length-bigger=${value}`);
      // What came of a payload may turn out to be all of it.
      if (error || act === tryFetch) expectNetworkError(error, /another length|in the middle/);
    }
  });
});

describe.concurrent('H62 to H67: redirects and credentials', () => {
  it('H62: https to http is refused', async () => {
    const { error, server } = await tryDownload('redirect-to-http', { over: 'https' });
    expect(error).toMatchObject({ exit: 12, message: expect.stringContaining('redirected from https') });
    expect(server.requests).toHaveLength(1);
  });

  it('H62: ... unless AllowHTTP=', async () => {
    const { error } = await tryDownload('redirect-to-http', { over: 'https', client: { allowHttp: true } });
    expect(error).toBeUndefined();
  });

  it.each(valuesOf('redirect-to'))('H63: redirect to "%.30s" → no retry, nothing read', async (value) => {
    const { error, server, left } = await tryDownload(`redirect-to=${value}`);
    const leavesTheWeb = /^(file|ftp|data|javascript):/.test(value);
    expect(error).toMatchObject({ exit: leavesTheWeb ? 12 : 10, next: expect.stringMatching(/\S/) });
    expect(error?.message.length).toBeLessThan(300);
    if (leavesTheWeb) expect(server.requests).toHaveLength(1);
    expect(left).toEqual(['staged.partial']);
  });

  it.each(['redirect-loop', 'redirect-hops=6', 'redirect-nowhere'])('H65: %s → 10', async (setting) => {
    const { error, retryable } = await tryDownload(setting);
    expectNetworkError(error, /more than 5 redirects|answered 30/);
    expect(retryable).toBe(false);
  });

  it.each(['301', '302', '303', '307', '308'])('H65: %i leads to the file', async (status) => {
    expect((await tryDownload(`redirect=${status}`)).error).toBeUndefined();
  });

  it('H65: five hops are followed, and a body of a redirect is not waited for', async () => {
    expect((await tryDownload('redirect-hops=5')).error).toBeUndefined();
    expect((await tryDownload('redirect-endless-body')).error).toBeUndefined();
  });

  it.each(['', 'user:password'])('H66: credentials stay at home; in the redirect: "%s"', async (value) => {
    const { error, server } = await tryDownload(`redirect-other-origin=${value}`, {
      client: { authorization: () => 'Bearer secret' },
    });
    expect(error).toBeUndefined();
    const [first, second] = server.requests;
    expect(first?.headers.authorization).toBe('Bearer secret');
    expect(second?.url).toBe('other:/image.raw');
    expect(second?.headers.authorization).toBeUndefined();
  });
});

describe.concurrent('H68 to H72: statuses', () => {
  it.each(['500', '502', '503', '504', '408', '425', '429'])('H68: %s is tried five times, then 10', async (status) => {
    const { error, server } = await tryDownload(`status=${status}`);
    expectNetworkError(error, new RegExp(`the server answered ${status}$`));
    expect(server.requests).toHaveLength(5);
  });

  it('H68: pauses grow, with as much again at random, and end with RetryTimeoutSec=', async () => {
    const grown = await tryDownload('status=503', { limits: { retrySec: 0.1 } });
    // 0.1 + 0.2 + 0.4 + 0.8 at least.
    expect(grown.seconds).toBeGreaterThan(1.4);
    const ended = await tryDownload('status=503', { limits: { retrySec: 0.3, retryTimeoutSec: 0.1 } });
    expectNetworkError(ended.error, /503/);
    expect(ended.server.requests.length).toBeLessThanOrEqual(2);
  });

  it.each(valuesOf('status-once'))('H68: %s once does no harm', async (status) => {
    expect((await tryDownload(`status-once=${status}`)).error).toBeUndefined();
  });

  const now = Date.parse('2026-01-01T00:00:00Z');
  it.each<[string | undefined, number | undefined]>([
    ['120', 120],
    ['Thu, 01 Jan 2026 00:02:00 GMT', 120],
    ['1000000000', 1e9],
    ['1e9', undefined],
    ['-5', undefined],
    ['Thu, 01 Jan 1970 00:00:00 GMT', undefined],
    ['2026-01-01', undefined],
    ['garbage 99', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('H69: Retry-After: %s is %s seconds', (value, seconds) => {
    expect(parseRetryAfter(value, now)).toBe(seconds);
  });

  it('H69: what the server asks for is waited for, up to the limit', async () => {
    const { error, seconds } = await tryDownload('retry-after-once=1');
    expect(error).toBeUndefined();
    expect(seconds).toBeGreaterThan(1);
  });

  it('H69: waiting long is told', async () => {
    const abort = new AbortController();
    const { error, notices } = await tryDownload('retry-after=120', {
      limits: { retryAfterMaxSec: 900 },
      client: { notice: () => abort.abort() },
      signal: abort.signal,
    });
    expect(error?.name).toBe('AbortError');
    expect(notices).toEqual([]);
  });

  it.each(['120', '1000000000', 'date'])('H69: Retry-After: %s is left to a later run', async (value) => {
    const { error, server, seconds } = await tryDownload(`retry-after=${value}`);
    expectNetworkError(error, /answered 503, and asks to wait [0-9]+ s$/);
    expect(server.requests).toHaveLength(1);
    expect(seconds).toBeLessThan(5);
  });

  it.each(['1e9', '-5', 'garbage', 'past', ''])(
    'H69: Retry-After: "%s" makes no sense and does no harm',
    async (value) => {
      const { error, server } = await tryDownload(`retry-after=${value}`);
      expectNetworkError(error, /answered 503$/);
      expect(server.requests).toHaveLength(5);
    },
  );

  it('H69: all waits for one file count together', async () => {
    const { error, server } = await tryDownload('retry-after=1', { limits: { retryAfterMaxSec: 2 } });
    expectNetworkError(error, /asks to wait 1 s/);
    expect(server.requests).toHaveLength(3);
  });

  it.each(['401', '403', '407'])('H71: %s → 10 at once, with what to look at', async (status) => {
    const { error, server } = await tryDownload(`status=${status}`);
    expectNetworkError(error, new RegExp(`answered ${status}$`));
    expect(error?.next).toMatch(status === '407' ? /Proxy=/ : /Credential=/);
    expect(server.requests).toHaveLength(1);
  });

  const once = [408, 425, 429, 500, 502, 503, 504].map(String);
  const odd = valuesOf('status').filter((status) => !['200', ...once].includes(status));
  // They are all one to the client; npm run test:faults takes them all.
  it.each(odd.filter((_, index) => process.env.EXTUPDATE_TEST_ALL === '1' || index % 4 === 0))(
    'H72: %s is no file: 10 at once',
    async (status) => {
      for (const { error, server, body } of [
        await tryDownload(`status=${status}`),
        await tryFetch(`status=${status}`),
      ]) {
        expect(body).toBeUndefined();
        // A small file that is not there is no error by itself.
        if (error) expectNetworkError(error, /answered|another range|protocol/);
        expect(server.requests.length).toBeLessThanOrEqual(5);
        if (!/protocol|range/.test(error?.message ?? '')) expect(server.requests).toHaveLength(1);
      }
    },
  );

  it.each(['interim=2', 'delay=300'])('H72: %s does no harm', async (setting) => {
    expect((await tryDownload(setting)).error).toBeUndefined();
  });

  it.each(['interim=100', 'switching-protocols', 'answer-continue'])('H72: %s → 10', async (setting) => {
    expectNetworkError((await tryDownload(setting, { limits: { stallTimeoutSec: 1 } })).error, /image\.raw: /);
  });
});

describe.concurrent('H73: parts of files', () => {
  const lies = switches.filter(({ name }) => name.startsWith('range-'));
  it.each(lies.flatMap(({ name, values = [''] }) => values.map((value) => (value === '' ? name : `${name}=${value}`))))(
    'H73: %s: never appended to what it does not belong to',
    async (setting) => {
      const { error, left } = await tryDownload(setting);
      // Whole, or not at all: tryDownload compares every byte.
      if (error) expect([10, 11, 12], error.message).toContain(error.exit);
      expect(left.filter((name) => name === 'staged')).toEqual(error ? [] : ['staged']);
    },
  );

  it.each(['range-ignored', 'range-unsaid', 'range-multipart', 'range-other', 'range-416=plain'])(
    'H73: %s: begins anew, and comes whole in the end',
    async (setting) => {
      expect((await tryDownload(setting, { partial: content.subarray(0, 1000) })).error).toBeUndefined();
    },
  );

  it.each(['range-lie', 'range-other-content'])('H73: %s: the hash tells, and it begins anew', async (setting) => {
    const { error, server } = await tryDownload(setting, { partial: content.subarray(0, 1000) });
    if (error) expect(error).toMatchObject({ exit: 11, message: expect.stringContaining('hash mismatch') });
    expect(server.requests.slice(0, 2).map(({ headers }) => headers.range)).toEqual(['bytes=1000-', undefined]);
  });

  it('H73: a server that cuts ranges into slices is asked on', async () => {
    const { error, server } = await tryDownload('range-short=150000', { partial: content.subarray(0, 1000) });
    expect(error).toBeUndefined();
    const asked = ['bytes=1000-', 'bytes=151000-', 'bytes=301000-'];
    expect(server.requests.map(({ headers }) => headers.range)).toEqual(asked);
  });
});

describe.concurrent('H75 and H76: silence and drips', () => {
  it.each(['stall', 'stall-in-headers', 'stall-in-body', 'drip-headers', 'endless-headers', 'silent'])(
    'H75: %s: tried again, then 10',
    async (setting) => {
      const small = await tryFetch(setting, { limits: { stallTimeoutSec: 0.5, listTimeoutSec: 4 } });
      expectNetworkError(small.error, /StallTimeoutSec=|ListTimeoutSec=|16 KiB/);
      expect(small.seconds).toBeLessThan(4 + 5);
      const large = await tryDownload(setting, { limits: { stallTimeoutSec: 0.5 } });
      expectNetworkError(large.error, /StallTimeoutSec=|16 KiB/);
      expect(large.server.requests.length).toBe(setting === 'silent' ? 0 : 5);
    },
  );

  it('H75: silence once does no harm', async () => {
    expect((await tryDownload('stall-once', { limits: { stallTimeoutSec: 2 } })).error).toBeUndefined();
  });

  it.each(['drip=1', 'drip=31', 'drip=900', 'drip-chunks'])('H76: %s is slower than MinRate=', async (setting) => {
    const { error, seconds, left } = await tryDownload(setting);
    expectNetworkError(error, /slower than MinRate= \(1024 bytes per second\) for 2 s/);
    expect(seconds).toBeLessThan(2 + 5);
    // What has arrived is kept.
    expect(left).toEqual(['staged.partial']);
  });

  it.each(['drip=31', 'drip-chunks', 'interim-endless'])(
    'H76: %s: a small file has to come in time',
    async (setting) => {
      const { error, seconds } = await tryFetch(setting, { limits: { listTimeoutSec: 1.5 } });
      expectNetworkError(error, /took longer than ListTimeoutSec= \(1.5 s\)|interim/);
      expect(seconds).toBeLessThan(1.5 + 5);
    },
  );

  it.each(['drip=2000', 'stall', 'status=503', 'retry-after=1'])(
    'H76: %s: a payload has to come in time',
    async (setting) => {
      const { error, seconds } = await tryDownload(setting, {
        limits: { downloadTimeoutSec: 1.5, retrySec: 1, retryAfterMaxSec: 60, stallTimeoutSec: 60 },
      });
      expectNetworkError(error, /took longer than DownloadTimeoutSec= \(1.5 s\)/);
      expect(seconds).toBeLessThan(1.5 + 5);
    },
  );

  it('H76: MinRate=0 takes what comes', async () => {
    const { error } = await tryDownload('drip=900', {
      limits: { minRate: 0, minRateIntervalSec: 0.1, downloadTimeoutSec: 2 },
    });
    expectNetworkError(error, /DownloadTimeoutSec=/);
  });

  it('H76: the rate is that of a whole interval, and time that we take ourselves does not count', () => {
    let time = 0;
    const floor = createRateFloor({ minRate: 1024, minRateIntervalSec: 300 }, () => time);
    time = 299_000;
    expect(floor.isTooSlow(10, 0)).toBe(false);
    time = 300_000;
    expect(floor.isTooSlow(300 * 1024, 0)).toBe(false);
    time = 500_000;
    expect(floor.isTooSlow(0, 100_000)).toBe(false);
    time = 700_000;
    expect(floor.isTooSlow(300 * 1024 - 1, 0)).toBe(true);
  });
});

describe.concurrent('H78 to H81: sizes, encodings, and what is no data', () => {
  it.each(['plain', 'chunked', 'length'])('H78: an endless body (%s) ends at the cap → 12', async (kind) => {
    const { error, left } = await tryDownload(`endless=${kind}`, { maxBytes: 200_000 });
    expect(error).toMatchObject({ exit: 12, message: expect.stringContaining('larger than MaxImageSize=') });
    expect(error?.next).toContain('MaxImageSize=');
    expect(left).toEqual(['staged.partial']);
    const small = await tryFetch(`endless=${kind}`, { maxBytes: 200_000 });
    expect(small.error).toMatchObject({ exit: 12, next: expect.stringMatching(/\S/) });
  });

  it.each(['endless-chunk-extension', 'endless-trailers'])('H78: %s is no data, and ends in time', async (setting) => {
    const { error } = await tryFetch(setting, { limits: { stallTimeoutSec: 1, listTimeoutSec: 2 } });
    expectNetworkError(error, /TimeoutSec=|16 KiB/);
  });

  it('H79: exactly the cap is fine, one byte more is not, with a length and without', async () => {
    for (const setting of [undefined, 'length-missing', 'until-closed']) {
      expect((await tryDownload(setting, { maxBytes: content.length })).error, setting).toBeUndefined();
      const over = await tryDownload(setting, { maxBytes: content.length - 1 });
      expect(over.error, setting).toMatchObject({ exit: 12 });
    }
    expect((await tryFetch('length-missing', { maxBytes: content.length })).error).toBeUndefined();
    expect((await tryFetch('length-missing', { maxBytes: content.length - 1 })).error).toMatchObject({ exit: 12 });
  });

  it.each(['gzip', 'deflate', 'br', 'bomb'])(
    'H80: what is sent encoded (%s) is not decoded: the hash tells',
    async (kind) => {
      const { error, server } = await tryDownload(`encoding=${kind}`);
      expect(error).toMatchObject({ exit: 11, message: expect.stringMatching(/hash mismatch.*Content-Encoding: /) });
      expect(server.requests[0]?.headers['accept-encoding']).toBe('identity');
    },
  );

  it.each(valuesOf('encoding-lie'))('H80: Content-Encoding: %s over plain bytes does no harm', async (value) => {
    expect((await tryDownload(`encoding-lie=${value}`)).error).toBeUndefined();
  });

  it('H81: a web page in place of data, said to be one or not', async () => {
    expectNetworkError((await tryDownload('page=text/html')).error, /a web page instead of the image/);
    expect((await tryDownload('page=')).error).toMatchObject({ exit: 11 });
    for (const type of valuesOf('page')) expect((await tryFetch(`page=${type}`)).body, type).toBeUndefined();
  });

  const noAnswers = [
    'nothing',
    'garbage',
    'http-0.9',
    'http-2',
    'version',
    'lower-case',
    'status-line',
    'line-feeds',
    'mail',
    'ssh',
  ];
  it.each([...noAnswers, 'header-size=17000', 'header-count', 'header-nul', 'header-colon', 'length-and-chunked'])(
    'H–: %s is no answer by HTTP: 10',
    async (setting) => {
      const { error } = await tryFetch(setting);
      expectNetworkError(error, /image\.raw: [a-z]/);
    },
  );

  it('H–: an answer that nobody asked for is nobody’s', async () => {
    expect((await tryDownload('second-answer')).error).toBeUndefined();
    expect((await tryFetch('second-answer')).body).toMatchObject({ bytes: content });
  });
});

describe('H–: signals', () => {
  it('H–: the run ends at once when it is told to, whatever the server does', async () => {
    for (const setting of ['stall', 'drip=900', 'retry-after=1', 'status=503', 'silent']) {
      const abort = new AbortController();
      const { error, seconds } = await tryDownload(setting, {
        limits: { retryAfterMaxSec: 600, retrySec: 30, stallTimeoutSec: 60 },
        signal: abort.signal,
        meanwhile: () => setTimeout(() => abort.abort(), 300),
      });
      expect(error?.name, setting).toBe('AbortError');
      expect(seconds, setting).toBeLessThan(5);
    }
  });
});

describe('H83 to H85: TLS', () => {
  // What a shell may bring with it must not weaken anything.
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  beforeAll(() => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  });
  afterAll(() => {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  });

  it.each([
    ['H83', 'tls-wrong-host', /TLS: Hostname.*does not match/, /host/],
    ['H83', 'tls-self-signed', /TLS: the certificate is signed by itself$/, /CAFile=/],
    ['H83', 'tls-unknown-authority', /TLS: .*authority that is not trusted here$/, /CAFile=/],
    ['H83', 'tls-version=1.0', /TLS: .*no longer safe$/, /publisher/],
    ['H83', 'tls-version=1.1', /TLS: .*no longer safe$/, /publisher/],
    ['H83', 'tls-plain', /TLS: the server does not speak TLS on this port$/, /port/],
    ['H83', 'tls-garbage', /TLS: /, /port/],
    ['H84', 'tls-client-certificate=1.2', /TLS: .*handshake failure$/, /publisher/],
    ['H85', 'tls-expired', /TLS: the certificate has expired; this machine's clock says 20[0-9TZ:.-]+$/, /clock/],
    ['H85', 'tls-not-yet-valid', /TLS: the certificate is not yet valid; this machine's clock says 20/, /clock/],
  ])('%s: %s: 10 at once, with the reason, whatever the environment says', async (_, setting, message, next) => {
    const { error, retryable, server } = await tryFetch(setting, { over: 'https' });
    expectNetworkError(error, message);
    expect(error?.next).toMatch(next);
    expect(retryable).toBe(false);
    expect(server.requests).toEqual([]);
  });

  it.each(['tls-cut', 'tls-reset', 'tls-stall', 'tls-slow=20000', 'tls-client-certificate=1.3'])(
    'H83: %s: tried again, then 10',
    async (setting) => {
      const limits = { connectTimeoutSec: 0.5 };
      const { error, retryable } = await tryFetch(setting, { over: 'https', limits });
      expectNetworkError(error, /reset|ConnectTimeoutSec=|closed the connection/);
      expect(retryable).toBe(true);
    },
  );

  it('H83: what is trusted and only slow is no failure', async () => {
    for (const setting of [undefined, 'tls-slow=300']) {
      expect((await tryFetch(setting, { over: 'https' })).body, setting).toMatchObject({ bytes: content });
    }
  });
});
