// Bundles the program into dist/ (and, on request, a test program beside it): split chunks, so that a command loads
// only what it needs.
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

const banner =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";

const common = {
  bundle: true,
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
  await build({
    ...common,
    entryPoints: ['src/main.ts'],
    outdir: 'dist',
    splitting: true,
    minifySyntax: true,
    minifyWhitespace: true,
    chunkNames: 'chunks/[name]-[hash]',
    // The full build of openpgp carries what manifests never need.
    alias: { openpgp: './node_modules/openpgp/dist/lightweight/openpgp.min.mjs' },
  });
}
