/** The File Hierarchy for the Verification of OS Artifacts (UAPI.11), in real trees, with keys made by gpg. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { PrivateKey } from 'openpgp';
import * as openpgp from 'openpgp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/errors.ts';
import { judgeSignatures } from '../../../src/verify/signature.ts';
import { openTrustedKeys, type TrustedKeysOptions, usableKeys } from '../../../src/verify/trusted-keys.ts';
import { makeKey, type TestKey } from '../../support/repository.ts';

const corpusFile = (name: string) => readFileSync(new URL(`../../fixtures/openpgp/corpus/${name}`, import.meta.url));
const { keys: fingerprints, now } = JSON.parse(corpusFile('corpus.json').toString()) as {
  readonly keys: Readonly<Record<string, string>>;
  readonly now: string;
};
const fingerprint = (name: string) => fingerprints[name] as string;
const ring = (name: string) => corpusFile(`keys/${name}.pgp`);

let root: string;
let warnings: string[];
beforeEach(() => {
  root = join(mkdtempSync(join(tmpdir(), 'extupdate-voa-')), 'root');
  mkdirSync(root);
  warnings = [];
});
afterEach(() => rmSync(dirname(root), { recursive: true, force: true }));

const place = (path: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  return join(root, path);
};
const write = (path: string, content: string | Uint8Array) => writeFileSync(place(path), content);
const link = (path: string, target: string) => symlinkSync(target, place(path));
const directory = (base: string, os = 'testos', purpose = 'image', context = 'default') =>
  `${base}/voa/${os}/${purpose}/${context}/openpgp`;
const nameOf = (key: string) => `${fingerprint(key)}.openpgp`;
/** Puts the verifier of a key of the corpus into a directory, under the name that it should have. */
const verifier = (where: string, key: string, content: Uint8Array = ring(key)) =>
  write(`${where}/${nameOf(key)}`, content);

const release = {
  ID: 'testos',
  VERSION_ID: '1.0',
  VARIANT_ID: 'server',
  IMAGE_ID: 'till',
  IMAGE_VERSION: '7',
};
const open = (more: Partial<TrustedKeysOptions> = {}) =>
  openTrustedKeys({
    root,
    keyrings: [],
    release,
    trustAnchors: 3,
    now: new Date(now),
    warn: (text) => warnings.push(text),
    ...more,
  });
const named = (name: string, keyring?: string) => ({ name, settings: keyring === undefined ? {} : { keyring } });
const app = named('app');
/** Names in the corpus of the keys that may sign for a component. */
async function usable(component = 'app', more: Partial<TrustedKeysOptions> = {}): Promise<string[]> {
  const keys = usableKeys(await open(more).of(named(component))).map((key) => key.getFingerprint());
  return Object.keys(fingerprints)
    .filter((name) => keys.includes(fingerprint(name)))
    .sort();
}
const none = async (component = 'app') => expect(open().of(named(component))).rejects.toThrow('no keyring');

describe('load paths', () => {
  it.each(['etc', 'run', 'usr/local/share', 'usr/share'])('a verifier below /%s', async (base) => {
    verifier(directory(base), 'ed25519');
    expect(await usable()).toEqual(['ed25519']);
    expect(warnings).toEqual([]);
  });

  it('all of them, and the keyrings too, each key with its files', async () => {
    verifier(directory('etc'), 'ed25519');
    verifier(directory('usr/share'), 'rsa2048');
    write('etc/systemd/import-pubring.pgp', Buffer.concat([ring('second'), ring('ed25519')]));
    expect(await usable()).toEqual(['ed25519', 'rsa2048', 'second']);
    const [first] = await open().of(app);
    expect(first?.files).toEqual([`/${directory('etc')}/${nameOf('ed25519')}`, '/etc/systemd/import-pubring.pgp']);
  });

  it('--keyring= stands in place of all', async () => {
    verifier(directory('etc'), 'ed25519');
    write('ring.pgp', ring('second'));
    expect(await usable('app', { keyrings: [join(root, 'ring.pgp')] })).toEqual(['second']);
  });

  it('armored, as the specification has it', async () => {
    verifier(directory('etc'), 'ed25519', corpusFile('keys/ed25519.asc'));
    expect(await usable()).toEqual(['ed25519']);
  });
});

