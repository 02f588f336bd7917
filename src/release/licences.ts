/** What the program is made of besides its own code, with the licences. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** As SPDX has it. */
  readonly licence: string;
  readonly repository: string;
  readonly directory: string;
}

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly repository?: string | { readonly url: string };
}

/** @param inputs paths of the files that were bundled */
export function bundledPackages(inputs: readonly string[]): BundledPackage[] {
  const directories = inputs.flatMap((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  return [...new Set(directories)].sort().map((directory) => {
    const { name, version, license, repository } = readPackage(directory);
    if (license === undefined) throw new Error(`${directory}: package.json names no licence`);
    return { name, version, licence: license, repository: urlOf(repository), directory };
  });
}

function readPackage(directory: string): PackageJson {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as PackageJson;
}

/** npm allows several short forms for repositories of the usual host. */
function urlOf(repository: PackageJson['repository']): string {
  const url = typeof repository === 'string' ? repository : (repository?.url ?? '');
  const plain = url
    .replace(/^git\+/, '')
    .replace(/^(git|ssh):\/\/(git@)?/, 'https://')
    .replace(/\.git$/, '');
  return /^[\w.-]+\/[\w.-]+$/.test(plain) ? `https://github.com/${plain}` : plain;
}

/** For the head of the program, which may go around alone. */
export function licenceNotice(packages: readonly BundledPackage[]): string {
  const lines = packages.map((one) => ` * ${one.name} ${one.version}, ${one.licence}, ${one.repository}\n`);
  const { version, license } = readPackage('.');
  return ` * extupdate ${version}, ${license}. In it, with licences of their own:\n${lines.join('')} `;
}

/** The licences themselves; where a package has no file with it, its own word and the source have to do. */
export function licenceTexts(packages: readonly BundledPackage[]): string {
  const texts = packages.map(({ name, version, licence, repository, directory }) => {
    const files = readdirSync(directory).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
    const head = `${name} ${version}\nLicence: ${licence}\nSource: ${repository}\n`;
    return [head, ...files.map((file) => `${readFileSync(join(directory, file), 'utf8').trim()}\n`)].join('\n');
  });
  return `The program contains the packages below; each can be exchanged by building it anew ("npm run build").\n\n${texts.join(`\n${'-'.repeat(78)}\n\n`)}`;
}
