/**
 * A published payload, read, unpacked and hashed in one pass: whoever could write to the file in between would change
 * what was hashed along with what was unpacked.
 */
import { StorageError, TrustError, UnsuitableError } from '../errors.ts';
import { detectCompression } from '../image/compression.ts';
import { type Decoder, decodersFor } from './decompress.ts';
import { HEAD, overCap, PublishedReading, type Trail } from './published-reading.ts';

export interface Payload {
  /** What messages call the payload: its published name. */
  readonly name: string;
  /** Starts a reading of the published bytes. Called several times. */
  readonly open: () => AsyncIterable<Uint8Array>;
  /** SHA-256 of the published bytes, lower-case hex; without it, any content will do. */
  readonly sha256?: string | undefined;
  /** Most bytes that the payload may have when it is unpacked. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** What a reading came to. */
export interface PayloadRead<T> {
  readonly result: T;
  /** How the bytes were unpacked, and what they were. */
  readonly decode: Decoder;
  readonly head: Buffer;
  readonly trail: Trail;
}

const asIs: Decoder = (bytes) => bytes;

/**
 * Reads a payload: hands its unpacked bytes to `consume`, and holds the hash against the promised one afterwards.
 * What is wrong with the content is only told of promised content.
 * @param consume starts anew with each decoder that is tried; what it throws ends the reading
 * @throws TrustError when the bytes are not the promised ones; PolicyError over the cap; UnsuitableError for compressed
 *   data that is damaged; what reading and `consume` throw; the signal's reason
 */
export async function readPayload<T>(
  payload: Payload,
  consume: (bytes: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<PayloadRead<T>> {
  const head = await readHead(payload);
  const compression = detectCompression(head);
  const decoders = compression === undefined ? [asIs] : decodersFor(compression);
  return tryInTurn(decoders, async (decode) => {
    const read = await readOnce(payload, decode, consume);
    refuseOther(payload, read.trail.sha256);
    // The promised bytes, and yet not unpacked as they should have been.
    if (!read.head.equals(head)) throw changed(payload);
    return read;
  });
}

/** Reads a payload without unpacking it, whatever it looks like. Throws as {@link readPayload} does. */
export async function readPlainPayload<T>(
  payload: Payload,
  consume: (bytes: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const { result, trail } = await readOnce(payload, asIs, consume);
  refuseOther(payload, trail.sha256);
  return result;
}

/**
 * Reads a payload once more. `consume` gets nothing that it did not get before.
 * @param former the first reading
 * @throws TrustError when the bytes are not those of the first reading; and as {@link readPayload} does
 */
export async function readPayloadAgain<T>(
  payload: Payload,
  former: PayloadRead<unknown>,
  consume: (bytes: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const { result } = await tryInTurn([former.decode], (decode) => readOnce(payload, decode, consume, former.trail));
  return result;
}

/** What a decoder threw, as opposed to the consumer. */
class Damage extends Error {}

async function readOnce<T>(
  payload: Payload,
  decode: Decoder,
  consume: (bytes: AsyncIterable<Uint8Array>) => Promise<T>,
  follow?: Trail,
): Promise<PayloadRead<T>> {
  const { name, maxBytes, signal } = payload;
  const reading = new PublishedReading(payload.open, { name, maxBytes, signal, follow });
  let damage: Damage | undefined;
  async function* decoded(): AsyncIterable<Uint8Array> {
    try {
      yield* decode(reading);
    } catch (error) {
      // A decoder that was killed says nothing of the data.
      if (error instanceof StorageError) throw error;
      damage = new Damage((error as Error).message, { cause: error });
      throw error;
    }
  }
  try {
    const result = await consume(capped(decoded(), payload));
    const trail = await reading.finish();
    return { result, decode, head: reading.head, trail };
  } catch (error) {
    // The first failure on the way counts, not what it made of the rest.
    if (reading.failure !== undefined) throw reading.failure.error;
    const failure = damage ?? error;
    // Whether these are the promised bytes has to be told of what was read just now: another reading may be of others.
    const isContent = failure instanceof Damage || failure instanceof UnsuitableError;
    if (isContent) refuseOther(payload, (await reading.finish()).sha256);
    throw failure;
  } finally {
    reading.close();
  }
}

async function* capped(bytes: AsyncIterable<Uint8Array>, { name, maxBytes }: Payload): AsyncIterable<Uint8Array> {
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > maxBytes) throw overCap(name, maxBytes, 'when unpacked');
    yield chunk;
  }
}

/** Tries decoders until one understands the data; what the last one says counts. */
async function tryInTurn<T>(decoders: readonly Decoder[], operation: (decode: Decoder) => Promise<T>): Promise<T> {
  let last: unknown;
  for (const decode of decoders) {
    try {
      return await operation(decode);
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      last = error.cause;
    }
  }
  if (last instanceof UnsuitableError) throw last;
  throw new UnsuitableError(`the compressed payload is damaged: ${(last as Error).message}`, { cause: last });
}

function refuseOther({ name, sha256 }: Payload, found: string): void {
  if (sha256 !== undefined && found !== sha256) {
    throw new TrustError(`${name}: hash mismatch: expected ${sha256}, got ${found}`);
  }
}

function changed({ name }: Payload): TrustError {
  return new TrustError(`${name}: was changed while it was read`, {
    next: 'look at who can write to it; a later run reads it again',
  });
}

async function readHead(payload: Payload): Promise<Buffer> {
  const reading = new PublishedReading(payload.open, payload);
  try {
    for await (const _ of reading) if (reading.head.length >= HEAD) break;
    return reading.head;
  } finally {
    reading.close();
  }
}