describe('the OS', () => {
  it.each([
    ['testos', true],
    ['testos:1.0', true],
    ['testos:1.0:server', true],
    ['testos:1.0:server:till', true],
    ['testos:1.0:server:till:7', true],
    ['testos:::till', true],
    ['testos:::till:7', true],
    ['testos::server', true],
    ['testos:2.0', false],
    ['testos:1', false],
    ['testos:1.0:desktop', false],
    ['testos:1.0:server:till:8', false],
    ['testos:1.0:server:till:7:more', false],
    ['testos:', false],
    ['testos::::', false],
    [':1.0', false],
    ['other', false],
    ['TESTOS', false],
    ['default', false],
  ])('%s: %s', async (os, fits) => {
    verifier(directory('usr/share', os), 'ed25519');
    if (fits) expect(await usable()).toEqual(['ed25519']);
    else await none();
  });

  it('keys of several names of it add up', async () => {
    verifier(directory('usr/share', 'testos'), 'ed25519');
    verifier(directory('usr/share', 'testos:1.0'), 'second');
    expect(await usable()).toEqual(['ed25519', 'second']);
  });
});

describe('purposes and contexts', () => {
  it.each([
    ['image', true],
    ['repository-metadata', true],
    ['package', false],
    ['images', false],
  ])('purpose %s: %s', async (purpose, counts) => {
    verifier(directory('etc', 'testos', purpose), 'ed25519');
    if (counts) expect(await usable()).toEqual(['ed25519']);
    else await none();
  });

  it('a context is for the component of its name only', async () => {
    verifier(directory('etc', 'testos', 'image', 'app'), 'ed25519');
    verifier(directory('etc', 'testos', 'image', 'default'), 'second');
    expect(await usable('app')).toEqual(['ed25519', 'second']);
    expect(await usable('other')).toEqual(['second']);
    expect(await usable('default')).toEqual(['second']);
    expect(await usable('../image/app')).toEqual(['second']);
  });

  it('another technology is none of ours', async () => {
    write(`etc/voa/testos/image/default/ssh/${nameOf('ed25519')}`, ring('ed25519'));
    await none();
  });
});

