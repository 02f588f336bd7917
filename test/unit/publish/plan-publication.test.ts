import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ImageVerdict } from '../../../src/publish/judge-image.ts';
import { type PublicationRequest, planPublication, type ReadFile } from '../../../src/publish/plan-publication.ts';
import { contradictionOf, readOwnSidecar, renderSidecar } from '../../../src/publish/sidecars.ts';
import { EMPTY_SHA256, parseManifest } from '../../../src/source/manifest.ts';
import { parseSidecar } from '../../../src/source/sidecar.ts';
import type { ReleaseFields } from '../../../src/types.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('hex');
const fields = { ID: 'testos', VERSION_ID: '1', ARCHITECTURE: 'x86-64' };

function file(name: string, content = name): ReadFile {
  return { name, sha256: hash(content), size: content.length };
}
function extension(name: string, content = name, sysext: ReleaseFields = fields): ReadFile {
  return { ...file(name, content), verdict: { verdict: 'extension', releases: { sysext }, notices: [] } };
}
function unsuitable(name: string): ReadFile {
  return { ...file(name), verdict: { verdict: 'unsuitable', reason: 'it is damaged' } };
}
function sidecar(name: string, text: string): ReadFile {
  const facts = parseSidecar(text);
  return { ...file(name, text), ...(facts ? { sidecar: { facts, own: readOwnSidecar(text) } } : {}) };
}
const ownSidecar = (image: ReadFile, sysext: ReleaseFields = fields) =>
  renderSidecar({ image: image.name, sha256: image.sha256 }, { sysext });

function plan(files: readonly ReadFile[], more: Partial<PublicationRequest> = {}) {
  const names = new Set(files.map(({ name }) => name));
  return planPublication({ files, names, sidecars: true, acceptRepublished: false, allowUnsuitable: [], ...more });
}
const previously = (...files: readonly ReadFile[]) => new Map(files.map(({ name, sha256 }) => [name, sha256]));
const states = ({ published }: ReturnType<typeof plan>) => published.map((one) => `${one.file} ${one.state}`);
const refusals = ({ problems }: ReturnType<typeof plan>) =>
  problems.map(({ file: name, error }) => [name, error.exit, error.message]);

describe('the list', () => {
  it('has the form of sha256sum --binary, sorted by bytes, with a newline at the end', () => {
    const files = [file('b.conf'), file('B.conf'), file('ä.conf'), file('a b.conf')];
    const { list } = plan(files, { bestBefore: '2027-01-31' });
    expect(list).toBe(
      [
        `${hash('B.conf')} *B.conf`,
        `${EMPTY_SHA256} *BEST-BEFORE-2027-01-31`,
        `${hash('a b.conf')} *a b.conf`,
        `${hash('b.conf')} *b.conf`,
        `${hash('ä.conf')} *ä.conf`,
        '',
      ].join('\n'),
    );
    expect(parseManifest(Buffer.from(list), 'list')).toMatchObject({ bestBefore: '2027-01-31', warnings: [] });
  });

  it('is the same whatever the order of the files is', () => {
    const files = [extension('foo_2.raw'), extension('foo_1.raw'), file('a.conf')];
    expect(plan(files).list).toBe(plan(files.toReversed()).list);
  });

  it('is refused where it would be empty, or larger than clients read', () => {
    expect(refusals(plan([]))).toEqual([[null, 13, 'there is nothing to publish']]);
    const many = Array.from({ length: 6000 }, (_, index) => file(`${'x'.repeat(120)}${index}.conf`));
    expect(refusals(plan(many))).toEqual([[null, 13, expect.stringContaining('larger than 1 MiB')]]);
  });

  it('is refused for a name that it cannot carry, and nothing allows that', () => {
    const refused = plan([file('a%b.conf'), extension('c\\d_1.raw')], { allowUnsuitable: ['*'] });
    expect(refusals(refused).map(([name]) => name)).toEqual(['a%b.conf', 'c\\d_1.raw']);
  });
});

