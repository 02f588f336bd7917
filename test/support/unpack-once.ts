/** A program that unpacks one archive, for tests that need a process of their own: as another user, or with little left. */
import { createReadStream } from 'node:fs';
import { unpackTar } from '../../src/archive/unpack-tar.ts';
import { reportOf } from '../../src/errors.ts';

const [from = '', to = ''] = process.argv.slice(2);
try {
  const done = await unpackTar({ name: 'x.tar', open: () => createReadStream(from), to, maxBytes: 1e9 });
  console.log(JSON.stringify(done));
} catch (error) {
  console.log(JSON.stringify(reportOf(error)));
}
