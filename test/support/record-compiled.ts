/** Loaded before the program (`--import`): what V8 has compiled of each part by the end is kept beside it. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import vm from 'node:vm';
import { COMPILED_SUFFIX, packCompiled } from '../../src/load-part.ts';

const recorded: { readonly path: string; readonly script: vm.Script }[] = [];

vm.Script = class extends vm.Script {
  constructor(source: string, options: vm.ScriptOptions & { readonly filename: string }) {
    super(source, options);
    recorded.push({ path: options.filename, script: this });
  }
} as typeof vm.Script;

process.on('exit', () => {
  for (const { path, script } of recorded) {
    const file = path + COMPILED_SUFFIX;
    writeFileSync(`${file}.new`, packCompiled(readFileSync(path), script.createCachedData()));
    renameSync(`${file}.new`, file);
  }
});
