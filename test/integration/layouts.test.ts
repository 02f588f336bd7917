/** The definitions of real publishers, unedited, against servers that answer as theirs do (managers.md, section 2). */
import { spawnSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extensionImage } from '../support/images.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { makeWorld, type World } from '../support/world.ts';

let world: World;
let objectStore: TestServer;
beforeEach(async () => {
  world = await makeWorld();
  // Another origin, where redirects lead to, as GitHub's object store is.
  objectStore = await startServer(world.published);
});
afterEach(async () => {
  await Promise.all([world.close(), objectStore.close()]);
});

const webPage = '<!DOCTYPE html>\n<html><title>Extensions</title></html>\n';

/** Has a URL prefix of a definition answered by the test server. */
function standIn(url: string, path: string): void {
  world.write('etc/extupdate/extupdate.conf', `[Extupdate]\nBaseURL=${url} ${world.server.url}/${path}\n`);
}

/** Files by redirect to the other origin; the lists that are there; a web page for everything else. */
function answerLikeCaddy(prefix: string, files: string): void {
  world.server.intercept = (request, response, path) => {
    if (!path.startsWith(prefix)) return false;
    if (path.endsWith('.raw')) {
      const location = `${objectStore.url}/${files}/${path.slice(path.lastIndexOf('/') + 1)}`;
      response.writeHead(302, { location }).end();
      return true;
    }
    if (path.endsWith('/SHA256SUMS')) {
      response.writeHead(302, { location: `${objectStore.url}/${files}/SHA256SUMS` }).end();
      return true;
    }
    response.writeHead(request.url?.endsWith('.gpg') ? 302 : 200, {
      'content-type': 'text/html',
      location: '/website',
    });
    response.end(webPage);
    return true;
  };
}

describe('Flatcar', () => {
  const transfer = (name: string, pattern: string) =>
    `[Transfer]\nVerify=false\n\n[Source]\nType=url-file\nPath=https://extensions.flatcar.org/extensions/${name}/\nMatchPattern=${pattern}\n\n[Target]\nInstancesMax=3\nType=regular-file\nPath=/opt/extensions/${name}\nCurrentSymlink=/etc/extensions/${name}.raw\n`;
  const image = (name: string, version: string) =>
    extensionImage({
      name,
      release: { ID: '_any', ARCHITECTURE: 'x86-64' },
      files: { [`usr/share/${name}`]: version },
    });

  beforeEach(() => {
    world.setOs({ ID: 'flatcar', ID_LIKE: 'coreos', VERSION_ID: '4230.2.0', SYSEXT_LEVEL: '1.0' });
    standIn('https://extensions.flatcar.org/extensions', 'extensions');
    world.write(
      'etc/sysupdate.d/noop.conf',
      '[Source]\nType=regular-file\nPath=/\nMatchPattern=invalid@v.raw\n[Target]\nType=regular-file\nPath=/\n',
    );
  });

  it('takes the newest docker, linked under its short name', async () => {
    world.write('etc/sysupdate.docker.d/docker.conf', transfer('docker', 'docker-@v-%a.raw'));
    await world.publish(
      'releases',
      {
        'docker-27.5.1-x86-64.raw': image('docker', '27.5.1'),
        'docker-28.0.4-x86-64.raw': image('docker', '28.0.4'),
        'docker-28.0.4-arm64.raw': image('docker', 'arm'),
        'docker.conf': 'not an image',
      },
      { signatureName: 'unsigned' },
    );
    answerLikeCaddy('/extensions/', 'releases');
    const result = await world.run(['apply']);
    expect(result).toMatchObject({ status: 0, stdout: 'docker: exposed 28.0.4\n' });
    expect(world.link('etc/extensions/docker.raw')).toBe('../../opt/extensions/docker/docker-28.0.4-x86-64.raw');
    expect(world.names('opt/extensions/docker')).toEqual(['docker-28.0.4-x86-64.raw']);
  });

  it('takes versions with a plus sign, and per-minor definitions', async () => {
    world.write('etc/sysupdate.k3s.d/k3s.conf', transfer('k3s', 'k3s-@v-%a.raw'));
    world.write(
      'etc/sysupdate.kubernetes.d/kubernetes-v1.32.conf',
      transfer('kubernetes', 'kubernetes-v1.32.@v-%a.raw'),
    );
    await world.publish('releases', {
      'k3s-v1.32.2+k3s1-x86-64.raw': image('k3s', '1'),
      'k3s-v1.31.4+k3s1-x86-64.raw': image('k3s', '0'),
      'kubernetes-v1.32.4-x86-64.raw': image('kubernetes', '4'),
      'kubernetes-v1.33.0-x86-64.raw': image('kubernetes', '33'),
    });
    answerLikeCaddy('/extensions/', 'releases');
    expect((await world.run(['apply'])).status).toBe(0);
    expect(world.link('etc/extensions/k3s.raw')).toBe('../../opt/extensions/k3s/k3s-v1.32.2+k3s1-x86-64.raw');
    expect(world.link('etc/extensions/kubernetes.raw')).toMatch(/kubernetes-v1\.32\.4-x86-64\.raw$/);
    const [k3s] = (await world.run(['list', 'k3s', '--json=short'])).json().components;
    expect(k3s?.versions.map(({ version }) => version)).toEqual(['v1.32.2+k3s1', 'v1.31.4+k3s1']);
  });

  it('leaves the placeholder in sysupdate.d alone', async () => {
    const result = await world.run(['list']);
    expect(result).toMatchObject({ status: 0 });
    expect(result.stdout).toContain(
      'default: left to systemd-sysupdate, it is a placeholder: its source is its own target',
    );
  });

  it('does not take the web page for a signature when one is wanted', async () => {
    world.write('etc/sysupdate.docker.d/docker.conf', transfer('docker', 'docker-@v-%a.raw'));
    await world.publish('releases', { 'docker-28.0.4-x86-64.raw': image('docker', '28.0.4') });
    answerLikeCaddy('/extensions/', 'releases');
    const result = await world.run(['check', '--verify=yes']);
    expect(result.status).toBe(11);
    expect(result.stderr).toContain('has no signature');
  });
});