describe('files', () => {
  it('are compared with what was published', () => {
    const old = [extension('foo_1.raw'), file('gone.conf'), file('same.conf')];
    const found = plan([extension('foo_1.raw'), extension('foo_2.raw'), file('same.conf')], {
      previous: previously(...old),
      sidecars: false,
    });
    expect(states(found)).toEqual(['foo_1.raw unchanged', 'foo_2.raw new', 'gone.conf removed', 'same.conf unchanged']);
    expect(found.problems).toEqual([]);
    expect(found.list).not.toContain('gone.conf');
  });

  it('that are no extensions are listed as they are, and that is told', () => {
    const os: ImageVerdict = { verdict: 'other', reason: 'an OS or a portable service, and no extension' };
    const { published } = plan([file('os_1.efi'), { ...file('os_1.raw'), verdict: os }]);
    expect(published.map(({ file: name, kind, reason }) => [name, kind, reason])).toEqual([
      ['os_1.efi', 'other', 'not an extension; listed as it is'],
      ['os_1.raw', 'other', 'an OS or a portable service, and no extension; listed as it is'],
    ]);
  });

  it('that nobody can load are refused all together, and listed where that is allowed', () => {
    const files = [unsuitable('a_1.raw'), extension('b_1.raw'), unsuitable('c_1.raw')];
    const refused = plan(files);
    expect(refusals(refused)).toEqual([
      ['a_1.raw', 13, 'a_1.raw: it is damaged'],
      ['c_1.raw', 13, 'c_1.raw: it is damaged'],
    ]);
    const some = plan(files, { allowUnsuitable: ['a_*'] });
    expect(refusals(some).map(([name]) => name)).toEqual(['c_1.raw']);
    const all = plan(files, { allowUnsuitable: ['a_*', '*_1.raw'] });
    expect(all.problems).toEqual([]);
    expect(all.notices).toContain('a_1.raw: it is damaged; listed all the same');
    expect(all.list).toContain('*a_1.raw\n');
    expect(all.sidecars.map(({ name }) => name)).toEqual(['b_1.raw.json']);
  });

  it('that were published with other content are refused, unless that is accepted', () => {
    const before = previously(extension('foo_1.raw', 'old'), file('os_1.efi', 'old'), file('index.html', 'old'));
    const files = [extension('foo_1.raw', 'new'), file('os_1.efi', 'new'), file('index.html', 'new')];
    const refused = plan(files, { previous: before });
    expect(refusals(refused)).toEqual([
      ['foo_1.raw', 12, 'foo_1.raw: was published before with another content'],
      ['os_1.efi', 12, 'os_1.efi: was published before with another content'],
    ]);
    const accepted = plan(files, { previous: before, acceptRepublished: true });
    expect(accepted.problems).toEqual([]);
    expect(accepted.notices).toHaveLength(2);
    expect(states(accepted)).toContain('foo_1.raw changed');
  });
});

