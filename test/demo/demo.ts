/**
 * The main job in one minute, without root and without systemd: a host in a directory, a signed repository on a loopback
 * server, the program as users run it. Everything is removed at the end.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { definition, makeWorld, type World } from '../support/world.ts';

const images = fileURLToPath(new URL('../fixtures/demo', import.meta.url));

function say(text: string): void {
  process.stdout.write(`\n# ${text}\n`);
}

async function show(world: World, command: string, ...args: string[]): Promise<void> {
  process.stdout.write(`$ extupdate ${[command, ...args].join(' ')}\n`);
  const result = await world.run([command, ...args]);
  process.stdout.write(result.stdout);
  if (result.stderr) process.stdout.write(result.stderr.replace(/^/gm, '  ').trimEnd().concat('\n'));
  if (result.status !== 0) throw new Error(`extupdate ${command} ended with status ${result.status}`);
}

function offer(world: World, ...versions: string[]): Promise<void> {
  const files = versions.map(
    (version) => [`hello_${version}.raw`, readFileSync(join(images, `hello_${version}.raw`))] as const,
  );
  return world.publish('hello', Object.fromEntries(files));
}

async function main(): Promise<void> {
  const world = await makeWorld();
  const stop = () => world.close().then(() => process.exit(130));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    world.setOs({ ID: 'exampleos', VERSION_ID: '41' });
    const transfer = definition({
      Source: { Type: 'url-file', Path: `${world.server.url}/hello`, MatchPattern: 'hello_@v.raw' },
      Target: { Path: '/var/lib/extensions/hello.raw.v' },
    });
    world.write('etc/extupdate/transfer.d/hello.transfer', transfer);
    say(`A host in ${world.root} runs exampleos 41. One extension is defined, in hello.transfer:`);
    process.stdout.write(transfer.replace(/^/gm, '    ').trimEnd().concat('\n'));

    say('The publisher offers 1.0 and 2.0, built for 41, in a list with a real OpenPGP signature.');
    await offer(world, '1.0', '2.0');
    await show(world, 'check');
    await show(world, 'apply');
    await show(world, 'list');

    say(
      'An update of the OS to 42 is at hand. The publisher now also offers 2.1, built for 42, and 3.0, built for 43.',
    );
    await offer(world, '1.0', '2.0', '2.1', '3.0');
    world.write('next/usr/lib/os-release', 'ID=exampleos\nVERSION_ID=42\n');
    await show(world, 'why', 'hello');
    say('What the next OS needs is brought here beforehand; nothing changes for the one that runs.');
    await show(world, 'prepare', `--os-root=${join(world.root, 'next')}`);

    say('42 is booted, and there is no network: at boot, select takes what goes with it.');
    world.setOs({ ID: 'exampleos', VERSION_ID: '42' });
    await show(world, 'select');
    await show(world, 'status');

    say('The OS is rolled back to 41: its extension goes back with it.');
    world.setOs({ ID: 'exampleos', VERSION_ID: '41' });
    await show(world, 'select');
    await show(world, 'status', '--os');
    await show(world, 'history');
    say('That is all; the host and the server are gone.');
  } finally {
    await world.close();
  }
}

await main();
