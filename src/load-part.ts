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

/** What V8 calls a part, in traces too: compiled code has that name in it, and so must not depend on where the file is. */
const SCRIPT_NAME = 'extupdate:';

/** Checksums of text and code. V8 only compares the length of the one, and trusts the other as it is. */
const HEADER_SIZE = 8;

/** Made at build time: its source is the comment that has the parts. */
declare function carriedParts(): void;

const loaded = new Map<string, unknown>();

/** Where the compiled code of a part is. @param program the file with the parts */
export function compiledPath(program: string, name: string): string {
  return `${program}.${name}.cache`;
}

/** The content of that file. */
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
  const cachedData = readCompiled(compiledPath(__filename, name), text);
  const filename = SCRIPT_NAME + name;
  const script = new Script(WRAPPER.join(text), { filename, ...(cachedData ? { cachedData } : {}) });
  const part = { exports: {} };
  script.runInThisContext().call(part.exports, part.exports, requireFromPart, part, __filename, dirname(__filename));
  loaded.set(name, part.exports);
  return part.exports;
}

const WRAPPER = ['(function (exports, require, module, __filename, __dirname) { ', '\n});'] as const;

/** The part that {@link loadPart} made a script of, by what it gave to V8. */
export function partOfScript(filename: string, source: string): { readonly name: string; readonly text: string } {
  return { name: filename.slice(SCRIPT_NAME.length), text: source.slice(WRAPPER[0].length, -WRAPPER[1].length) };
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
