/** Loaded before the program (`--import`): what V8 has compiled of each part by the end is kept beside the program. */
import { renameSync, writeFileSync } from 'node:fs';
import vm from 'node:vm';
import { COMPILED_SUFFIX, packCompiled, unwrapPart } from '../load-part.ts';

const recorded: { readonly filename: string; readonly text: string; readonly script: vm.Script }[] = [];

vm.Script = class extends vm.Script {
  constructor(source: string, options: vm.ScriptOptions & { readonly filename: string }) {
    super(source, options);
    recorded.push({ filename: options.filename, text: unwrapPart(source), script: this });
  }
} as typeof vm.Script;

process.on('exit', () => {
  for (const { filename, text, script } of recorded) {
    const file = filename + COMPILED_SUFFIX;
    writeFileSync(`${file}.new`, packCompiled(text, script.createCachedData()));
    renameSync(`${file}.new`, file);
  }
});
