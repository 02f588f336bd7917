import { expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { REPLY_SIZE_MAX } from '../../../src/varlink/codec.ts';
import { field, int, method, string } from '../../../src/varlink/schema.ts';
import { type Handlers, PeerGone, serveConnection, serviceOf, VarlinkError } from '../../../src/varlink/server.ts';
import { callMessage } from '../../support/varlink-client.ts';

const description = {
  name: 'org.example.Test',
  doc: 'For tests.',
  methods: {
    Repeat: method('Answers with so many letters.', { times: field(int, 'How many.') }, { text: field(string, '') }),
  },
  errors: {},
};
const handlers: Handlers<typeof description> = {
  Repeat: async ({ times }) => {
    if (times < 0) throw new UsageError('too few');
    return { text: 'x'.repeat(times) };
  },
};
const service = serviceOf(
  description,
  handlers,
  { product: 'test', version: '1', url: '' },
  (error) => new VarlinkError('org.example.Test.Failed', { message: (error as Error).message }),
);

async function* callsOf(times: readonly number[]): AsyncGenerator<Uint8Array, void> {
  for (const count of times) yield Buffer.from(callMessage('org.example.Test.Repeat', { times: count }));
}

it('a reply that no client would take is an error, and so is what a handler throws', async () => {
  const replies: string[] = [];
  const write = async (text: string) => void replies.push(text);
  const overhead = Buffer.byteLength('{"parameters":{"text":""}}\0');
  await serveConnection(
    { input: callsOf([1, REPLY_SIZE_MAX - overhead, REPLY_SIZE_MAX - overhead + 1, -1]), write },
    service,
  );
  expect(replies[0]).toBe('{"parameters":{"text":"x"}}\0');
  expect(replies[1]?.length).toBe(REPLY_SIZE_MAX);
  expect(replies[2]).toMatch(
    /^{"error":"org.example.Test.Failed","parameters":{"message":"the answer has more than 16777216 bytes/,
  );
  expect(replies[3]).toBe('{"error":"org.example.Test.Failed","parameters":{"message":"too few"}}\0');
});

it('who is gone is answered no more', async () => {
  let writes = 0;
  const write = async () => {
    writes += 1;
    throw new PeerGone('gone');
  };
  await serveConnection({ input: callsOf([1, 2, 3]), write }, service);
  expect(writes).toBe(1);
});