describe('files', () => {
  it.each([
    ['of another name than the key', nameOf('second'), /holds the key/],
    ['in upper case', `${'AB'.repeat(20)}.openpgp`, /not named after a fingerprint/],
    ['with a short id', '0123456789abcdef.openpgp', /not named after a fingerprint/],
  ])('%s are ignored, with a warning', async (_, name, warning) => {
    verifier(directory('etc'), 'rsa2048');
    write(`${directory('etc')}/${name}`, ring('ed25519'));
    expect(await usable()).toEqual(['rsa2048']);
    expect(warnings).toEqual([expect.stringMatching(warning)]);
    expect(warnings[0]).toMatch(/^\/etc\/voa\/testos\/image\/default\/openpgp\/.*, ignoring$/);
  });

  it.each([
    ['two keys', () => Buffer.concat([ring('ed25519'), ring('second')])],
    ['no key', () => Buffer.from('nothing\n')],
    ['nothing', () => Buffer.alloc(0)],
    ['a damaged key', () => ring('ed25519').subarray(0, 50)],
  ])('with %s are ignored, with a warning', async (_, content) => {
    verifier(directory('etc'), 'rsa2048');
    verifier(directory('etc'), 'ed25519', content());
    expect(await usable()).toEqual(['rsa2048']);
    expect(warnings).toHaveLength(1);
  });

  it('others in the directory are passed over in silence', async () => {
    verifier(directory('etc'), 'rsa2048');
    for (const name of ['README', `${fingerprint('ed25519')}.asc`, fingerprint('ed25519')])
      write(`${directory('etc')}/${name}`, ring('ed25519'));
    expect(await usable()).toEqual(['rsa2048']);
    expect(warnings).toEqual([]);
  });

  it('a directory in the place of a file', async () => {
    verifier(directory('etc'), 'rsa2048');
    mkdirSync(place(`${directory('etc')}/${nameOf('ed25519')}`), { recursive: true });
    expect(await usable()).toEqual(['rsa2048']);
    expect(warnings).toEqual([expect.stringMatching(/expected a file/)]);
  });

  it('one that is too large stops the run: it may be a revocation', async () => {
    verifier(directory('etc'), 'ed25519', Buffer.alloc(1024 * 1024 + 1));
    await expect(open().of(app)).rejects.toThrow(ConfigError);
    await expect(open().of(app)).rejects.toThrow(/openpgp: the verifier cannot be read: larger than/);
  });

  it.skipIf(process.getuid?.() === 0)('one that nobody may read stops the run', async () => {
    verifier(directory('etc'), 'ed25519');
    chmodSync(join(root, directory('etc'), nameOf('ed25519')), 0o000);
    await expect(open().of(app)).rejects.toThrow(/cannot be read/);
  });
});

describe('merging', () => {
  const unrevoked = () => corpusFile('keys/revoked-retired-before.pgp');
  const revoked = () => corpusFile('keys/revoked-retired.pgp');
  const verdicts = async () => {
    const keys = usableKeys(await open().of(app));
    const policy = { now: new Date(now), allowExpiredKey: false, signedBy: [] };
    const judged = await judgeSignatures(
      corpusFile('SHA256SUMS'),
      corpusFile('revoked-retired.sig'),
      keys,
      policy,
      's',
    );
    return judged.map((verdict) => (verdict.accepted ? 'accepted' : verdict.code));
  };

  it.each([
    [
      'in the vendor’s copy',
      [
        ['etc', unrevoked],
        ['usr/share', revoked],
      ],
    ],
    [
      'in the administrator’s copy',
      [
        ['etc', revoked],
        ['usr/share', unrevoked],
      ],
    ],
  ] as const)('a revocation %s revokes the key', async (_, copies) => {
    for (const [base, content] of copies) verifier(directory(base), 'revoked-retired', content());
    expect(await verdicts()).toEqual(['key-revoked']);
  });

  it('a revocation for another purpose or name of the OS counts, too', async () => {
    verifier(directory('etc'), 'revoked-retired', unrevoked());
    expect(await verdicts()).toEqual(['accepted']);
    verifier(directory('run', 'testos:1.0', 'repository-metadata'), 'revoked-retired', revoked());
    expect(await verdicts()).toEqual(['key-revoked']);
  });

  it('a revocation in the keyring counts for a verifier, and the other way round', async () => {
    verifier(directory('etc'), 'revoked-retired', unrevoked());
    write('usr/lib/systemd/import-pubring.pgp', revoked());
    expect(await verdicts()).toEqual(['key-revoked']);
    verifier(directory('etc'), 'revoked-retired', revoked());
    write('usr/lib/systemd/import-pubring.pgp', unrevoked());
    expect(await verdicts()).toEqual(['key-revoked']);
  });

  it('a context’s revocation counts for its component', async () => {
    verifier(directory('etc'), 'revoked-retired', unrevoked());
    verifier(directory('etc', 'testos', 'image', 'app'), 'revoked-retired', revoked());
    expect(await verdicts()).toEqual(['key-revoked']);
  });
});

