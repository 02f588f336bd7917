/**
 * A small web server that reads its configuration from `/etc/web/version`, once at its start and again when it is
 * reloaded, and a client that asks it all the time. Both run inside a test host.
 */
import type { E2e } from './e2e.ts';

const SERVER = `
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
const tell = (...words) => execFileSync('systemd-notify', words);
let version;
const load = () => { version = readFileSync('/etc/web/version', 'utf8'); };
load();
process.on('SIGHUP', () => { tell('--reloading'); load(); tell('--ready'); });
rmSync('/run/web.sock', { force: true });
createServer((_, response) => response.end(version + ' ' + process.pid)).listen('/run/web.sock', () => tell('--ready'));
`;

const CLIENT = `
import { existsSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
const ask = () => new Promise((resolve) => {
  get({ socketPath: '/run/web.sock', agent: false, timeout: 2000 }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (text) => { body += text; }).on('end', () => resolve(body));
  }).on('error', () => resolve(undefined)).on('timeout', function () { this.destroy(new Error('timeout')); });
});
const seen = { requests: 0, failures: 0, answers: [] };
while (process.argv[2] !== 'poll' || !existsSync('/run/poll.stop')) {
  const answer = await ask();
  seen.requests += 1;
  if (answer === undefined) seen.failures += 1;
  else if (seen.answers.at(-1) !== answer) seen.answers.push(answer);
  if (process.argv[2] !== 'poll') break;
  if (seen.requests === 1) writeFileSync('/run/poll.started', '');
}
console.log(JSON.stringify(seen));
`;

/** What a client has seen. */
export interface Polled {
  readonly requests: number;
  readonly failures: number;
  /** `VERSION PID`, whenever it changed. */
  readonly answers: readonly string[];
}

/** Puts server and client in place, and the unit: `Type=notify-reload`, with an image over its own `/etc`. */
export function writeWebService(e2e: E2e, extension: string): void {
  e2e.write('srv/web/server.mjs', SERVER);
  e2e.write('srv/web/client.mjs', CLIENT);
  e2e.write(
    'etc/systemd/system/web.service',
    `[Service]\nType=notify-reload\nNotifyAccess=all\nExecStart=/srv/node/bin/node /srv/web/server.mjs\n${extension}\n`,
  );
}

/** Asks the server once. */
export async function askWeb(e2e: E2e): Promise<string | undefined> {
  const { stdout } = await e2e.host.sh('exec /srv/node/bin/node /srv/web/client.mjs');
  return (JSON.parse(stdout) as Polled).answers[0];
}

/** Asks the server all the time while an operation runs. */
export async function pollWeb<T>(e2e: E2e, operation: () => Promise<T>): Promise<{ result: T; polled: Polled }> {
  await e2e.host.sh('rm -f /run/poll.stop /run/poll.started');
  const client = e2e.host.sh('exec /srv/node/bin/node /srv/web/client.mjs poll', { timeoutMs: 120_000 });
  try {
    await e2e.host.sh('until [ -e /run/poll.started ]; do sleep 0.02; done');
    const result = await operation();
    await e2e.host.sh('touch /run/poll.stop');
    return { result, polled: JSON.parse((await client).stdout) as Polled };
  } finally {
    await e2e.host.sh('touch /run/poll.stop');
  }
}
