/** Makes the driver one file. Locks cost a program each; they are left out, as no two runs meet on a played host. */
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const withoutLocks: Plugin = {
  name: 'without locks',
  setup({ onLoad }) {
    const contents =
      'export const takeLock = async () => ({ release: async () => {} }); export const takeDirectoryLock = takeLock;';
    onLoad({ filter: /src\/os\/lock\.ts$/ }, () => ({ contents, loader: 'ts' }));
  },
};

export async function bundleDriver(outfile: string): Promise<void> {
  const require =
    "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";
  await build({
    entryPoints: [fileURLToPath(new URL('driver.ts', import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    banner: { js: require },
    plugins: [withoutLocks],
    logLevel: 'warning',
  });
}
