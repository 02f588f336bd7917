/** The layouts of real publishers, as they stand in their lists (names of files as of 2025 and 2026). */
import { describe, expect, it } from 'vitest';
import { readImageName } from '../../../src/source/image-names.ts';
import { decideOsField, type OfferingHints, offeringsOf } from '../../../src/source/offerings.ts';

const hints: OfferingHints = { known: [], architecture: 'x86-64', osVersion: '43' };

/** What a list offers, in short: extension, pattern, compressions, versions for this machine. */
function short(names: readonly string[], more: Partial<OfferingHints> = {}) {
  return offeringsOf(names, { ...hints, ...more }).map(({ extension, pattern, images, compressions, osField }) => ({
    extension,
    pattern,
    versions: [...new Set(images.map(({ version }) => version))],
    ...(compressions.join() === '' ? {} : { compressions }),
    ...(osField === 'no' ? {} : { osField }),
  }));
}

describe('the name of an image', () => {
  it.each([
    // Flatcar's bakery
    ['docker-28.0.4-x86-64.raw', 'docker', '28.0.4', undefined, 'x86-64'],
    ['kubernetes-v1.32.4-arm64.raw', 'kubernetes', 'v1.32.4', undefined, 'arm64'],
    ['k3s-v1.32.2+k3s1-x86-64.raw', 'k3s', 'v1.32.2+k3s1', undefined, 'x86-64'],
    ['rke2-v1.31.4+rke2r1-x86-64.raw', 'rke2', 'v1.31.4+rke2r1', undefined, 'x86-64'],
    ['docker-compose-2.34.0-x86-64.raw', 'docker-compose', '2.34.0', undefined, 'x86-64'],
    ['nvidia-runtime-v1.17.5-x86-64.raw', 'nvidia-runtime', 'v1.17.5', undefined, 'x86-64'],
    ['wasmtime-31.0.0-arm64.raw', 'wasmtime', '31.0.0', undefined, 'arm64'],
    // Fedora's
    ['tree-2.2.1-1.fc43-43-x86-64.raw', 'tree', '2.2.1-1.fc43', '43', 'x86-64'],
    ['emacs-1-29.4-44.fc41-41-x86-64.raw', 'emacs', '1-29.4-44.fc41', '41', 'x86-64'],
    ['docker-ce-3-28.0.4-1.fc42-42-arm64.raw', 'docker-ce', '3-28.0.4-1.fc42', '42', 'arm64'],
    ['plasma-discover-6.4.3-1.fc42-42-x86-64.raw', 'plasma-discover', '6.4.3-1.fc42', '42', 'x86-64'],
    ['incus-6.12_1-1.fc43-43-x86-64.raw', 'incus', '6.12_1-1.fc43', '43', 'x86-64'],
    ['1password-cli-2.30.3-1-x86-64.raw', '1password-cli', '2.30.3', '1', 'x86-64'],
    // openSUSE's
    ['debug-29.1.x86-64.raw', 'debug', '29.1', undefined, 'x86-64'],
    ['strace-4.2.arm64.raw', 'strace', '4.2', undefined, 'arm64'],
    ['elemental3ctl-3.0.x86-64.raw', 'elemental3ctl', '3.0', undefined, 'x86-64'],
    // with the fields of UAPI.10
    ['docker_5+29.6.1-1~debian.13~trixie_13_x86-64.raw.zst', 'docker', '5+29.6.1-1~debian.13~trixie', '13', 'x86-64'],
    ['demo-ext_0_x86-64.sysext.raw', 'demo-ext', '0', undefined, 'x86-64'],
    ['my-app_1.2.raw', 'my-app', '1.2', undefined, undefined],
    ['app_2_amd64.raw.xz', 'app', '2', undefined, 'x86-64'],
    ['site_20260101_noarch.confext.raw', 'site', '20260101', undefined, '_any'],
    // plain
    ['app-1.2.3.raw', 'app', '1.2.3', undefined, undefined],
    ['below/tool-2-aarch64.raw.gz', 'tool', '2', undefined, 'arm64'],
  ])('%s', (file, extension, version, os, architecture) => {
    const name = readImageName(file, []);
    expect(name && [name.extension, name.version, name.os?.version, name.architecture?.name]).toEqual([
      extension,
      version,
      os,
      architecture,
    ]);
    const arch = name?.architecture;
    const text = `${name?.directory}${name?.extension}${name?.separator}${name?.version}`;
    const osText = name?.os ? name.os.separator + name.os.version : '';
    const archText = arch ? arch.separator + arch.word : '';
    expect(`${text}${osText}${archText}${name?.suffix}${name?.compression}`, 'nothing is lost').toBe(file);
  });

  it.each([
    'docker.conf',
    'SHA256SUMS.gpg',
    'debug-29.1.x86-64.manifest.gz',
    'debug-29.1.x86-64.raw.json',
    'openSUSE-Tumbleweed-Minimal-VM.x86_64-kvm-and-xen.qcow2',
    'app.raw',
    'app-x86-64.raw',
    '.raw',
    'kde-linux_202601010000.efi',
    'app-1 2.raw',
  ])('%s is none', (file) => {
    expect(readImageName(file, [])).toBeUndefined();
  });

  it.each([
    ['kubernetes-cri-o-1.32-1.32.1-1.fc41-41-x86-64.raw', 'kubernetes-cri-o-1.32', '1.32.1-1.fc41'],
    ['app-nightly-x86-64.raw', 'app', 'nightly'],
    ['git-lfs-2.1.x86-64.raw', 'git', undefined],
  ])('%s, when %s is asked for', (file, known, version) => {
    const name = readImageName(file, [known]);
    expect(name?.extension === known ? name.version : undefined).toBe(version);
  });
});

