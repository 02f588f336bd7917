/**
 * Loads the parts that the program is built of. All of them stand in the one file that runs, as the text of a comment,
 * and are in memory from the start: a run goes on with its own parts when the file is replaced under it. Code that V8
 * made of a part at build time, without which a short run would spend more time compiling than working, is a file
 * beside that one; where it is missing, or that of another Node, the part is compiled as ever.
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';
import { partNames, textOfPart } from './carried-parts.ts';

/** What the name of the file with compiled code ends in. */
export const COMPILED_SUFFIX = '.cache';

/** Checksums of text and code. V8 only compares the length of the one, and trusts the other as it is. */
const HEADER_SIZE = 8;

/** Made at build time: its source is the comment that has the parts. */
declare function carriedParts(): void;

const loaded = new Map<string, unknown>();

/** The content of the file with the compiled code of a part. */
export function packCompiled(text: string, code: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_SIZE);
  header.writeUInt32LE(checksum(text), 0);
  header.writeUInt32LE(crc32(code), 4);
  return Buffer.concat([header, code]);
}

/**
 * Runs a part, CommonJS that asks for nothing but other parts and what Node brings.
 * @returns what it exports
 */
export function loadPart(name: string): unknown {
  if (loaded.has(name)) return loaded.get(name);
  const text = textOfPart(carriedParts.toString(), name);
  const filename = `${__filename}.${name}`;
  const cachedData = readCompiled(filename + COMPILED_SUFFIX, text);
  const script = new Script(wrapPart(text), { filename, ...(cachedData ? { cachedData } : {}) });
  const part = { exports: {} };
  script.runInThisContext().call(part.exports, part.exports, requireFromPart, part, filename, dirname(filename));
  loaded.set(name, part.exports);
  return part.exports;
}

const WRAPPER = ['(function (exports, require, module, __filename, __dirname) { ', '\n});'] as const;

function wrapPart(text: string): string {
  return WRAPPER.join(text);
}

/** The text of a part of which {@link loadPart} made a script. */
export function unwrapPart(script: string): string {
  return script.slice(WRAPPER[0].length, -WRAPPER[1].length);
}

function readCompiled(path: string, text: string): Buffer | undefined {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch {
    return undefined;
  }
  if (file.length <= HEADER_SIZE || file.readUInt32LE(0) !== checksum(text)) return undefined;
  const code = file.subarray(HEADER_SIZE);
  return file.readUInt32LE(4) === crc32(code) ? code : undefined;
}

/** Of a text, which is ASCII, for this kind of processor: V8 asks for the version, and not for what it runs on. */
function checksum(text: string): number {
  return crc32(Buffer.from(text, 'latin1'), crc32(process.arch));
}

function requireFromPart(name: string): unknown {
  const builtin = process.getBuiltinModule(name);
  if (builtin !== undefined) return builtin;
  if (partNames(carriedParts.toString()).includes(name)) return loadPart(name);
  throw Object.assign(new Error(`${name} is not built into Node`), { code: 'MODULE_NOT_FOUND' });
}
