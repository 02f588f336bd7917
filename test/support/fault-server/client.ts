/** The client of the program against the fault server: one file, one switch. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FetchedBody, fetchBody } from '../../../src/fetch/body.ts';
import { download } from '../../../src/fetch/download.ts';
import { createHttpClient, type HttpOptions } from '../../../src/fetch/http.ts';
import { defaultNetworkLimits, type NetworkLimits } from '../../../src/fetch/limits.ts';
import { RequestError } from '../../../src/fetch/request-error.ts';
import { sha256 } from '../repository.ts';
import { type FaultServer, startFaultServer } from './fault-server.ts';
import { authority } from './tls.ts';

/** Pauses hardly at all; time enough for what is not about time, on a machine that is busy. */
export const quickLimits: NetworkLimits = {
  ...defaultNetworkLimits,
  retrySec: 0.01,
  retryAfterMaxSec: 2,
  minRateIntervalSec: 2,
};

export interface Attempt {
  /** What it failed with; undefined when the file came whole. */
  readonly error: (Error & { readonly exit?: number; readonly next?: string | undefined }) | undefined;
  /** Whether another try was worth it. */
  readonly retryable: boolean;
  readonly server: FaultServer;
  readonly body: FetchedBody | 'unchanged' | undefined;
  readonly notices: readonly string[];
  readonly seconds: number;
  /** Names in the directory that was downloaded into. */
  readonly left: readonly string[];
}

export interface AttemptOptions {
  readonly limits?: Partial<NetworkLimits>;
  readonly client?: Partial<HttpOptions>;
  readonly over?: 'https';
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
  /** What an earlier run has left of the payload. */
  readonly partial?: Buffer;
  /** What is done while it runs. */
  readonly meanwhile?: (server: FaultServer) => void;
  /** Changes the URL that is asked for. */
  readonly url?: (url: string) => string;
}

export const content = Buffer.alloc(400_000);
for (let index = 0; index < content.length; index++) content[index] = (index * 2654435761) >>> 13;

/** Downloads a payload while a switch is set. */
export function tryDownload(setting: string | undefined, options: AttemptOptions = {}): Promise<Attempt> {
  return attempt(setting, options, async (http, url, directory) => {
    const path = join(directory, 'staged');
    if (options.partial) writeFileSync(`${path}.partial`, options.partial);
    const { maxBytes = 10_000_000, signal } = options;
    await download(http, { url, sha256: sha256(content), path, maxBytes, signal });
    if (!readFileSync(path).equals(content)) throw new Error('staged, and not what it should be');
    return undefined;
  });
}

/** Fetches a small file while a switch is set. */
export function tryFetch(setting: string | undefined, options: AttemptOptions = {}): Promise<Attempt> {
  return attempt(setting, options, (http, url) => {
    const { maxBytes = 1024 * 1024, signal } = options;
    return fetchBody(http, url, { maxBytes, signal });
  });
}

async function attempt(
  setting: string | undefined,
  { limits, client, over, meanwhile, url = (same) => same }: AttemptOptions,
  act: (http: ReturnType<typeof createHttpClient>, url: string, directory: string) => Promise<Attempt['body']>,
): Promise<Attempt> {
  const base = mkdtempSync(join(tmpdir(), 'extupdate-fault-'));
  const into = mkdtempSync(join(tmpdir(), 'extupdate-fault-into-'));
  writeFileSync(join(base, 'image.raw'), content);
  const server = await startFaultServer(base);
  if (setting !== undefined) server.set(setting);
  const notices: string[] = [];
  const http = createHttpClient({
    allowHttp: false,
    authorities: authority,
    authorization: () => undefined,
    userAgent: 'test',
    limits: { ...quickLimits, ...limits },
    notice: (text) => notices.push(text),
    ...client,
  });
  const began = performance.now();
  let body: Attempt['body'];
  let error: Attempt['error'];
  try {
    const running = act(http, url(`${over === 'https' ? server.secureUrl : server.url}/image.raw`), into);
    meanwhile?.(server);
    body = await running;
  } catch (failure) {
    error = failure as Error;
  }
  const seconds = (performance.now() - began) / 1000;
  const left = readdirSync(into);
  await http.close();
  await server.close();
  rmSync(base, { recursive: true });
  rmSync(into, { recursive: true });
  const retryable = error instanceof RequestError && error.retryable;
  return { error, retryable, server, body, notices, seconds, left };
}
