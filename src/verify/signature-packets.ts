/** What is in a signature file: armor taken off, one packet for each signature. */
import { TrustError } from '../errors.ts';

/** Packet tags of RFC 9580, section 5. */
const TAG = { signature: 2, marker: 10, padding: 21 } as const;

const ARMORED_SIGNATURE = /-----BEGIN PGP SIGNATURE-----[\s\S]*?-----END PGP SIGNATURE-----/g;

/**
 * The signature packets of a file, one by one, so that one that cannot be read does not take the others along.
 * @param source names the file in messages
 * @returns at least one; a packet that is cut off comes as it is
 * @throws TrustError for anything but detached signatures
 */
export async function splitSignatures(file: Uint8Array, source: string): Promise<Uint8Array[]> {
  const binaries = await unarmored(file, source);
  const packets = binaries.flatMap((binary) => [...packetsOf(binary)]);
  const signatures: Uint8Array[] = [];
  for (const { tag, bytes } of packets) {
    if (tag === TAG.marker || tag === TAG.padding) continue;
    // Inline-signed, compressed or encrypted: nothing of it is looked into, so nothing is inflated.
    if (tag !== TAG.signature) throw notDetached(source, tag === undefined ? 'no OpenPGP data' : describeTag(tag));
    signatures.push(bytes);
  }
  if (signatures.length === 0) throw new TrustError(`${source}: holds no signature`, { next: askPublisher });
  return signatures;
}

const askPublisher = 'ask the publisher for a detached signature (gpg --detach-sign); nothing was changed here';

function notDetached(source: string, what: string): TrustError {
  return new TrustError(`${source}: not a detached OpenPGP signature but ${what}`, { next: askPublisher });
}

function describeTag(tag: number): string {
  const words: Readonly<Record<number, string>> = {
    4: 'a message that is signed inline',
    6: 'a key',
    8: 'compressed data',
    11: 'a message',
  };
  return words[tag] ?? `a packet of type ${tag}`;
}

/** Packets always begin with the highest bit set, text never does. */
async function unarmored(file: Uint8Array, source: string): Promise<Uint8Array[]> {
  if (file.length === 0 || (file[0] as number) >= 0x80) return [file];
  const text = Buffer.from(file).toString('latin1');
  if (text.includes('-----BEGIN PGP SIGNED MESSAGE-----')) throw notDetached(source, 'clear-signed text');
  if (text.includes('-----BEGIN PGP MESSAGE-----')) throw notDetached(source, 'a message that is signed inline');
  const blocks = text.match(ARMORED_SIGNATURE);
  if (!blocks) throw notDetached(source, 'no OpenPGP data');
  const { unarmor } = await import('openpgp');
  return Promise.all(
    blocks.map(async (block) => {
      try {
        return (await unarmor(block)).data as Uint8Array;
      } catch (error) {
        throw new TrustError(`${source}: damaged armor: ${(error as Error).message}`, {
          cause: error,
          next: askPublisher,
        });
      }
    }),
  );
}

/** Cuts data into packets by their headers (RFC 9580, section 4.2); what is cut off ends the list. */
function* packetsOf(data: Uint8Array): Generator<{ readonly tag: number | undefined; readonly bytes: Uint8Array }> {
  let at = 0;
  while (at < data.length) {
    const header = readHeader(data, at);
    if (!header) {
      const tag = tagOf(data[at] as number);
      yield { tag, bytes: data.subarray(at) };
      return;
    }
    const end = header.body + header.length;
    yield { tag: header.tag, bytes: data.subarray(at, end) };
    at = end;
  }
}

function tagOf(first: number): number | undefined {
  if (first < 0x80) return undefined;
  return first >= 0xc0 ? first & 0x3f : (first >> 2) & 0x0f;
}

interface Header {
  readonly tag: number;
  /** Where the body begins. */
  readonly body: number;
  readonly length: number;
}

/** @returns undefined for no header, a cut one, and for lengths that signatures never have (partial, to the end) */
function readHeader(data: Uint8Array, at: number): Header | undefined {
  const first = data[at] as number;
  const tag = tagOf(first);
  if (tag === undefined) return undefined;
  const number = (from: number, size: number): number | undefined =>
    from + size > data.length ? undefined : Buffer.from(data.subarray(from, from + size)).readUIntBE(0, size);
  let body = at + 1;
  let length: number | undefined;
  if (first >= 0xc0) {
    const one = number(body, 1);
    if (one === undefined || (one >= 224 && one < 255)) return undefined;
    const size = one < 192 ? 1 : one < 224 ? 2 : 5;
    const two = size === 2 ? number(body, 2) : undefined;
    length = size === 1 ? one : size === 2 ? two && two - 0xc000 + 192 : number(body + 1, 4);
    body += size;
  } else {
    const size = [1, 2, 4][first & 3];
    if (size === undefined) return undefined;
    length = number(body, size);
    body += size;
  }
  return length === undefined || body + length > data.length ? undefined : { tag, body, length };
}
