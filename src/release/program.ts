/**
 * Builds the program into dist/: one file that any Node runs, with nothing beside it. What a run that is one too many
 * needs is its code; all else is carried as text in a comment (see src/load-part.ts), and loaded when it is used: the
 * program's own code as one part, since Node takes longer to find and link many files than to skip what a command does
 * not run, and what is large, and not needed by every command, as parts of their own.
 */
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type BuildOptions, type BuildResult, build, type Plugin } from 'esbuild';
import { carry } from '../carried-parts.ts';
import { bundledPackages, licenceNotice, licenceTexts } from './licences.ts';

const LIBRARIES = ['undici', 'openpgp', 'cli-progress', 'xz-decompress', 'p-retry', 'node-cron'];
/** The full build of openpgp carries what manifests never need. */
const ALIAS: Readonly<Record<string, string>> = {
  openpgp: './node_modules/openpgp/dist/lightweight/openpgp.min.mjs',
};

// As CommonJS, what Node itself brings is loaded with the part that uses it, too, and not before everything else.
const common = {
  bundle: true,
  write: false,
  metafile: true,
  // Names in the bundle come from paths: those of a linked node_modules have to be the same.
  preserveSymlinks: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  logLevel: 'warning',
  minifySyntax: true,
  minifyWhitespace: true,
  // import() of a CommonJS file would load what is for ECMAScript modules only.
  supported: { 'dynamic-import': false },
  legalComments: 'none',
} as const satisfies BuildOptions;

/** Loads what is left out when it is used. */
function partPlugin(filter: RegExp, name?: string): Plugin {
  return {
    name: 'part',
    setup({ onResolve, onLoad }) {
      onResolve({ filter }, ({ path, kind }) => {
        if (kind !== 'dynamic-import') throw new Error(`${path}: import it where it is used, with import()`);
        // Parts find each other by name; the code around them has to be told.
        return name === undefined ? { path, external: true } : { path: name, namespace: 'part' };
      });
      onLoad({ filter: /^/, namespace: 'part' }, ({ path }) => ({
        contents: `module.exports = require('./src/load-part.ts').loadPart('${path}');`,
        resolveDir: process.cwd(),
      }));
    },
  };
}

/** Of undici, requests are all that is used: the half of it that a browser would have takes long to load. */
const requestsOnly: Plugin = {
  name: 'requests-only',
  setup({ onLoad }) {
    onLoad({ filter: /\/undici\/lib\/(web|mock|cache|interceptor)\// }, () => ({
      contents: 'module.exports = new Proxy({}, { get: () => class {} });',
    }));
  },
};

/** Below a package.json that says "module", Node takes a file without a suffix for an ECMAScript module. */
const IN_ANY_MODULE =
  'var require=typeof require=="function"?require:process.getBuiltinModule,' +
  '__filename=typeof __filename=="string"?__filename:require("node:fs").realpathSync(process.argv[1]);';

type Built = BuildResult<typeof common>;

function buildLibrary(name: string): Promise<Built> {
  return build({
    ...common,
    entryPoints: [ALIAS[name] ?? name],
    alias: ALIAS,
    plugins: [requestsOnly],
    minifyIdentifiers: true,
    define: { 'import.meta.url': '__url' },
    banner: { js: "const __url = require('node:url').pathToFileURL(__filename).href;" },
    // What ECMAScript modules export by default is what others export as a whole.
    footer: {
      js: 'if (module.exports.default) module.exports = Object.assign(module.exports.default, module.exports);',
    },
  });
}

const [main, program, ...libraries] = await Promise.all([
  build({ ...common, entryPoints: ['src/main.ts'], plugins: [partPlugin(/\/cli\/cli\.ts$/, 'program')] }),
  build({
    ...common,
    entryPoints: ['src/cli/cli.ts'],
    plugins: [partPlugin(new RegExp(`^(${LIBRARIES.join('|')})$`))],
  }),
  ...LIBRARIES.map(buildLibrary),
]);
const textOf = ({ outputFiles: [file] }: Built) => file?.text ?? '';
const parts = new Map([['program', textOf(program)]]);
for (const [index, library] of libraries.entries()) parts.set(LIBRARIES[index] ?? '', textOf(library));
const packages = bundledPackages([main, program, ...libraries].flatMap(({ metafile }) => Object.keys(metafile.inputs)));

/** The main program, which finds everything else in its own text. */
function oneFile(code: string): string {
  const [shebang, ...lines] = code.split('\n');
  const strict = '"use strict";';
  if (!lines[0]?.startsWith(strict)) throw new Error(`src/main.ts: expected ${strict} to be first`);
  lines[0] = strict + IN_ANY_MODULE + lines[0].slice(strict.length);
  return [shebang, `/*\n${licenceNotice(packages)}*/`, ...lines, carry('carriedParts', parts), ''].join('\n');
}

mkdirSync('dist', { recursive: true });
// Images take long to build, and are named by their version.
for (const name of readdirSync('dist').filter((one) => !one.endsWith('.raw')))
  rmSync(`dist/${name}`, { recursive: true });
writeFileSync('dist/extupdate', oneFile(textOf(main)));
chmodSync('dist/extupdate', 0o755);
writeFileSync('dist/LICENCES', licenceTexts(packages));
// Node starts sooner when it is told.
writeFileSync('dist/package.json', '{ "type": "commonjs" }\n');
