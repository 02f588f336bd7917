/** Sidecar manifests: anything but the expected shape tells nothing. */
import fc from 'fast-check';
import { parseSidecar } from '../../../src/source/sidecar.ts';
import type { ImageFacts } from '../../../src/types.ts';
import { mutated, mutation } from '../mutations.ts';
import { ensure, type FuzzTarget, holds } from '../target.ts';

const value = fc.oneof(fc.constantFrom('debian', '_any', '13', null, 13, -1, 1e300), fc.jsonValue({ maxDepth: 2 }));
const fields = fc.dictionary(
  fc.constantFrom('ID', 'VERSION_ID', 'SYSEXT_LEVEL', '__proto__', 'constructor', 'x'),
  value,
);
const document = fc.dictionary(
  fc.constantFrom('extension', 'sysext', 'confext', 'config', 'image_name', '__proto__'),
  fc.oneof(fields, value),
);
const sample = Buffer.from(
  JSON.stringify({ config: { name: 'app' }, extension: { ID: 'debian', VERSION_ID: '13', ARCHITECTURE: null } }),
);

function judge(text: string): void {
  const facts = parseSidecar(text);
  if (facts === undefined) return;
  ensure(facts.origin === 'sidecar' && facts.defect === undefined, 'says more than it can');
  for (const { suffix, fields: found } of releasesOf(facts)) {
    ensure(suffix === '' && typeof found.ID === 'string', 'no ID');
    ensure(
      Object.values(found).every((one) => typeof one === 'string'),
      JSON.stringify(found),
    );
  }
}

function releasesOf({ sysext, confext }: ImageFacts) {
  return [...sysext, ...confext];
}

export const sidecar: FuzzTarget = {
  name: 'sidecar',
  properties: [
    holds('any JSON', 1500, fc.property(fc.json({ maxDepth: 4 }), judge)),
    holds(
      'nearly the shape',
      1000,
      fc.property(fc.oneof(document, fc.array(document, { maxLength: 2 })), (one) => judge(JSON.stringify(one))),
    ),
    holds(
      'a valid one, changed',
      1500,
      fc.property(mutation, (changes) => judge(mutated(sample, changes).toString())),
    ),
  ],
};