describe('Fedora', () => {
  it('takes the image of the running release, linked under its short name', async () => {
    world.setOs({ ID: 'fedora', VERSION_ID: '43', VARIANT_ID: 'coreos' });
    standIn('https://extensions.fcos.fr/fedora', 'fedora');
    world.write(
      'etc/sysupdate.tree.d/tree.conf',
      '[Transfer]\nVerify=false\n\n[Source]\nType=url-file\nPath=https://extensions.fcos.fr/fedora/tree/\nMatchPattern=tree-@v-%w-%a.raw\n\n[Target]\nInstancesMax=2\nType=regular-file\nPath=/var/lib/extensions.d/\nMatchPattern=tree-@v-%w-%a.raw\nCurrentSymlink=/var/lib/extensions/tree.raw\n',
    );
    const image = (os: string, text: string) =>
      extensionImage({
        name: 'tree',
        release: { ID: '"_any"', VERSION_ID: `"${os}"`, ARCHITECTURE: 'x86-64' },
        files: { 'usr/bin/tree': text },
      });
    await world.publish('releases', {
      'tree-2.2.1-1.fc43-43-x86-64.raw': image('43', 'old'),
      'tree-2.2.1-2.fc43-43-x86-64.raw': image('43', 'new'),
      'tree-2.3.0-1.fc44-44-x86-64.raw': image('44', 'next'),
    });
    answerLikeCaddy('/fedora/', 'releases');
    expect(await world.run(['apply'])).toMatchObject({ status: 0, stdout: 'tree: exposed 2.2.1-2.fc43\n' });
    expect(world.link('var/lib/extensions/tree.raw')).toBe('../extensions.d/tree-2.2.1-2.fc43-43-x86-64.raw');
  });
});

