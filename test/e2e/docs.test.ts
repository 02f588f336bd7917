/** What README and docs tell a reader to type is typed here, as it stands there, on a host of the kind the page is about. */
import { appendFileSync, chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type E2e, image, osRelease, startE2e } from '../support/e2e.ts';
import { blocksOf } from '../support/pages.ts';
import { publish } from '../support/repository.ts';
import { type Site, startSite } from '../support/site.ts';
import { hostUnavailable } from '../support/systemd-host.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const pageText = (name: string) => readFileSync(join(repository, name), 'utf8');
const pages = [
  'README.md',
  ...readdirSync(join(repository, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** Where a reader stands. */
const here = '/srv/reader';

interface Reader {
  readonly e2e: E2e;
  readonly site: Site;
  /** Publishes images at an address, signed unless they are to be found unsigned. */
  publish(url: string, files: Readonly<Record<string, Buffer>>, signed?: boolean): Promise<void>;
  /** Types something that the page takes for granted. */
  must(script: string): Promise<void>;
}

/** What a page takes for granted. */
interface Setting {
  readonly os?: Readonly<Record<string, string>>;
  readonly prepare: (reader: Reader) => Promise<void>;
  /** Waits for what the page has set going, as a reader would who looks at it. */
  readonly settle?: (reader: Reader) => Promise<void>;
}

const app = (version: string, options = {}) => ({
  [`app_${version}.raw`]: image('app', version, { release: { ID: '_any' }, ...options }),
});
const definition = `[Source]
Type=url-file
Path=https://updates.example.com/app/
MatchPattern=app_@v.raw

[Target]
Path=/var/lib/extensions/app.raw.v
`;

/** A host with two versions of app, the newer one active. */
async function withApp({ e2e, publish: offer, must }: Reader): Promise<void> {
  e2e.write('etc/extupdate/transfer.d/app.transfer', definition);
  await offer('https://updates.example.com/app', app('1'));
  await must('extupdate apply');
  await offer('https://updates.example.com/app', { ...app('1'), ...app('2') });
  await must('extupdate apply');
}

const flatcar = { ID: 'flatcar', VERSION_ID: '4459.2.0' };

async function withDocker(reader: Reader): Promise<void> {
  const docker = image('docker', '28.0.4', { release: { ID: '_any', ARCHITECTURE: 'x86-64' } });
  const files = { 'docker-28.0.4-x86-64.raw': docker };
  await reader.publish('https://extensions.flatcar.org/extensions/docker', files, false);
}

const settings: Readonly<Record<string, Setting>> = {
  'README.md': { os: flatcar, prepare: withDocker },
  'docs/flatcar.md': { os: flatcar, prepare: withDocker },
  'docs/fedora-atomic.md': {
    os: { ID: 'fedora', VERSION_ID: '43' },
    prepare: async (reader) => {
      const htop = (release: string) =>
        image('htop', release, { release: { ID: '_any', VERSION_ID: release, ARCHITECTURE: 'x86-64' } });
      await reader.publish(
        'https://extensions.fcos.fr/fedora/htop',
        { 'htop-3.4.1-1.fc43-43-x86-64.raw': htop('43'), 'htop-3.5.0-1.fc44-44-x86-64.raw': htop('44') },
        false,
      );
    },
  },
  'docs/opensuse-microos.md': {
    os: { ID: 'opensuse-microos', VERSION_ID: '20261120', SYSEXT_LEVEL: 'glibc-2.41' },
    prepare: async (reader) => {
      const release = { ID: 'opensuse-microos', SYSEXT_LEVEL: 'glibc-2.41', ARCHITECTURE: 'x86-64' };
      const debug = image('debug-29.1.x86-64', '29.1', { release });
      await reader.publish(
        'https://download.opensuse.org/repositories/home:/kukuk:/sysext/mkosi',
        { 'debug-29.1.x86-64.raw': debug },
        false,
      );
    },
  },
  'docs/ab-images.md': {
    prepare: async (reader) => {
      await reader.publish('https://updates.example.com/app', app('1', { release: { ...osRelease } }));
      await reader.publish('https://updates.example.com/app', {
        ...app('1', { release: { ...osRelease } }),
        ...app('2', { release: { ...osRelease, VERSION_ID: '2' } }),
      });
      reader.e2e.write('mnt/new-slot/usr/lib/os-release', 'ID=testos\nVERSION_ID=2\n');
      cpSync(
        join(reader.e2e.host.root, 'etc/systemd/import-pubring.pgp'),
        join(reader.e2e.host.root, 'mnt/new-slot/usr/lib/systemd/import-pubring.pgp'),
      );
      reader.e2e.write(
        'mnt/new-slot/usr/lib/extupdate/transfer.d/app.transfer',
        `${definition}[X-Extupdate]\nRequired=yes\n`,
      );
    },
  },
  'docs/confext.md': {
    prepare: async ({ e2e, publish: offer, must }) => {
      const unit = '[Service]\nType=exec\nExecStart=/usr/bin/sleep infinity\nExecReload=/usr/bin/true\n';
      e2e.write('etc/systemd/system/web.service', unit);
      const image5 = image('site', '5', { kind: 'confext', release: { ID: '_any' } });
      writeFileSync(join(e2e.host.root, here, 'site_5.raw'), image5);
      writeFileSync(join(e2e.host.root, here, 'web.conf'), 'port=80\n');
      await offer('https://config.example.com/web', {
        'web_1.raw': image('web', '1', { kind: 'confext', release: { ID: '_any' } }),
      });
      await must('systemctl daemon-reload; systemctl start web.service');
    },
    settle: ({ must }) =>
      must(`until systemd-confext status | grep -qw site; do sleep 0.1; done
        systemctl stop extupdate-incoming@site.path
        while systemctl is-active extupdate-incoming@site.service | grep -qx activating; do sleep 0.1; done`),
  },
  'docs/publish.md': {
    prepare: async ({ e2e }) => {
      const docker = image('docker', '28.0.4', { release: { ID: '_any', ARCHITECTURE: 'x86-64' } });
      e2e.write(join(here, 'extensions/docker-28.0.4-x86-64.raw'), docker);
      e2e.write(join(here, 'signing-key.asc'), e2e.key.privateKey.armor());
    },
  },
  'docs/first-steps.md': {
    prepare: async ({ publish: offer }) => {
      await offer('https://updates.example.com/app', { ...app('1'), ...app('2') });
      await offer('https://updates.example.com/all', app('2'));
    },
  },
  'docs/troubleshooting.md': { prepare: withApp },
  'docs/roll-back.md': { prepare: withApp },
  'docs/hold.md': { prepare: withApp },
  'docs/boot.md': { prepare: withApp },
  'docs/varlink.md': { prepare: withApp },
  'docs/air-gapped.md': {
    prepare: async ({ e2e, site, publish: offer }) => {
      e2e.write('etc/extupdate/transfer.d/app.transfer', definition);
      await offer('https://updates.example.com/app', app('1'));
      cpSync(join(site.directory, 'updates.example.com'), join(e2e.host.root, 'media/mirror'), { recursive: true });
      e2e.write('media/mirror/os-release', 'ID=testos\nVERSION_ID=2\n');
    },
  },
};

/** On a host without Node: test/e2e/self-update.test.ts. */
const typedElsewhere = ['docs/host-without-node.md'];

describe('every page', () => {
  it.each(pages)('%s says of each block what it is', (name) => {
    expect(() => blocksOf(pageText(name))).not.toThrow();
  });

  it('with commands has a reader that types them', () => {
    const typed = pages.filter((name) => blocksOf(pageText(name)).some(({ kind }) => kind === 'commands'));
    expect([...Object.keys(settings), ...typedElsewhere].sort()).toEqual(typed.sort());
  });
});

/** What is typed in a clone, and what types it. */
const inClone: Readonly<Record<string, string>> = {
  'npm run demo': '.ci/run',
  'npm run image': 'test/support/self-image.ts',
  'npm run install:system': 'test/integration/release/install-system.test.ts',
};

it.each(
  pages.flatMap((name) =>
    blocksOf(pageText(name))
      .filter(({ kind }) => kind === 'clone')
      .map(({ text }) => [name, text.trim()] as const),
  ),
)('%s: in a clone, %s is what a test runs', (_, command) => {
  const script = command.replace(/^sudo /, '').replace(/ -- .*$/, '');
  const name = script.replace('npm run ', '');
  const by = inClone[script] ?? '';
  expect(JSON.parse(pageText('package.json')).scripts).toHaveProperty([name]);
  expect(pageText(by)).toMatch(new RegExp(`npm run (--silent )?${name}\\b|release/${name.replace(':', '-')}\\b`));
});

const reason = hostUnavailable();
if (reason !== undefined && process.env.CI) throw new Error(`end-to-end tests must run in CI: ${reason}`);
if (reason !== undefined) console.warn(`skipped: commands of README and docs: ${reason}`);

describe.skipIf(reason !== undefined)('a reader who types what stands on', () => {
  let e2e: E2e;
  let site: Site;
  beforeAll(async () => {
    [e2e, site] = await Promise.all([
      startE2e('forky'),
      startSite([
        'updates.example.com',
        'config.example.com',
        'extensions.flatcar.org',
        'extensions.fcos.fr',
        'download.opensuse.org',
      ]),
    ]);
    await e2e.installUnits('extupdate-boot.service');
    appendFileSync(join(e2e.host.root, 'etc/hosts'), site.hosts);
    appendFileSync(join(e2e.host.root, 'etc/ssl/certs/ca-certificates.crt'), site.authority);
    // The reader is root already.
    e2e.write('usr/local/bin/sudo', '#!/bin/sh\nexec "$@"\n');
    chmodSync(join(e2e.host.root, 'usr/local/bin/sudo'), 0o755);
    mkdirSync(join(e2e.host.root, here));
    cpSync(join(repository, 'units/hooks'), join(e2e.host.root, 'usr/lib/extupdate/hooks'), { recursive: true });
  }, 180_000);
  afterAll(async () => {
    await Promise.all([e2e?.stop(), site?.close()]);
  });

  const type = (script: string) => e2e.host.sh(`cd ${here}; set -e\n${script}`, { timeoutMs: 120_000 });
  const must = async (script: string) => {
    const result = await type(script);
    expect(result, script).toMatchObject({ status: 0 });
  };

  /** Takes away what the page before has left. */
  async function startAnew(os: Readonly<Record<string, string>>): Promise<void> {
    await must(
      `systemd-sysext unmerge; systemd-confext unmerge; rm -rf /var/lib/extupdate /etc/extupdate* /usr/lib/extupdate/transfer.d \\
       /var/lib/extensions /var/lib/extensions.d /etc/extensions /opt/extensions /var/lib/confexts`,
    );
    writeFileSync(
      join(e2e.host.root, 'usr/lib/os-release'),
      Object.entries(os)
        .map(([name, value]) => `${name}="${value}"\n`)
        .join(''),
    );
  }

  it.each(Object.entries(settings))(
    '%s',
    async (name, { os = osRelease, prepare, settle }) => {
      await startAnew(os);
      const offer: Reader['publish'] = (url, files, signed = true) =>
        publish(join(site.directory, url.replace('https://', '')), files, signed ? { key: e2e.key } : {});
      const reader = { e2e, site, publish: offer, must };
      await prepare(reader);
      for (const block of blocksOf(pageText(name))) {
        if (block.kind === 'file') {
          mkdirSync(dirname(join(e2e.host.root, block.path)), { recursive: true });
          e2e.write(block.path, block.text);
        }
        if (block.kind !== 'commands') continue;
        const result = await type(block.text);
        expect(
          { status: result.status, stderr: result.stderr, stdout: result.stdout },
          `${name}:${block.line}\n${block.text}`,
        ).toMatchObject({ status: 0 });
        // What a reader would take for a failure.
        expect(result.stderr, `${name}:${block.line}`).not.toMatch(/^extupdate: /m);
      }
      await settle?.(reader);
    },
    120_000,
  );
});