describe('sidecars', () => {
  const image = extension('foo_1.raw');

  it('are written beside images that have none, and listed', () => {
    const { sidecars, list } = plan([extension('bar_1.raw.xz'), image]);
    expect(sidecars.map(({ name }) => name)).toEqual(['bar_1.raw.json', 'foo_1.raw.json']);
    for (const { name, text } of sidecars) expect(list).toContain(`${hash(text)} *${name}\n`);
    const [, written] = sidecars;
    // As sysextmgr has it, and as clients read it.
    expect(JSON.parse(written?.text ?? '')).toMatchObject({ image_name: 'foo_1.raw', sysext: fields });
    expect(parseSidecar(written?.text ?? '')?.sysext).toEqual([{ suffix: '', fields }]);
  });

  it.each(['foo_1.manifest.gz', 'foo_1.manifest', 'foo_1.json'])('are not written beside %s', (name) => {
    const others = sidecar(name, JSON.stringify({ config: {}, extension: fields }));
    const { sidecars, published } = plan([image, others]);
    expect(sidecars).toEqual([]);
    expect(published.find((one) => one.file === name)?.kind).toBe('sidecar');
  });

  it('are written beside a manifest that tells nothing of an extension', () => {
    expect(plan([image, sidecar('foo_1.manifest', '{"config": {}}')]).sidecars).toHaveLength(1);
  });

  it('are not written over a file of somebody else', () => {
    expect(plan([image, file('foo_1.raw.json', '{}')]).sidecars).toEqual([]);
    // A link or a directory, say, which is no file to list.
    expect(plan([image], { names: new Set(['foo_1.raw', 'foo_1.raw.json']) }).sidecars).toEqual([]);
  });

  it('are not written for archives, nor where nobody wants them', () => {
    expect(plan([extension('foo_1.tar.gz')]).sidecars).toEqual([]);
    expect(plan([image], { sidecars: false }).sidecars).toEqual([]);
  });

  it('of its own stay as they are, and are written anew when the image has changed', () => {
    const own = sidecar('foo_1.raw.json', ownSidecar(image));
    expect(plan([image, own])).toMatchObject({ sidecars: [], orphans: [], problems: [] });
    const rebuilt = extension('foo_1.raw', 'rebuilt', { ...fields, VERSION_ID: '2' });
    const found = plan([rebuilt, own], { previous: previously(image, own), acceptRepublished: true });
    expect(found.problems).toEqual([]);
    expect(found.sidecars[0]?.text).toBe(ownSidecar(rebuilt, { ...fields, VERSION_ID: '2' }));
  });

  it('of its own go with their images, those of others stay', () => {
    const own = sidecar('foo_1.raw.json', ownSidecar(image));
    const others = sidecar('foo_1.manifest', JSON.stringify({ extension: fields }));
    const found = plan([extension('foo_2.raw'), own, others], { previous: previously(image, own, others) });
    expect(found.orphans).toEqual(['foo_1.raw.json']);
    expect(found.list).not.toContain('foo_1.raw.json');
    expect(found.list).toContain('foo_1.manifest');
  });

  it('are one for all compressions of an image, and stay as they are', () => {
    const packed = extension('foo_1.raw.xz', 'packed');
    const { sidecars } = plan([packed, image]);
    expect(sidecars.map(({ name, text }) => [name, JSON.parse(text).image_name])).toEqual([
      ['foo_1.raw.json', 'foo_1.raw'],
    ]);
    const own = sidecar('foo_1.raw.json', sidecars[0]?.text ?? '');
    expect(plan([packed, image, own])).toMatchObject({ sidecars: [], problems: [] });
  });

  it('cannot be one for two images that fit different hosts', () => {
    const other = extension('foo_1.raw.xz', 'packed', { ...fields, VERSION_ID: '2' });
    expect(refusals(plan([image, other]))).toEqual([
      ['foo_1.raw.json', 13, expect.stringContaining('VERSION_ID=1, and the image VERSION_ID=2 (foo_1.raw.xz)')],
    ]);
  });

  it('that contradict their image are refused', () => {
    const wrong = sidecar('foo_1.manifest', JSON.stringify({ extension: { ...fields, VERSION_ID: '2' } }));
    expect(refusals(plan([image, wrong]))).toEqual([
      ['foo_1.manifest', 13, 'foo_1.manifest: it says VERSION_ID=2, and the image VERSION_ID=1 (foo_1.raw)'],
    ]);
    expect(plan([image, wrong], { allowUnsuitable: ['*.manifest'] }).problems).toEqual([]);
    // Publish's own, where it may not mend it.
    const stale = sidecar('foo_1.raw.json', ownSidecar(file('foo_1.raw', 'before'), { ID: 'other' }));
    expect(refusals(plan([image, stale], { sidecars: false }))).toHaveLength(1);
  });
});

describe('what contradicts an image', () => {
  const says = (told: object, is: ReleaseFields) => {
    const facts = parseSidecar(JSON.stringify({ sysext: told }));
    return facts && contradictionOf(facts, { sysext: is });
  };

  it.each([
    [fields, fields],
    [{ ID: '_any' }, { ID: '_any', VERSION_ID: '43' }],
    [{ ID: 'a', ARCHITECTURE: '_any' }, { ID: 'a' }],
    [{ ID: 'a', SYSEXT_SCOPE: 'portable  system' }, { ID: 'a' }],
    [
      { ID: 'a', VERSION_ID: 1 },
      { ID: 'a', VERSION_ID: '1' },
    ],
    [{ ID: 'a', SYSEXT_VERSION_ID: '3' }, { ID: 'a' }],
  ])('%j does not contradict %j', (told, is) => {
    expect(says(told, is)).toBeUndefined();
  });

  it.each([
    [{ ID: 'a' }, { ID: 'b' }, 'ID='],
    [{ ID: 'a' }, { ID: 'a', VERSION_ID: '1' }, 'VERSION_ID='],
    [{ ID: 'a', SYSEXT_LEVEL: '1' }, { ID: 'a' }, 'SYSEXT_LEVEL='],
    [{ ID: 'a' }, { ID: 'a', SYSEXT_SCOPE: 'initrd' }, 'SYSEXT_SCOPE='],
    [{ ID: 'a', ARCHITECTURE: 'arm64' }, { ID: 'a', ARCHITECTURE: 'x86-64' }, 'ARCHITECTURE='],
  ])('%j contradicts %j', (told, is, what) => {
    expect(says(told, is)).toContain(what);
  });

  it('is a sidecar of the other kind', () => {
    const facts = parseSidecar(JSON.stringify({ confext: { ID: 'a' } }));
    expect(facts && contradictionOf(facts, { sysext: { ID: 'a' } })).toContain('nothing of the sysext');
  });
});
