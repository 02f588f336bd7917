/** Everything that is fuzzed. */
import type { FuzzTarget } from './target.ts';
import { blocks } from './targets/blocks.ts';
import { definitions } from './targets/definitions.ts';
import { imageNames } from './targets/image-names.ts';
import { erofs, gpt, squashfs } from './targets/images.ts';
import { manifest } from './targets/manifest.ts';
import { osRelease } from './targets/os-release.ts';
import { patterns } from './targets/patterns.ts';
import { sidecar } from './targets/sidecar.ts';
import { state } from './targets/state.ts';
import { systemOutput } from './targets/system-output.ts';
import { tar } from './targets/tar.ts';
import { values } from './targets/values.ts';
import { varlink } from './targets/varlink.ts';
import { versions } from './targets/versions.ts';

export const targets: readonly FuzzTarget[] = [
  ...[manifest, definitions, osRelease, versions, patterns, squashfs, erofs, gpt, blocks, tar, sidecar, state, values],
  ...[systemOutput, varlink, imageNames],
];
