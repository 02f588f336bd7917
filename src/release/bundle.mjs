// Makes a build or test program one file, which Node runs as it is: bundle.mjs ENTRY OUTFILE
import { build } from 'esbuild';

const [entry, outfile] = process.argv.slice(2);
await build({
  bundle: true,
  // Names in the bundle come from paths: those of a linked node_modules have to be the same.
  preserveSymlinks: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  logLevel: 'warning',
  // It looks for a program beside itself.
  external: ['esbuild'],
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
  entryPoints: [entry],
  outfile,
});
