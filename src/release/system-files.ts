/** What a system gets: the program, and what belongs to it, where distributions have such things. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { PlacedFile } from './placed-file.ts';

export interface SystemOptions {
  /** `/usr`, or where else the system has programs of its own; absolute, without a slash at the end. */
  readonly prefix: string;
  /** What runs the program, as the first line of a script has it. */
  readonly interpreter: string;
  /** Directory with the program, and what V8 compiled of it. */
  readonly program: string;
  /** Whether it comes as a system extension, which systemd merges when the boot has begun. */
  readonly asExtension: boolean;
}

/** Where the program, and what only it uses, is installed below the prefix. */
export const OWN_PLACE = 'lib/extupdate';

/** All files but that of Node, in the order of their paths. The repository is the current directory. */
export function systemFiles(options: SystemOptions): PlacedFile[] {
  const { prefix } = options;
  const below = [...programFiles(options), ...unitFiles(options), ...hookFiles(options), ...documentFiles()];
  return below
    .map((file) => ({ ...file, path: join(prefix.slice(1), file.path) }))
    .sort((one, other) => (one.path < other.path ? -1 : 1));
}

function programFiles({ interpreter, program }: SystemOptions): PlacedFile[] {
  const text = readFileSync(join(program, 'extupdate'), 'latin1').replace(/^#!.*/, `#!${interpreter}`);
  const compiled = readdirSync(program).filter((name) => /^extupdate\..*\.cache$/.test(name));
  return [
    { path: `${OWN_PLACE}/extupdate`, content: Buffer.from(text, 'latin1'), mode: 0o755 },
    ...compiled.map((name) => copied(join(program, name), `${OWN_PLACE}/${name}`)),
    { path: 'bin/extupdate', linkTo: `../${OWN_PLACE}/extupdate` },
    ...filesIn('transfer.d').map((name) => copied(`transfer.d/${name}`, `${OWN_PLACE}/transfer.d/${name}`)),
  ];
}

const UNIT_DIRECTORY = 'lib/systemd/system';

/** @throws Error for what is in `units/` and has no place here */
function unitFiles({ prefix, asExtension }: SystemOptions): PlacedFile[] {
  const placed: PlacedFile[] = [];
  for (const path of [...filesIn('units').filter((one) => !/^(hooks|extension)\//.test(one))]) {
    const name = basename(path);
    const text = atPrefix(readFileSync(join('units', path), 'utf8'), prefix);
    if (name.endsWith('.preset')) {
      const preset = asExtension ? readFileSync(join('units/extension', name), 'utf8') : text;
      placed.push({ path: `lib/systemd/system-preset/80-${name}`, content: preset, mode: 0o644 });
    } else if (/^([^/]+\.service\.d\/)?[^/]+\.(service|timer|socket|path|target|conf)$/.test(path)) {
      if (asExtension && neededEarlier.test(path)) {
        // To be copied, for other extensions.
        if (name.endsWith('.conf')) placed.push({ path: `${OWN_PLACE}/${path}`, content: text, mode: 0o644 });
        continue;
      }
      const content = asExtension ? text.replace(/^WantedBy=.*/gm, 'WantedBy=extupdate-extension.target') : text;
      placed.push({ path: `${UNIT_DIRECTORY}/${path}`, content, mode: 0o644 });
    } else throw new Error(`units/${path}: it is not known where this is installed`);
  }
  if (!asExtension) return placed;
  const own = filesIn('units/extension').filter((path) => !path.endsWith('.preset'));
  return [...placed, ...own.map((path) => copied(`units/extension/${path}`, `${UNIT_DIRECTORY}/${path}`))];
}

/** What has to be there before systemd merges, and so must not come with what it merges. */
const neededEarlier = /^(extupdate-boot\.service|systemd-sysext\.service\.d\/.*)$/;

function hookFiles({ prefix }: SystemOptions): PlacedFile[] {
  const hook = (name: string, path: string): PlacedFile => ({
    path,
    content: atPrefix(readFileSync(`units/hooks/${name}`, 'utf8'), prefix),
    mode: 0o755,
  });
  // tukit looks for plugins nowhere else.
  const plugin = prefix === '/usr' ? 'lib/tukit/plugins/extupdate' : `${OWN_PLACE}/hooks/tukit-plugin`;
  return [
    hook('before-os-update', `${OWN_PLACE}/before-os-update`),
    hook('flatcar-oem-postinst', `${OWN_PLACE}/hooks/flatcar-oem-postinst`),
    hook('tukit-plugin', plugin),
  ];
}

/** systemd and the hooks find the program by its whole name, whatever else is in the search path. */
function atPrefix(text: string, prefix: string): string {
  return text
    .replace(/^(Exec[A-Za-z]+=[-+@:!]*)extupdate /gm, `$1${prefix}/bin/extupdate `)
    .replace(/^( *|if ! command -v )extupdate (?=prepare|>)/gm, `$1${prefix}/bin/extupdate `)
    .replaceAll('/usr/lib/extupdate', `${prefix}/${OWN_PLACE}`);
}

function documentFiles(): PlacedFile[] {
  const read = (path: string): PlacedFile => copied(path, `share/doc/extupdate/${path}`);
  return [
    ...['README.md', 'SECURITY.md', 'CHANGELOG.md'].map(read),
    ...filesIn('docs').map((name) => read(`docs/${name}`)),
    copied('LICENSE', 'share/licenses/extupdate/LICENSE'),
    copied('dist/LICENCES', 'share/licenses/extupdate/LICENCES'),
    ...filesIn('dist/man').map((name) => copied(`dist/man/${name}`, `share/man/man${name.at(-1)}/${name}`)),
    copied('dist/completions/extupdate.bash', 'share/bash-completion/completions/extupdate'),
    copied('dist/completions/_extupdate', 'share/zsh/site-functions/_extupdate'),
    copied('dist/completions/extupdate.fish', 'share/fish/vendor_completions.d/extupdate.fish'),
  ];
}

function copied(from: string, path: string): PlacedFile {
  return { path, content: readFileSync(from), mode: 0o644 };
}

/** Paths of all files below a directory. */
function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(directory, path)).isFile())
    .sort();
}
