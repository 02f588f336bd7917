/** os-release and extension-release files, the boot files that carry one, and what is judged by them. */
import fc from 'fast-check';
import { ConfigError, UnsuitableError } from '../../../src/errors.ts';
import { readPeSection } from '../../../src/os/bootable/pe-section.ts';
import { parseReleaseBytes } from '../../../src/os/bootable/tree-release.ts';
import { judgeRelease } from '../../../src/resolve/compatibility.ts';
import { identifyOs } from '../../../src/resolve/os-identity.ts';
import { parseRelease } from '../../../src/resolve/os-release.ts';
import { bufferSource } from '../../support/buffer-source.ts';
import { writeUki } from '../../support/pe-writer.ts';
import { mutated, mutation, textOf } from '../mutations.ts';
import { ensure, type FuzzTarget, holds, unlessRefused } from '../target.ts';

const release = textOf(
  [
    'ID',
    'VERSION_ID',
    'SYSEXT_LEVEL',
    'ARCHITECTURE',
    'SYSEXT_SCOPE',
    '__proto__',
    'constructor',
    '=',
    '=',
    '=',
    '"',
    "'",
    '\\',
    '\n',
    '\n',
    '\r\n',
    '#',
  ].concat(['debian', '_any', '13', ' ', 'system', '/', ':', '..', '\0', '\ud800']),
  20,
);
const host = { architecture: 'x86-64', initrd: false, fields: { ID: 'debian', VERSION_ID: '13' } };
const uki = writeUki('ID=debian\nVERSION_ID=13\n');
const field = fc.tuple(
  fc.stringMatching(/^[A-Z][A-Z_]{0,12}$/),
  fc.string({ maxLength: 20, unit: 'binary' }).filter((value) => !/[\r\n]/.test(value)),
);
const quoted = (value: string) => `"${value.replace(/[\\"$`]/g, '\\$&')}"`;

function judge(text: string): void {
  const fields = parseRelease(text);
  for (const [key, value] of Object.entries(fields)) {
    ensure(/^[A-Za-z_][A-Za-z0-9_]*$/.test(key) && typeof value === 'string', `no assignment: ${key}`);
  }
  ensure(
    Object.getPrototypeOf(fields) === Object.prototype || Object.getPrototypeOf(fields) === null,
    'another prototype',
  );
  judgeRelease(fields, 'sysext', host);
  judgeRelease(fields, 'confext', host);
  const { name } = identifyOs(fields, fields.VARIANT_ID);
  const file = `${name}.json`;
  ensure(!/[/\0]/.test(file) && Buffer.byteLength(file) <= 255, `no file name: ${file}`);
}

export const osRelease: FuzzTarget = {
  name: 'os-release',
  properties: [
    holds('text of its pieces', 5000, fc.property(release, judge)),
    holds('any text', 1000, fc.property(fc.string({ maxLength: 200, unit: 'binary' }), judge)),
    holds(
      'any bytes',
      1000,
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const fields = unlessRefused(() => parseReleaseBytes('f', bytes), ConfigError);
        ensure(fields === undefined || Boolean(fields.ID), 'no ID=');
      }),
    ),
    holds(
      'what is printed is read back',
      1000,
      fc.property(fc.uniqueArray(field, { selector: ([key]) => key, maxLength: 8 }), (all) => {
        const found = parseRelease(all.map(([key, value]) => `${key}=${quoted(value)}\n`).join(''));
        ensure(
          all.every(([key, value]) => found[key] === value),
          JSON.stringify(found),
        );
      }),
    ),
    holds(
      'a boot file, changed',
      1500,
      fc.asyncProperty(mutation, async (changes) => {
        try {
          const content = await readPeSection(bufferSource(mutated(uki, changes, 600)), '.osrel');
          ensure((content?.length ?? 0) <= 64 * 1024, 'more than is sensible');
        } catch (error) {
          if (!(error instanceof UnsuitableError)) throw error;
        }
      }),
    ),
  ],
};