describe('masking', () => {
  it.each(['etc', 'run'])('by a link to /dev/null below /%s, wherever else the key stands', async (base) => {
    verifier(directory('usr/share'), 'ed25519');
    verifier(directory('usr/share', 'testos:1.0', 'repository-metadata'), 'ed25519');
    write('etc/systemd/import-pubring.pgp', Buffer.concat([ring('ed25519'), ring('second')]));
    link(`${directory(base)}/${nameOf('ed25519')}`, '/dev/null');
    expect(await usable()).toEqual(['second']);
    expect(warnings).toEqual([]);
    const masked = (await open().of(app)).find(({ key }) => key.getFingerprint() === fingerprint('ed25519'));
    expect(masked?.barred).toMatchObject({ code: 'key-masked' });
  });

  it('is not for vendors', async () => {
    verifier(directory('etc'), 'ed25519');
    link(`${directory('usr/share')}/${nameOf('ed25519')}`, '/dev/null');
    expect(await usable()).toEqual(['ed25519']);
    expect(warnings).toEqual([expect.stringMatching(/masked in \/etc\/voa and \/run\/voa only/)]);
  });

  it('is not for directories', async () => {
    verifier(directory('usr/share'), 'ed25519');
    link('etc/voa/testos/image', '/dev/null');
    expect(await usable()).toEqual(['ed25519']);
    expect(warnings).toEqual([expect.stringMatching(/only single verifiers can be masked/)]);
  });

  it('of one context masks for its component only', async () => {
    verifier(directory('usr/share'), 'ed25519');
    verifier(directory('usr/share'), 'second');
    link(`${directory('etc', 'testos', 'image', 'app')}/${nameOf('ed25519')}`, '/dev/null');
    expect(await usable('app')).toEqual(['second']);
    expect(await usable('other')).toEqual(['ed25519', 'second']);
  });
});

