// Bundles the program into dist/ (and, on request, a test program beside it). All of its own code is one file: Node takes
// longer to find and link many files than to skip what a command does not run. What is large, and not needed by every
// command, is a file of its own that is loaded when it is used.
import { rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const banner =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";

const common = {
  bundle: true,
  // Names of chunks come from paths: those of a linked node_modules have to be the same.
  preserveSymlinks: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  banner: { js: banner },
  logLevel: 'warning',
};

const [entry, outfile] = process.argv.slice(2);
if (entry && outfile) {
  await build({ ...common, entryPoints: [entry], outfile });
} else {
  rmSync('dist', { recursive: true, force: true });
  const output = { ...common, minifySyntax: true, minifyWhitespace: true };
  // The full build of openpgp carries what manifests never need.
  const alias = { openpgp: './node_modules/openpgp/dist/lightweight/openpgp.min.mjs' };
  const lazy = {
    name: 'lazy',
    setup({ onResolve }) {
      onResolve({ filter: /^(undici|openpgp|cli-progress|xz-decompress|p-retry|node-cron)$/ }, ({ path, kind }) => {
        if (kind !== 'dynamic-import') throw new Error(`${path}: import it where it is used, with import()`);
        return { path: `./lib/${path}.mjs`, external: true };
      });
    },
  };
  // A run that is one too many ends before it has loaded all of this.
  const program = {
    name: 'program',
    setup({ onResolve }) {
      onResolve({ filter: /\/cli\/cli\.ts$/ }, () => ({ path: './program.js', external: true }));
    },
  };
  // As CommonJS, what Node itself brings is loaded with the part that uses it, too, and not before everything else.
  const commonjs = { ...output, banner: {}, format: 'cjs', outdir: 'dist' };
  await Promise.all([
    build({
      ...commonjs,
      entryPoints: ['src/main.ts'],
      plugins: [program],
      // import() of a CommonJS file would load what is for ECMAScript modules only.
      supported: { 'dynamic-import': false },
    }),
    build({ ...commonjs, entryPoints: [{ in: 'src/cli/cli.ts', out: 'program' }], plugins: [lazy] }),
    build({
      ...output,
      entryPoints: ['undici', 'openpgp', 'cli-progress', 'xz-decompress', 'p-retry', 'node-cron'].map((name) => ({
        in: alias[name] ?? name,
        out: name,
      })),
      outdir: 'dist/lib',
      outExtension: { '.js': '.mjs' },
      splitting: true,
      chunkNames: 'chunks/[name]-[hash]',
      alias,
    }),
  ]);
  writeFileSync('dist/package.json', '{ "type": "commonjs" }\n');
}
