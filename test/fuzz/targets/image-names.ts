/** Names of images: whatever a list calls its files, the fields are those of the name, and the pattern is one. */
import fc from 'fast-check';
import { readImageName } from '../../../src/source/image-names.ts';
import { offeringsOf } from '../../../src/source/offerings.ts';
import { isVersion } from '../../../src/version/compare.ts';
import { PatternError, parsePattern } from '../../../src/version/pattern.ts';
import { ensure, type FuzzTarget, holds, unlessRefused } from '../target.ts';

const words = ['app', 'docker', 'docker-compose', '1', '2.0', 'v1.32+k3s1', '.fc43', '43', 'x86-64', 'x86_64', 'arm64'];
const pieces = [...words, '-', '_', '.', '/', '.raw', '.sysext.raw', '.zst', '@', '%', ' ', '~rc1'];
const name = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.constantFrom(...pieces), { maxLength: 10 }).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }).map((text) => `${text}.raw`) },
);
const known = fc.subarray(['app', 'docker', 'docker-compose', '', '43']);

export const imageNames: FuzzTarget = {
  name: 'image-names',
  properties: [
    holds(
      'nothing of a name is lost',
      3000,
      fc.property(name, known, (file, names) => {
        const read = readImageName(file, names);
        if (!read) return true;
        const { directory, extension, separator, version, os, architecture, suffix, compression } = read;
        const fields = `${directory}${extension}${separator}${version}${os ? os.separator + os.version : ''}`;
        const rest = `${architecture ? architecture.separator + architecture.word : ''}${suffix}${compression}`;
        ensure(fields + rest === file, `${JSON.stringify(read)} of ${file}`);
        ensure(extension !== '' && isVersion(version), `${JSON.stringify(read)}`);
        return true;
      }),
    ),
    holds(
      'every name has its place, and the pattern is one',
      1000,
      fc.property(fc.array(name, { maxLength: 8 }), fc.constantFrom('', '43', '4230.2.0'), (names, osVersion) => {
        const offerings = offeringsOf(names, { known: [], architecture: 'x86-64', osVersion });
        for (const { pattern, images } of offerings) {
          ensure(images.length > 0, 'an offering of nothing');
          ensure(!pattern.includes(' '), `a blank ends a pattern: ${pattern}`);
          unlessRefused(() => parsePattern(pattern.replaceAll('%%', '%').replaceAll('\\x20', ' ')), PatternError);
        }
        return true;
      }),
    ),
  ],
};
