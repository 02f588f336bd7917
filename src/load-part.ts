/**
 * Loads the parts that the program is built of, with the code that V8 made of them at build time: a short run would
 * spend more time compiling than working. That code is a file beside the part; without it, or with that of another Node,
 * the part is compiled as ever.
 */
import { readFileSync } from 'node:fs';
import Module from 'node:module';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';

/** What the name of the file with compiled code ends in. */
export const COMPILED_SUFFIX = '.cache';

/** Checksums of source and code. V8 only compares the length of the one, and trusts the other as it is. */
const HEADER_SIZE = 8;

/** The content of the file with the compiled code of a part. */
export function packCompiled(source: Buffer, code: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_SIZE);
  header.writeUInt32LE(crc32(source), 0);
  header.writeUInt32LE(crc32(code), 4);
  return Buffer.concat([header, code]);
}

/**
 * Runs a part, a CommonJS file that asks for nothing but what Node brings.
 * @returns what it exports
 */
export function loadPart(path: string): unknown {
  const source = readFileSync(path);
  const cachedData = readCompiled(path, source);
  const script = new Script(Module.wrap(source.toString()), { filename: path, ...(cachedData ? { cachedData } : {}) });
  const part = { exports: {} };
  const directory = path.slice(0, path.lastIndexOf('/'));
  script.runInThisContext().call(part.exports, part.exports, requireBuiltin, part, path, directory);
  return part.exports;
}

function readCompiled(path: string, source: Buffer): Buffer | undefined {
  let file: Buffer;
  try {
    file = readFileSync(path + COMPILED_SUFFIX);
  } catch {
    return undefined;
  }
  if (file.length <= HEADER_SIZE || file.readUInt32LE(0) !== crc32(source)) return undefined;
  const code = file.subarray(HEADER_SIZE);
  return file.readUInt32LE(4) === crc32(code) ? code : undefined;
}

function requireBuiltin(name: string): unknown {
  const builtin = process.getBuiltinModule(name);
  if (builtin === undefined)
    throw Object.assign(new Error(`${name} is not built into Node`), { code: 'MODULE_NOT_FOUND' });
  return builtin;
}
