/** What is in the image that extupdate is, as an extension, besides what every system gets. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture, PreparedNode } from './node-binary.ts';
import type { PlacedFile } from './placed-file.ts';
import { OWN_PLACE, systemFiles } from './system-files.ts';

/** What the extension is called: its release file, and its component. */
export const NAME = 'extupdate';

export interface ImageContent {
  readonly version: string;
  readonly architecture: Architecture;
  readonly node: PreparedNode;
  /** Directory with the program, and what the Node of the image compiled of it. */
  readonly program: string;
  /** Where new versions of the image come from; undefined = nothing is said of that. */
  readonly sourceUrl?: string | undefined;
  /** OpenPGP keys that may sign them; undefined = those of the host. */
  readonly keyring?: Buffer | undefined;
}

const NODE = `usr/${OWN_PLACE}/bin/node`;
const KEYRING = `usr/${OWN_PLACE}/keys/${NAME}.pgp`;
const DEFINITION = `usr/${OWN_PLACE}/transfer.d/${NAME}.transfer`;

/** All files of the image, in no order. The repository is the current directory. @throws Error when one of them cannot be read */
export function imageFiles(content: ImageContent): PlacedFile[] {
  const { version, architecture, node, program, keyring } = content;
  const text = (path: string, lines: string): PlacedFile => ({ path, content: lines, mode: 0o644 });
  const release = `ID=_any\nARCHITECTURE=${architecture}\nEXTENSION_RELOAD_MANAGER=1\nIMAGE_ID=${NAME}\nIMAGE_VERSION=${version}\n`;
  return [
    ...systemFiles({ prefix: '/usr', interpreter: `/${NODE}`, program, asExtension: true }).filter(
      ({ path }) => content.sourceUrl === undefined || path !== `${DEFINITION}.example`,
    ),
    text(`usr/lib/extension-release.d/extension-release.${NAME}`, release),
    { path: NODE, hardLinkTo: join(node.directory, 'bin/node') },
    ...readdirSync(join(node.directory, 'lib')).map((name) => ({
      path: `usr/${OWN_PLACE}/lib/${name}`,
      hardLinkTo: join(node.directory, 'lib', name),
    })),
    text('usr/share/licenses/extupdate/LICENSE.node', readFileSync(join(node.directory, 'LICENSE'), 'utf8')),
    text('usr/share/licenses/extupdate/LICENSE.libraries', libraryLicence()),
    ...definitionFiles(content),
    ...(keyring === undefined ? [] : [{ path: KEYRING, content: keyring, mode: 0o644 } as const]),
  ];
}

/** The example of the repository, filled in. */
function definitionFiles({ sourceUrl, keyring }: ImageContent): PlacedFile[] {
  if (sourceUrl === undefined) return [];
  const example = readFileSync(`transfer.d/${NAME}.transfer.example`, 'utf8');
  const text = example.replace(/^Path=https:.*$/m, `Path=${sourceUrl}`);
  const own = keyring === undefined ? text : `${text}Keyring=/${KEYRING}\n`;
  return [{ path: DEFINITION, content: own, mode: 0o644 }];
}

/** Distributions have it beside the library; the licence itself, and the exception, are those of GCC. */
function libraryLicence(): string {
  const head =
    'libstdc++.so.6 and libgcc_s.so.1 are parts of GCC: GPL-3.0-or-later with the GCC Runtime Library Exception.\n';
  const copyright = '/usr/share/doc/libstdc++6/copyright';
  return existsSync(copyright)
    ? `${head}\n${readFileSync(copyright, 'utf8')}`
    : `${head}Source: https://gcc.gnu.org/\n`;
}