describe('openSUSE', () => {
  const feature = '[Feature]\nDescription=Debugging tools\nEnabled=false\n';
  const transfer =
    '[Transfer]\nVerify=false\nFeatures=debug\n\n[Source]\nType=url-file\nPath=https://download.opensuse.org/repositories/home:/kukuk:/sysext/mkosi/\nMatchPattern=debug-@v.%a.raw\n\n[Target]\nInstancesMax=3\nType=regular-file\nPath=/var/lib/extensions\nMatchPattern=debug-@v.%a.raw\n';
  const release = (level: string) => ({
    ID: 'opensuse-microos',
    VERSION_ID: '20260101',
    SYSEXT_LEVEL: level,
    SYSEXT_SCOPE: 'system',
    ARCHITECTURE: 'x86-64',
  });
  const image = (build: string, level: string) =>
    extensionImage({ name: `debug-${build}.x86-64`, release: release(level), files: { 'usr/bin/gdb': build } });
  const sidecar = (level: string) =>
    gzipSync(JSON.stringify({ manifest_version: 1, config: { name: 'debug' }, extension: release(level) }));

  beforeEach(async () => {
    world.setOs({ ID: 'opensuse-microos', VERSION_ID: '20261101', SYSEXT_LEVEL: 'glibc-2.42' });
    standIn('https://download.opensuse.org/repositories/home:/kukuk:/sysext/mkosi', 'mkosi');
    world.write('usr/lib/sysupdate.d/debug.feature', feature);
    world.write('usr/lib/sysupdate.d/debug.transfer', transfer);
    await world.publish('mkosi', {
      'debug-29.1.x86-64.raw': image('29.1', 'glibc-2.42'),
      'debug-29.1.x86-64.manifest.gz': sidecar('glibc-2.42'),
      'debug-30.1.x86-64.raw': image('30.1', 'glibc-2.43'),
      'debug-30.1.x86-64.manifest.gz': sidecar('glibc-2.43'),
      'openSUSE-MicroOS.x86_64-ContainerHost.qcow2': 'something else',
    });
  });

  it('leaves a component alone whose feature is disabled', async () => {
    const result = await world.run(['list']);
    expect(result.stdout).toContain('default: turned off by its features');
  });

  it('knows from sidecars which version fits, and exposes the image under its full name', async () => {
    world.write('etc/sysupdate.d/debug.feature.d/enable.conf', '[Feature]\nEnabled=true\n');
    const checked = await world.run(['check', '--json=short']);
    expect(checked.json().components[0]).toMatchObject({ name: 'default', candidate: '29.1' });
    expect(checked.json().components[0]?.versions[0]?.reason.text).toContain('SYSEXT_LEVEL=glibc-2.43');
    expect(world.server.requests.some(({ path }) => path.endsWith('.raw'))).toBe(false);
    expect((await world.run(['apply'])).status).toBe(0);
    expect(world.names('var/lib/extensions')).toEqual(['.parked', 'debug-29.1.x86-64.raw']);
  });
});

describe('snosi', () => {
  const compress: Readonly<Record<string, (data: Buffer) => Buffer | undefined>> = {
    gz: (data) => gzipSync(data),
    xz: (data) => byProgram('xz', data),
    zst: (data) => byProgram('zstd', data),
  };
  const image = extensionImage({
    name: 'nix',
    release: { ID: 'snosi', VERSION_ID: '7' },
    files: { 'usr/bin/nix': '1' },
  });
  const patterns = ['.raw.zst', '.raw.xz', '.raw.gz', '.raw'].map((suffix) => `nix_@v_%w_%a${suffix}`).join(' ');

  beforeEach(() => {
    world.setOs({ ID: 'snosi', VERSION_ID: '7' });
    standIn('https://repository.frostyard.org/ext', 'ext');
    world.write('usr/lib/sysupdate.nix.d/nix.feature', '[Feature]\nEnabled=false\n');
    world.write('etc/sysupdate.nix.d/nix.feature.d/on.conf', '[Feature]\nEnabled=yes\n');
    world.write(
      'usr/lib/sysupdate.nix.d/nix.transfer',
      `[Transfer]\nVerify=true\nFeatures=nix\n\n[Source]\nType=url-file\nPath=https://repository.frostyard.org/ext/nix/\nMatchPattern=${patterns}\n\n[Target]\nType=regular-file\nPath=/var/lib/extensions.d/\nMatchPattern=${patterns}\nCurrentSymlink=nix.raw\n`,
    );
  });

  it.for(Object.keys(compress))('unpacks %s and links it', async (suffix, context) => {
    const packed = compress[suffix]?.(image);
    if (!packed) {
      console.warn(`skipped: ${suffix}: the program that compresses it is not installed`);
      return context.skip();
    }
    await world.publish('ext/nix', { [`nix_1.2_7_x86-64.raw.${suffix}`]: packed });
    expect(await world.run(['apply'])).toMatchObject({ status: 0, stdout: 'nix: exposed 1.2\n' });
    const target = world.link('var/lib/extensions.d/nix.raw');
    expect(target).toMatch(/^nix_1\.2_7_x86-64\.raw/);
    expect(world.read(`var/lib/extensions.d/${target}`)).toBe(image.toString('latin1'));
    expect(world.names('var/lib/extupdate/unpacked')).toEqual([]);
  });
});

function byProgram(program: string, data: Buffer): Buffer | undefined {
  const result = spawnSync(program, ['-c'], { input: data });
  return result.status === 0 ? result.stdout : undefined;
}
