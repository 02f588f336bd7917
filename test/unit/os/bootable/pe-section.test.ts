import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnsuitableError } from '../../../../src/errors.ts';
import { readPeSection } from '../../../../src/os/bootable/pe-section.ts';
import { bufferSource } from '../../../support/buffer-source.ts';
import { makeTree } from '../../../support/os-tree.ts';
import {
  OPTIONAL_HEADER_SIZE_AT,
  PE_OFFSET_AT,
  SECTION_COUNT_AT,
  writePe,
  writeUki,
} from '../../../support/pe-writer.ts';

const release = 'ID=particleos\nIMAGE_VERSION=2\n';

/** The section as text, 'none', or the message of the UnsuitableError; any other error fails the test. */
async function read(bytes: Uint8Array, name = '.osrel'): Promise<string> {
  try {
    const content = await readPeSection(bufferSource(Buffer.from(bytes), 'x.efi'), name);
    return content === undefined ? 'none' : Buffer.from(content).toString('latin1');
  } catch (error) {
    if (!(error instanceof UnsuitableError)) throw error;
    expect(error.message).toMatch(/^x\.efi: [^\n]+$/);
    return error.message;
  }
}

describe('readPeSection', () => {
  it('reads headers and the section, not the file', async () => {
    const big = writePe([
      { name: '.linux', content: Buffer.alloc(10_000_000) },
      { name: '.osrel', content: release },
    ]);
    const source = bufferSource(big);
    expect(await readPeSection(source, '.osrel')).toEqual(Buffer.from(release));
    expect(source.reads.bytes).toBeLessThan(1000);
  });

  it.each<[string, Parameters<typeof writePe>[0], string]>([
    [
      'the first of a name: the base profile',
      [
        { name: '.osrel', content: 'first' },
        { name: '.profile', content: 'ID=factory-reset' },
        { name: '.osrel', content: 'second' },
      ],
      'first',
    ],
    [
      'the whole name only',
      [
        { name: '.osrel2', content: 'a' },
        { name: '.osre', content: 'b' },
      ],
      'none',
    ],
    ['a name of 8 bytes', [{ name: '.osrel12', content: 'a' }], 'none'],
    ['no padding', [{ name: '.osrel', content: 'abc' }], 'abc'],
    [
      'no more than the file holds of it',
      [{ name: '.osrel', content: 'abcdef', virtualSize: 4096, rawSize: 4 }],
      'abcd',
    ],
    ['an empty one', [{ name: '.osrel', content: 'abc', virtualSize: 0 }], ''],
    ['64 KiB', [{ name: '.osrel', content: 'a'.repeat(65536) }], 'a'.repeat(65536)],
    [
      '96 sections',
      [...Array.from({ length: 95 }, () => ({ name: '.dtb', content: '' })), { name: '.osrel', content: 'x' }],
      'x',
    ],
    ['no sections', [], 'none'],
  ])('takes %s', async (_name, sections, content) => {
    expect(await read(writePe(sections))).toBe(content);
  });

  it.each<[string, (bytes: Buffer) => unknown, string]>([
    ['no DOS magic', (bytes) => bytes.write('ZM'), 'not a PE file'],
    ['no PE magic', (bytes) => bytes.write('NE', 0x80), 'not a PE file'],
    [
      'a header outside',
      (bytes) => bytes.writeUInt32LE(0xffff_ffff, PE_OFFSET_AT),
      'damaged: needs 24 bytes at offset 4294967295',
    ],
    ['97 sections', (bytes) => bytes.writeUInt16LE(97, SECTION_COUNT_AT), 'damaged: 97 sections'],
    ['65535 sections', (bytes) => bytes.writeUInt16LE(0xffff, SECTION_COUNT_AT), 'damaged: 65535 sections'],
    [
      'a table outside',
      (bytes) => bytes.writeUInt16LE(0xffff, OPTIONAL_HEADER_SIZE_AT),
      'damaged: needs 160 bytes at offset 65687',
    ],
  ])('refuses %s', async (_name, damage, problem) => {
    const bytes = writeUki(release);
    damage(bytes);
    expect(await read(bytes)).toContain(`x.efi: ${problem}`);
  });

  it.each([
    ['64 KiB and a byte', { virtualSize: 65537, rawSize: 65537 }, 'its section .osrel has 65537 bytes'],
    ['4 GiB', { virtualSize: 0xffff_ffff, rawSize: 0xffff_ffff }, 'its section .osrel has 4294967295 bytes'],
    ['content outside', { rawOffset: 0xffff_fff0 }, 'damaged: needs 3 bytes at offset 4294967280'],
    ['content that reaches out', { virtualSize: 2000, rawSize: 2000 }, 'damaged: needs 2000 bytes at offset 512'],
  ])('refuses a section of %s', async (_name, fields, problem) => {
    expect(await read(writePe([{ name: '.osrel', content: 'abc', ...fields }]))).toContain(`x.efi: ${problem}`);
  });

  it('refuses a file that is cut off, at every 16th byte before the end of the section', async () => {
    const whole = writeUki(release);
    const end = whole.indexOf(release) + release.length;
    for (let length = 0; length < whole.length; length += 16) {
      const content = await read(whole.subarray(0, length));
      if (length < end) expect(content, `${length} bytes`).toMatch(/^x\.efi: (not a PE file|damaged: )/);
      else expect(content, `${length} bytes`).toBe(release);
    }
  });

  it('ends with content or an UnsuitableError, whatever the bytes are', async () => {
    const whole = writeUki(release);
    const anywhere = fc.nat({ max: whole.indexOf(release) + 16 });
    const value = fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 0x7f, 0x80, 0xff));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(anywhere, value), { minLength: 1, maxLength: 8 }), async (changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, byte] of changes) bytes[at] = byte;
        await read(bytes);
      }),
      { numRuns: 2000, seed: 1 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2048 }), fc.boolean(), async (random, withMagic) => {
        const bytes = Buffer.from(random);
        if (withMagic && bytes.length >= 100) {
          bytes.write('MZ');
          bytes.writeUInt32LE(64, PE_OFFSET_AT);
          bytes.write('PE\0\0', 64);
        }
        await read(bytes);
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it.skipIf(!hasPeTools())('reads what binutils write', async () => {
    const root = makeTree({ 'kernel.s': '.text\n.globl _start\n_start: ret\n', osrel: release });
    const run = (tool: string, ...args: string[]) => execFileSync(tool, args, { cwd: root });
    writeFileSync(join(root, 'big'), Buffer.alloc(100_000, 'x'));
    run('as', '-o', 'kernel.o', 'kernel.s');
    run('ld', '-m', 'i386pep', '--image-base', '0', '--subsystem', '10', '-e', '_start', '-o', 'stub.efi', 'kernel.o');
    run('objcopy', ...section('.linux', 'big', 0x20000), ...section('.osrel', 'osrel', 0x80000), 'stub.efi', 'uki.efi');
    expect(await read(readFileSync(join(root, 'uki.efi')))).toBe(release);
  });
});

function section(name: string, file: string, address: number): string[] {
  return ['--add-section', `${name}=${file}`, '--change-section-vma', `${name}=${address}`];
}

function hasPeTools(): boolean {
  try {
    execFileSync('as', ['--version']);
    return /pei-x86-64/.test(execFileSync('objcopy', ['--info'], { encoding: 'utf8' }));
  } catch {
    return false;
  }
}