describe('what a list offers', () => {
  it('Flatcar: all extensions in one list', () => {
    const names = [
      'docker-27.5.1-x86-64.raw',
      'docker-28.0.4-x86-64.raw',
      'docker-28.0.4-arm64.raw',
      'docker-compose-2.34.0-x86-64.raw',
      'docker.conf',
      'k3s-v1.32.2+k3s1-x86-64.raw',
      'k3s-v1.32.2+k3s1-arm64.raw',
      'wasmtime-31.0.0-arm64.raw',
    ];
    expect(short(names, { osVersion: '4230.2.0' })).toEqual([
      { extension: 'docker', pattern: 'docker-@v-%a.raw', versions: ['28.0.4', '27.5.1'] },
      { extension: 'docker-compose', pattern: 'docker-compose-@v-%a.raw', versions: ['2.34.0'] },
      { extension: 'k3s', pattern: 'k3s-@v-%a.raw', versions: ['v1.32.2+k3s1'] },
      { extension: 'wasmtime', pattern: 'wasmtime-@v-%a.raw', versions: ['31.0.0'] },
    ]);
    const wasmtime = offeringsOf(names, hints).at(-1);
    expect([wasmtime?.architectures, wasmtime?.images.map(({ file }) => file)]).toEqual([
      ['arm64'],
      ['wasmtime-31.0.0-arm64.raw'],
    ]);
  });

  it('Fedora: a list for one extension, with the version of the OS', () => {
    const names = [
      'tree-2.2.1-1.fc42-42-x86-64.raw',
      'tree-2.2.1-1.fc43-43-x86-64.raw',
      'tree-2.2.1-2.fc43-43-arm64.raw',
      'tree-2.3.0-1.fc44-44-x86-64.raw',
    ];
    expect(short(names)).toEqual([
      {
        extension: 'tree',
        pattern: 'tree-@v-%w-%a.raw',
        versions: ['2.3.0-1.fc44', '2.2.1-1.fc43', '2.2.1-1.fc42'],
        osField: 'yes',
      },
    ]);
    expect(offeringsOf(names, hints)[0]?.osVersions).toEqual(['44', '43', '42']);
    // A rolling OS has none that could stand in a name.
    expect(short(names, { osVersion: '' })[0]).toMatchObject({ pattern: 'tree-@v-%a.raw' });
    expect(short(names, { osVersion: '' })[0]?.versions[0]).toBe('2.3.0-1.fc44-44');
  });

  it('openSUSE: many extensions, sidecars, and images of other things', () => {
    expect(
      short([
        'debug-29.1.x86-64.raw',
        'debug-29.1.x86-64.manifest.gz',
        'debug-30.3.x86-64.raw',
        'gcc-29.1.x86-64.raw',
        'git-29.1.x86-64.raw',
        'git-lfs-2.1.x86-64.raw',
        'openSUSE-MicroOS.x86_64-kvm-and-xen.qcow2',
      ]),
    ).toEqual([
      { extension: 'debug', pattern: 'debug-@v.%a.raw', versions: ['30.3', '29.1'] },
      { extension: 'gcc', pattern: 'gcc-@v.%a.raw', versions: ['29.1'] },
      { extension: 'git', pattern: 'git-@v.%a.raw', versions: ['29.1'] },
      { extension: 'git-lfs', pattern: 'git-lfs-@v.%a.raw', versions: ['2.1'] },
    ]);
  });

  it('frostyard: fields of UAPI.10, compressed', () => {
    const names = ['docker_5+29.6.1-1_13_x86-64.raw.zst', 'docker_5+29.6.1-1_13_x86-64.raw.xz'];
    expect(short(names, { osVersion: '13' })).toEqual([
      {
        extension: 'docker',
        pattern: 'docker_@v_%w_%a.raw',
        versions: ['5+29.6.1-1'],
        compressions: ['.zst', '.xz'],
        osField: 'yes',
      },
    ]);
  });

  it.each([
    ['app_@v.raw', ['app_1.raw', 'app_2.raw']],
    ['app-@v.raw', ['app-1.raw']],
    ['app_@v_x86_64.raw', ['app_1_x86_64.raw', 'app_1_aarch64.raw']],
    ['app_@v_noarch.raw', ['app_1_noarch.raw']],
    ['app_@v.sysext.raw', ['app_1.sysext.raw']],
    ['50%%/a@@b_@v.raw', ['50%/a@b_1.raw']],
    ['my\\x20app_@v.raw', ['my app_1.raw']],
  ])('%s', (pattern, names) => {
    const offering = short(names).find(({ pattern: found }) => found === pattern);
    expect(offering, JSON.stringify(short(names))).toBeDefined();
  });

  it('a number behind the version may be that of the OS, or not', () => {
    const one = ['app-1.2-43-x86-64.raw', 'app-1.3-43-x86-64.raw'];
    const [maybe] = offeringsOf(one, hints);
    expect([maybe?.osField, maybe?.pattern]).toEqual(['maybe', 'app-@v-%w-%a.raw']);
    const no = maybe && decideOsField(maybe, false, hints);
    expect([no?.pattern, no?.images.map(({ version }) => version)]).toEqual(['app-@v-%a.raw', ['1.3-43', '1.2-43']]);
    expect(maybe && decideOsField(maybe, true, hints).osField).toBe('yes');
    // The same version, built for two.
    const two = [...one, 'app-1.2-44-x86-64.raw'];
    expect(offeringsOf(two, hints)[0]?.osField).toBe('yes');
    expect(offeringsOf([...two, 'app-1.4-x86-64.raw'], hints)[0]?.osField).toBe('no');
  });

  it('an extension whose names changed stands for each way, the newest first', () => {
    expect(short(['app-1.raw', 'app_3.raw', 'app-2.raw'])).toEqual([
      { extension: 'app', pattern: 'app_@v.raw', versions: ['3'] },
      { extension: 'app', pattern: 'app-@v.raw', versions: ['2', '1'] },
    ]);
  });
});
