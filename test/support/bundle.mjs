// Bundles the program into dist/ (and, on request, a test program beside it). All of its own code is one file: Node takes
// longer to find and link many files than to skip what a command does not run. What is large, and not needed by every
// command, is a file of its own that is loaded when it is used.
import { rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const common = {
  bundle: true,
  // Names in the bundle come from paths: those of a linked node_modules have to be the same.
  preserveSymlinks: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
};

const [entry, outfile] = process.argv.slice(2);
if (entry && outfile) {
  const banner =
    "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";
  await build({ ...common, format: 'esm', banner: { js: banner }, entryPoints: [entry], outfile });
} else {
  rmSync('dist', { recursive: true, force: true });
  const libraries = ['undici', 'openpgp', 'cli-progress', 'xz-decompress', 'p-retry', 'node-cron'];
  // The full build of openpgp carries what manifests never need.
  const alias = { openpgp: './node_modules/openpgp/dist/lightweight/openpgp.min.mjs' };

  // What is left out of one file is a part that it loads when it is used, see src/load-part.ts.
  const part = (filter, pathOf) => ({
    name: 'part',
    setup({ onResolve, onLoad }) {
      onResolve({ filter }, ({ path, kind }) => {
        if (kind !== 'dynamic-import') throw new Error(`${path}: import it where it is used, with import()`);
        return { path: pathOf(path), namespace: 'part' };
      });
      onLoad({ filter: /^/, namespace: 'part' }, ({ path }) => ({
        contents: `module.exports = require('./src/load-part.ts').loadPart(__dirname + '/${path}');`,
        resolveDir: process.cwd(),
      }));
    },
  });
  // Of undici, requests are all that is used: the half of it that a browser would have takes long to load.
  const requestsOnly = {
    name: 'requests-only',
    setup({ onLoad }) {
      onLoad({ filter: /\/undici\/lib\/(web|mock|cache|interceptor)\// }, () => ({
        contents: 'module.exports = new Proxy({}, { get: () => class {} });',
      }));
    },
  };
  // As CommonJS, what Node itself brings is loaded with the part that uses it, too, and not before everything else.
  const output = {
    ...common,
    format: 'cjs',
    outdir: 'dist',
    minifySyntax: true,
    minifyWhitespace: true,
    // import() of a CommonJS file would load what is for ECMAScript modules only.
    supported: { 'dynamic-import': false },
  };
  await Promise.all([
    // A run that is one too many ends before it has loaded all of the program.
    build({ ...output, entryPoints: ['src/main.ts'], plugins: [part(/\/cli\/cli\.ts$/, () => 'program.js')] }),
    build({
      ...output,
      entryPoints: [{ in: 'src/cli/cli.ts', out: 'program' }],
      plugins: [part(new RegExp(`^(${libraries.join('|')})$`), (name) => `lib/${name}.js`)],
    }),
    build({
      ...output,
      entryPoints: libraries.map((name) => ({ in: alias[name] ?? name, out: name })),
      outdir: 'dist/lib',
      alias,
      plugins: [requestsOnly],
      define: { 'import.meta.url': '__url' },
      banner: { js: "const __url = require('node:url').pathToFileURL(__filename).href;" },
      // What ECMAScript modules export by default is what others export as a whole.
      footer: {
        js: 'if (module.exports.default) module.exports = Object.assign(module.exports.default, module.exports);',
      },
    }),
  ]);
  writeFileSync('dist/package.json', '{ "type": "commonjs" }\n');
}