describe('links', () => {
  const file = nameOf('ed25519');

  it.each([
    ['to another place in the same tree', 'usr/share', '../../../../store', 'usr/share/voa/store'],
    ['absolute, to a tree of less priority', 'etc', '/usr/share/voa/store', 'usr/share/voa/store'],
    ['relative, to a tree of less priority', 'etc', '../../../../../../usr/share/voa/store', 'usr/share/voa/store'],
  ])('%s', async (_, base, target, where) => {
    write(`${where}/${file}`, ring('ed25519'));
    link(`${directory(base)}/${file}`, `${target}/${file}`);
    expect(await usable()).toEqual(['ed25519']);
    expect(warnings).toEqual([]);
  });

  it('through several', async () => {
    write(`usr/share/voa/a/${file}`, ring('ed25519'));
    link(`usr/local/share/voa/b/${file}`, `/usr/share/voa/a/${file}`);
    link(`${directory('etc')}/${file}`, `/usr/local/share/voa/b/${file}`);
    expect(await usable()).toEqual(['ed25519']);
    expect(warnings).toEqual([]);
  });

  it('of directories, under another name', async () => {
    write(`usr/share/voa/testos:0.9/image/default/openpgp/${file}`, ring('ed25519'));
    link('usr/share/voa/testos:1.0', 'testos:0.9');
    link('etc/voa/testos/image/default', '/usr/share/voa/testos:0.9/image/default');
    expect(await usable()).toEqual(['ed25519']);
    expect(warnings).toEqual([]);
  });

  it('an absolute link stays inside the root', async () => {
    const outside = join(dirname(root), 'usr/share/voa');
    mkdirSync(outside, { recursive: true });
    writeFileSync(join(outside, file), ring('ed25519'));
    link(`${directory('etc')}/${file}`, join(outside, file));
    await none();
    expect(warnings).toEqual([expect.stringMatching(/leads out of|a link to nothing/)]);
  });

  const refused: readonly (readonly [string, RegExp, () => void])[] = [
    [
      'below /run',
      /no links are followed in \/run\/voa/,
      () => {
        write(`usr/share/voa/store/${file}`, ring('ed25519'));
        link(`${directory('run')}/${file}`, `/usr/share/voa/store/${file}`);
      },
    ],
    [
      'to a tree of higher priority',
      /leads out of \/usr\/share\/voa/,
      () => {
        write(`etc/voa/store/${file}`, ring('ed25519'));
        link(`${directory('usr/share')}/${file}`, `/etc/voa/store/${file}`);
      },
    ],
    [
      'down, and up again',
      /leads out of \/usr\/share\/voa/,
      () => {
        write(`etc/voa/store/${file}`, ring('ed25519'));
        link(`usr/share/voa/store/${file}`, `/etc/voa/store/${file}`);
        link(`${directory('etc')}/${file}`, `/usr/share/voa/store/${file}`);
      },
    ],
    [
      'out of the hierarchy',
      /leads out of/,
      () => {
        write(`srv/${file}`, ring('ed25519'));
        link(`${directory('etc')}/${file}`, `/srv/${file}`);
      },
    ],
    [
      'out of it through a directory',
      /leads out of/,
      () => {
        write(`srv/keys/${file}`, ring('ed25519'));
        link('usr/share/voa/store', '/srv/keys');
        link(`${directory('etc')}/${file}`, `/usr/share/voa/store/${file}`);
      },
    ],
    ['to nothing', /a link to nothing/, () => link(`${directory('etc')}/${file}`, `/usr/share/voa/store/${file}`)],
    [
      'to another name',
      /a link to another name/,
      () => {
        write('usr/share/voa/store/key.openpgp', ring('ed25519'));
        link(`${directory('etc')}/${file}`, '/usr/share/voa/store/key.openpgp');
      },
    ],
    [
      'to a directory',
      /expected a file/,
      () => {
        write(`usr/share/voa/store/${file}/x`, '');
        link(`${directory('etc')}/${file}`, `/usr/share/voa/store/${file}`);
      },
    ],
    [
      'of a directory to a file',
      /expected a directory/,
      () => {
        write('usr/share/voa/store', ring('ed25519'));
        link('etc/voa/testos/image', '/usr/share/voa/store');
      },
    ],
    [
      'in a circle',
      /too many links/,
      () => {
        link(`${directory('etc')}/${file}`, `/usr/share/voa/store/${file}`);
        link(`usr/share/voa/store/${file}`, `/usr/share/voa/other/${file}`);
        link(`usr/share/voa/other/${file}`, `/usr/share/voa/store/${file}`);
      },
    ],
  ];
  it.each(refused)('%s are ignored: %s', async (_, warning, prepare) => {
    prepare();
    await none();
    expect(warnings).toEqual([expect.stringMatching(warning)]);
  });
});

describe('Keyring=', () => {
  const own = named('app', '/usr/lib/app/keys.pgp');
  const usableOf = async (component: typeof own, keyrings: readonly string[] = []) =>
    usableKeys(await open({ keyrings }).of(component)).map((key) => key.getFingerprint());

  beforeEach(() => {
    write('usr/lib/app/keys.pgp', ring('second'));
    write('etc/systemd/import-pubring.pgp', ring('ed25519'));
    verifier(directory('etc'), 'nistp256');
  });

  it('holds the only keys that may sign for its component', async () => {
    expect(await usableOf(own)).toEqual([fingerprint('second')]);
    expect(await usable('other')).toEqual(['ed25519', 'nistp256']);
  });

  it('gives way to --keyring=', async () => {
    expect(await usableOf(own, [place('etc/systemd/import-pubring.pgp')])).toEqual([fingerprint('ed25519')]);
  });

  it('is the word of a file: what others say of its keys counts', async () => {
    link(`${directory('etc')}/${nameOf('second')}`, '/dev/null');
    expect(await usableOf(own)).toEqual([]);
    rmSync(join(root, directory('etc'), nameOf('second')));
    write('usr/lib/app/keys.pgp', corpusFile('keys/revoked-retired-before.pgp'));
    write('etc/systemd/import-pubring.pgp', corpusFile('keys/revoked-retired.pgp'));
    const [key] = usableKeys(await open().of(own));
    expect(await key?.isRevoked()).toBe(true);
  });

  it('has to be there', async () => {
    await expect(open().of(named('app', '/usr/lib/none.pgp'))).rejects.toThrow(/none.pgp: the keyring cannot be read/);
  });
});

