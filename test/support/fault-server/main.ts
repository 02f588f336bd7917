/** Starts the fault server by hand: npm run fault-server -- --switch=NAME[=VALUE] [--path=GLOB] DIRECTORY */
import { parseArgs } from 'node:util';
import { startFaultServer } from './fault-server.ts';
import { switches } from './switches.ts';

const usage = `npm run fault-server -- [OPTION...] DIRECTORY

Serves DIRECTORY on loopback, over HTTP and HTTPS, with faults.

  --switch=NAME[=VALUE]  what to do wrong; may be repeated, the first that is for a path answers
  --path=GLOB            paths that the switch before it is for; all by default
  --old=DIRECTORY        older copies, for the switches that send them
  --port=PORT            port for HTTP; the one after it is for HTTPS
  --list                 print all switches
`;

const { values, positionals, tokens } = parseArgs({
  allowPositionals: true,
  tokens: true,
  options: {
    switch: { type: 'string', multiple: true },
    path: { type: 'string', multiple: true },
    old: { type: 'string' },
    port: { type: 'string' },
    list: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

const [directory] = positionals;
if (values.list) {
  for (const { name, does, values: known } of switches) {
    process.stdout.write(`${name.padEnd(26)} ${does}${known ? ` (${known.map(shown).join(', ')})` : ''}\n`);
  }
} else if (values.help || directory === undefined) {
  process.stdout.write(usage);
  process.exitCode = values.help ? 0 : 2;
} else {
  await serve(directory);
}

async function serve(place: string): Promise<void> {
  const port = Number(values.port ?? 0);
  const server = await startFaultServer(place, {
    ...(values.old === undefined ? {} : { old: values.old }),
    ...(port > 0 ? { ports: [port, port + 1] } : {}),
  });
  const options = tokens.filter((token) => token.kind === 'option');
  for (const [index, { name, value }] of options.entries()) {
    const after = options[index + 1];
    if (name === 'switch') server.set(value ?? '', after?.name === 'path' ? after.value : undefined);
  }
  process.stdout.write(`${server.url}\n${server.secureUrl} (trust test/fixtures/tls/fault-ca.pem)\n`);
}

function shown(value: string): string {
  if (value === '') return '""';
  return value.length > 40 ? `${value.slice(0, 20)}...` : value;
}