describe('trust anchors', () => {
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
  const sign = (key: TestKey, anchors: readonly PrivateKey[]) =>
    key.privateKey.toPublic().signPrimaryUser([...anchors], daysAgo(20));
  const put = (where: string, key: { getFingerprint(): string; write(): Uint8Array }) =>
    write(`${where}/${key.getFingerprint()}.openpgp`, key.write());
  const keysNow = async (trustAnchors: number, component = 'app') =>
    usableKeys(await open({ trustAnchors, now: new Date() }).of(named(component))).map((key) => key.getFingerprint());

  it('have to certify a verifier where there are any, as many as TrustAnchors= says', async () => {
    const [signer, ...anchors] = await Promise.all([makeKey(), makeKey(), makeKey(), makeKey()]);
    const [one, two, three] = anchors.map(({ privateKey }) => privateKey) as [PrivateKey, PrivateKey, PrivateKey];
    const here = directory('usr/share');
    const above = directory('usr/share', 'testos', 'trust-anchor-image');
    put(here, await sign(signer as TestKey, [one, two]));
    expect(await keysNow(3)).toEqual([signer?.fingerprint]);
    put(above, one.toPublic());
    put(above, two.toPublic());
    put(above, three.toPublic());
    expect(await keysNow(2)).toEqual([signer?.fingerprint]);
    expect(await keysNow(3)).toEqual([]);
    const [known] = await open({ now: new Date() }).of(app);
    expect(known?.barred?.text).toBe('certified by 2 of 3 trust anchors that TrustAnchors= asks for');
    // One of them is masked, or revoked, or of another role.
    link(`${directory('etc', 'testos', 'trust-anchor-image')}/${two.getFingerprint()}.openpgp`, '/dev/null');
    expect(await keysNow(2)).toEqual([]);
    rmSync(join(root, 'etc'), { recursive: true });
    const { publicKey } = await openpgp.revokeKey({ key: two, format: 'object' });
    put(directory('run', 'testos', 'trust-anchor-image'), publicKey);
    expect(await keysNow(2)).toEqual([]);
    expect(await keysNow(1)).toEqual([signer?.fingerprint]);
    // An anchor signs nothing by being one.
    expect(await keysNow(1)).not.toContain(one.getFingerprint());
  });

  it('of another role or context have no say', async () => {
    const [signer, anchor] = (await Promise.all([makeKey(), makeKey()])) as [TestKey, TestKey];
    put(directory('etc'), signer.privateKey.toPublic());
    put(directory('etc', 'testos', 'trust-anchor-repository-metadata'), anchor.privateKey.toPublic());
    put(directory('etc', 'testos', 'trust-anchor-image', 'app'), anchor.privateKey.toPublic());
    expect(await keysNow(1)).toEqual([signer.fingerprint]);
    put(directory('etc', 'testos', 'trust-anchor-image'), anchor.privateKey.toPublic());
    expect(await keysNow(1)).toEqual([]);
    put(directory('etc'), await sign(signer, [anchor.privateKey]));
    expect(await keysNow(1)).toEqual([signer.fingerprint]);
  });

  it('an empty directory of anchors vouches for nobody; a keyring needs none', async () => {
    verifier(directory('etc'), 'ed25519');
    write('etc/systemd/import-pubring.pgp', ring('second'));
    mkdirSync(place(`${directory('etc', 'testos', 'trust-anchor-image')}/x`), { recursive: true });
    expect(await usable()).toEqual(['second']);
  });
});
